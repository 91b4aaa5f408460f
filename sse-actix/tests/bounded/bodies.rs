//! Bodies of requests: those that a handler keeps, reads slowly or drops.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::StreamExt as _;
use sse_actix::{BoundedHttp, Sse, SseBody, SseOptions, sse_response_with};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

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
            sleep(Duration::from_millis(2)).await;
            client.send(byte).await;
        }
        assert_eq!(client.response().await, (200, "abcde".to_owned()));
    })
    .await;
}

const IN_CHUNKS: &str = "POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The time within which the rest of a body must arrive when its response is complete.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to a server that answers without reading the body, and begins a request in chunks.
async fn begin_body_that_is_not_read() -> Client {
    // actix's deadlines are those of the system's clock, so there is one connection for each test.
    tokio::time::pause();
    let routes = |config: &mut ServiceConfig| {
        config.default_service(web::to(async || "ok"));
    };
    let http = BoundedHttp::new()
        .keep_alive(Duration::from_secs(3_600))
        .client_request_timeout(TIMEOUT);
    let mut client = Client::connect(http, 64 * 1024, routes).await;
    client.send(IN_CHUNKS).await;
    assert_eq!(client.response().await, (200, "ok".to_owned()));
    client
}

/// The time limit, with its second look.
async fn ends_in_time(client: Client) -> bool {
    timeout(TIMEOUT + Duration::from_millis(100), client.ends())
        .await
        .is_ok()
}

#[actix_web::test]
async fn a_body_of_which_nothing_comes_after_its_response_ends_the_connection() {
    let client = begin_body_that_is_not_read().await;
    assert!(ends_in_time(client).await);
}

#[actix_web::test]
async fn a_body_that_comes_chunk_by_chunk_after_its_response_ends_the_connection() {
    let mut client = begin_body_that_is_not_read().await;
    for _ in 0..4 {
        sleep(Duration::from_secs(1)).await;
        client.send("1\r\nx\r\n").await;
    }
    let left = Duration::from_millis(1_100);
    assert!(timeout(left, client.ends()).await.is_ok());
}

/// All that is sent is discarded, so that the server never waits.
#[actix_web::test]
async fn a_body_that_never_stops_after_its_response_ends_the_connection() {
    let mut client = begin_body_that_is_not_read().await;
    let chunk = format!("8000\r\n{}\r\n", "x".repeat(0x8000));
    let sending = async {
        while client.io.write_all(chunk.as_bytes()).await.is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let left = TIMEOUT + Duration::from_secs(1);
    assert!(timeout(left, sending).await.is_ok());
}

/// The end of its response is the only event after the server has read all.
#[actix_web::test]
async fn a_body_of_which_nothing_comes_after_a_late_response_ends_the_connection() {
    tokio::time::pause();
    let answer = watch::Sender::new(false);
    let routes = |config: &mut ServiceConfig| {
        let answer = answer.clone();
        config.default_service(web::to(move || {
            let mut answer = answer.subscribe();
            async move {
                let _ = answer.wait_for(|answer| *answer).await.expect("a sender");
                HttpResponse::NoContent().finish()
            }
        }));
    };
    let http = BoundedHttp::new().client_request_timeout(TIMEOUT);
    let mut client = Client::connect(http, 64 * 1024, routes).await;
    client.send(IN_CHUNKS).await;
    sleep(10 * TIMEOUT).await;
    answer.send_replace(true);
    client.read_until("\r\n\r\n").await;
    assert!(ends_in_time(client).await);
}

#[actix_web::test]
async fn a_handler_that_waits_for_its_body_is_not_polled_meanwhile() {
    within_limit(async {
        let polls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&polls);
        let routes = move |config: &mut ServiceConfig| {
            config.default_service(web::to(move |mut body: Payload| {
                let polls = Rc::clone(&counted);
                poll_fn(move |cx| {
                    polls.set(polls.get() + 1);
                    while ready!(body.poll_next_unpin(cx)).is_some() {}
                    Poll::Ready("ok")
                })
            }));
        };
        let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, routes).await;
        client.send(IN_CHUNKS).await;
        for _ in 0..3 {
            client.taken().await;
            let before = polls.get();
            client.send("1\r\nx\r\n").await;
            client.taken().await;
            let times = polls.get() - before;
            assert!((1..=2).contains(&times), "{times} times for a chunk");
        }
        client.send("0\r\n\r\n").await;
        assert_eq!(client.response().await, (200, "ok".to_owned()));
    })
    .await;
}

#[actix_web::test]
async fn a_body_that_ends_in_time_after_its_response_is_followed_by_requests() {
    let mut client = begin_body_that_is_not_read().await;
    for _ in 0..3 {
        sleep(TIMEOUT - Duration::from_secs(1)).await;
        client.send(format!("1\r\nx\r\n0\r\n\r\n{IN_CHUNKS}")).await;
        assert_eq!(client.response().await, (200, "ok".to_owned()));
    }
    client.send("0\r\n\r\n").await;
    sleep(10 * TIMEOUT).await;
    client.send(get("/")).await;
    assert_eq!(client.response().await, (200, "ok".to_owned()));
}

/// It is the handler that waits for it.
#[actix_web::test]
async fn a_body_whose_response_is_not_complete_has_no_time_limit() {
    tokio::time::pause();
    let read = watch::Sender::new(true);
    let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, keeping(&read)).await;
    client.send(IN_CHUNKS.replace("POST /", "POST /keep")).await;
    client.read_until("data: hello\n\n").await;
    for _ in 0..10 {
        sleep(2 * TIMEOUT).await;
        client.send("1\r\nx\r\n").await;
    }
    client.send("0\r\n\r\n").await;
    client.read_until("data: 10\n\n").await;
}

/// A task may keep a body, which is complete, for longer than its request.
#[actix_web::test]
async fn a_body_that_is_kept_does_not_open_the_connection_for_that_of_a_later_request() {
    within_limit(async {
        let kept = Rc::new(RefCell::new(None));
        let read = watch::Sender::new(false);
        let routes = {
            let (kept, keep_second) = (Rc::clone(&kept), keeping(&read));
            move |config: &mut ServiceConfig| {
                let first = move |mut body: Payload| {
                    let kept = Rc::clone(&kept);
                    async move {
                        while body.next().await.is_some() {}
                        kept.replace(Some(body));
                        "ok"
                    }
                };
                keep_second(config);
                config.default_service(web::to(first));
            }
        };
        let mut client = Client::connect(BoundedHttp::new(), 2 * 1024 * 1024, routes).await;
        client.send(format!("{IN_CHUNKS}1\r\nx\r\n0\r\n\r\n")).await;
        assert_eq!(client.response().await, (200, "ok".to_owned()));
        let [request, ..] = requests();
        client.send(request).await;
        client.read_until("data: hello\n\n").await;
        let before = client.taken().await;
        kept.take().expect("the first body");
        assert_eq!(client.taken().await, before);
        read.send_replace(true);
        client.read_until(&format!("data: {LENGTH}\n\n")).await;
    })
    .await;
}
