//! Bodies of requests: those that a handler keeps, reads slowly or drops.

use std::time::Duration;

use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use sse_actix::{BoundedHttp, Sse, SseBody, SseOptions, sse_response_with};
use tokio::sync::watch;

use crate::server::{Client, Streams, get, within_limit};

/// The most that is read of a body that nothing takes, with its request.
const HELD: usize = 48 * 1024;

/// Serves a stream that keeps the body until it receives a signal, and then counts its bytes.
fn keeping(read: &watch::Sender<bool>) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let read = read.clone();
    move |config| {
        let handler = move |request: HttpRequest, mut body: Payload| {
            let mut read = read.subscribe();
            let options = SseOptions::new().without_keep_alive();
            let response: HttpResponse<SseBody> =
                sse_response_with(&options, &request, |_, sse: Sse| async move {
                    sse.send("hello").await.expect("open");
                    let _ = read.wait_for(|read| *read).await.expect("a sender");
                    let mut sum = 0_usize;
                    while let Some(piece) = body.next().await {
                        let piece = piece.expect("a whole body");
                        sum += piece.iter().filter(|byte| **byte == b'x').count();
                    }
                    sse.send(sum.to_string()).await.expect("open");
                });
            async { response }
        };
        config.route("/keep", web::to(handler));
    }
}

const LENGTH: usize = 128 * 1024;

/// Returns requests with 128 KiB of data: of known length, in large chunks and in chunks of one byte.
fn requests() -> [String; 3] {
    let head = "POST /keep HTTP/1.1\r\nHost: test\r\n";
    let chunks = |size: usize| {
        let chunk = format!("{size:x}\r\n{}\r\n", "x".repeat(size));
        let chunks = chunk.repeat(LENGTH / size);
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
    };
    let data = "x".repeat(LENGTH);
    [
        format!("{head}Content-Length: {LENGTH}\r\n\r\n{data}"),
        chunks(64 * 1024),
        chunks(1),
    ]
}

#[actix_web::test]
async fn little_of_a_body_that_a_stream_keeps_is_read_until_the_stream_reads_it() {
    within_limit(async {
        for request in requests() {
            let read = watch::Sender::new(false);
            let mut client =
                Client::connect(BoundedHttp::new(), 2 * 1024 * 1024, keeping(&read)).await;
            client.send(request).await;
            client.read_until("data: hello\n\n").await;
            let taken = client.taken().await;
            assert!(taken <= HELD, "{taken} bytes");
            read.send_replace(true);
            client.read_until(&format!("data: {LENGTH}\n\n")).await;
            client.read_until("0\r\n\r\n").await;
            // actix closes, as the response has begun before the body was read.
            client.ends().await;
        }
    })
    .await;
}

#[actix_web::test]
async fn a_body_that_nothing_reads_is_discarded_however_long_it_is() {
    within_limit(async {
        for request in requests() {
            let request = request.replace("/keep", "/events");
            let streams = Streams::new();
            let mut client =
                Client::connect(BoundedHttp::new(), 2 * 1024 * 1024, streams.routes()).await;
            client.send(&request).await;
            client.read_until("data: hello\n\n").await;
            assert_eq!(client.taken().await, request.len());
            drop(client);
            streams.dropped().await;
        }
    })
    .await;
}

/// After 101, all that the client sends is the body, whatever it looks like.
#[actix_web::test]
async fn what_follows_an_upgrade_reaches_its_handler() {
    within_limit(async {
        let routes = |config: &mut ServiceConfig| {
            config.default_service(web::to(async |body: Payload| {
                HttpResponse::SwitchingProtocols()
                    .upgrade("websocket")
                    .streaming(body)
            }));
        };
        let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, routes).await;
        client
            .send(
                "GET / HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            )
            .await;
        client.read_until("\r\n\r\n").await;
        for round in 0..100 {
            let message = format!("{}{round}", get("/"));
            client.send(&message).await;
            client.read_until(&message).await;
        }
    })
    .await;
}

/// The client waits for `100 Continue`, which actix sends before the handler reads.
#[actix_web::test]
async fn a_client_that_waits_for_100_continue_is_answered() {
    within_limit(async {
        let mut client = Client::connect(BoundedHttp::new(), 64, Streams::new().routes()).await;
        let head =
            "POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
        for _ in 0..3 {
            client.send(head).await;
            client.read_until("HTTP/1.1 100 Continue\r\n\r\n").await;
            client.send("abc").await;
            assert_eq!(client.response().await, (200, "abc".to_owned()));
        }
    })
    .await;
}

/// A body that comes slowly is read as it comes.
#[actix_web::test]
async fn a_body_that_comes_slowly_is_complete() {
    within_limit(async {
        let mut client = Client::connect(BoundedHttp::new(), 64, Streams::new().routes()).await;
        client
            .send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\n")
            .await;
        for byte in ["a", "b", "c", "d", "e"] {
            tokio::time::sleep(Duration::from_millis(2)).await;
            client.send(byte).await;
        }
        assert_eq!(client.response().await, (200, "abcde".to_owned()));
    })
    .await;
}
