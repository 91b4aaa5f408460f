//! What a graceful shutdown does to connections.

use std::time::Duration;

use actix_web::web;
use sse_actix::{BoundedHttp, CancellationToken};
use tokio::sync::watch;

use crate::server::{Client, Streams, get, post, within_limit};

/// Returns a server's options and the token that shuts it down. Idle connections would stay for an hour.
fn stoppable() -> (BoundedHttp, CancellationToken) {
    let stop = CancellationToken::new();
    let http = BoundedHttp::new()
        .keep_alive(Duration::from_secs(3_600))
        .client_request_timeout(Duration::from_secs(3_600))
        .shutdown(stop.clone());
    (http, stop)
}

#[actix_web::test]
async fn a_shutdown_ends_an_idle_connection_at_once() {
    within_limit(async {
        for half_closed in [false, true] {
            for requests in 0..3 {
                let (http, stop) = stoppable();
                let http = http.h1_allow_half_closed(half_closed);
                let mut client = Client::connect(http, 64 * 1024, Streams::new().routes()).await;
                for _ in 0..requests {
                    client.send(get("/") + &post("x")).await;
                    assert_eq!(client.response().await.0, 200);
                    assert_eq!(client.response().await.0, 200);
                }
                client.taken().await;
                stop.cancel();
                client.ends().await;
            }
        }
    })
    .await;
}

#[actix_web::test]
async fn a_connection_that_comes_after_the_shutdown_ends() {
    within_limit(async {
        let (http, stop) = stoppable();
        stop.cancel();
        let client = Client::connect(http, 64 * 1024, Streams::new().routes()).await;
        client.ends().await;
    })
    .await;
}

#[actix_web::test]
async fn a_shutdown_ends_the_connection_of_a_stream_when_the_stream_has_ended_and_answers_no_other_request()
 {
    within_limit(async {
        for ahead in 0..3 {
            let (http, stop) = stoppable();
            let streams = Streams::new();
            let mut client = Client::connect(http, 64 * 1024, streams.routes()).await;
            client.send(get("/events") + &get("/").repeat(ahead)).await;
            client.read_until("data: hello\n\n").await;
            stop.cancel();
            client.taken().await;
            streams.end();
            client.read_until("0\r\n\r\n").await;
            client.ends().await;
        }
    })
    .await;
}

#[actix_web::test]
async fn a_shutdown_lets_a_request_be_answered() {
    within_limit(async {
        let (http, stop) = stoppable();
        let answer = watch::Sender::new(false);
        let routes = |config: &mut web::ServiceConfig| {
            let answer = answer.clone();
            config.default_service(web::to(move |body: web::Bytes| {
                let mut answer = answer.subscribe();
                async move {
                    let _ = answer.wait_for(|answer| *answer).await.expect("a sender");
                    body
                }
            }));
        };
        let mut client = Client::connect(http, 64 * 1024, routes).await;
        let request = post("hello");
        let (first, rest) = request.split_at(request.len() - 3);
        client.send(first).await;
        client.taken().await;
        stop.cancel();
        client.taken().await;
        client.send(rest).await;
        client.taken().await;
        answer.send_replace(true);
        let head = client.read_until("\r\n\r\n").await.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
        client.read_until("hello").await;
        client.ends().await;
    })
    .await;
}
