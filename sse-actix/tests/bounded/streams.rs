//! What is read from a client whose event stream is open, and how it is noticed that it has left.

use sse_actix::BoundedHttp;

use crate::server::{Client, Streams, get, within_limit};

/// The most that is read after a request.
const READ_AHEAD: usize = 16 * 1024;

const FIRST_EVENT: &str = "data: hello\n\n";

/// Sends `requests` requests together with that of a stream, or after it has opened.
async fn reads_no_further(together: bool) {
    let streams = Streams::new();
    let mut client = Client::connect(BoundedHttp::new(), 1024 * 1024, streams.routes()).await;
    let flood = "GET / HTTP/1.1\r\nHost:\r\n\r\n".repeat(10_000);
    if together {
        client.send(get("/events") + &flood).await;
        client.read_until(FIRST_EVENT).await;
    } else {
        client.send(get("/events")).await;
        client.read_until(FIRST_EVENT).await;
        client.send(&flood).await;
    }
    let taken = client.taken().await;
    assert!(taken <= get("/events").len() + READ_AHEAD, "{taken} bytes");
    assert_eq!(streams.requests(), 1);

    // The requests are answered after the stream.
    streams.end();
    client.read_until("0\r\n\r\n").await;
    for _ in 0..1_000 {
        assert_eq!(client.response().await, (200, String::new()));
    }
}

#[actix_web::test]
async fn requests_sent_after_a_stream_has_opened_are_read_when_it_ends() {
    within_limit(reads_no_further(false)).await;
}

#[actix_web::test]
async fn requests_sent_together_with_that_of_a_stream_are_read_when_it_ends() {
    within_limit(reads_no_further(true)).await;
}

/// Otherwise the requests that wait would all be decoded while a stream among them is open.
#[actix_web::test]
async fn requests_between_others_and_a_stream_are_not_read_ahead_of_it() {
    within_limit(async {
        let streams = Streams::new();
        let mut client = Client::connect(BoundedHttp::new(), 1024 * 1024, streams.routes()).await;
        let before = get("/").repeat(50);
        client
            .send(format!(
                "{before}{}{}",
                get("/events"),
                get("/").repeat(10_000)
            ))
            .await;
        for _ in 0..50 {
            assert_eq!(client.response().await.0, 200);
        }
        client.read_until(FIRST_EVENT).await;
        let taken = client.taken().await;
        let most = before.len() + get("/events").len() + READ_AHEAD;
        assert!(taken <= most, "{taken} bytes");
        assert_eq!(streams.requests(), 51);
    })
    .await;
}

#[actix_web::test]
async fn a_client_that_closes_ends_an_idle_stream_at_once() {
    within_limit(async {
        let streams = Streams::new();
        let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, streams.routes()).await;
        client.send(get("/events")).await;
        client.read_until(FIRST_EVENT).await;
        drop(client);
        streams.dropped().await;
    })
    .await;
}

#[actix_web::test]
async fn early_bytes_do_not_hide_that_a_client_has_closed() {
    within_limit(async {
        for early in ["\r\n".to_owned(), get("/"), get("/").repeat(200)] {
            for together in [false, true] {
                let streams = Streams::new();
                let mut client =
                    Client::connect(BoundedHttp::new(), 64 * 1024, streams.routes()).await;
                client.send(get("/events")).await;
                if !together {
                    client.read_until(FIRST_EVENT).await;
                }
                client.send(&early).await;
                if together {
                    client.read_until(FIRST_EVENT).await;
                }
                drop(client);
                streams.dropped().await;
                assert_eq!(streams.requests(), 1);
            }
        }
    })
    .await;
}

#[actix_web::test]
async fn a_client_that_closes_its_sending_side_is_served_if_that_is_allowed() {
    within_limit(async {
        let streams = Streams::new();
        let http = BoundedHttp::new().h1_allow_half_closed(true);
        let mut client = Client::connect(http, 64 * 1024, streams.routes()).await;
        client.send(get("/a") + &get("/events") + &get("/b")).await;
        tokio::io::AsyncWriteExt::shutdown(&mut client.io)
            .await
            .expect("half-closed");
        assert_eq!(client.response().await.0, 200);
        client.read_until(FIRST_EVENT).await;
        streams.end();
        client.read_until("0\r\n\r\n").await;
        assert_eq!(client.response().await.0, 200);
        client.ends().await;
        assert_eq!(streams.requests(), 3);
    })
    .await;
}
