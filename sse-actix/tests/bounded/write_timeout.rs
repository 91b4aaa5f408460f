//! Clients that accept nothing.

use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use sse_actix::{BoundedHttp, Request, Sse, SseOptions, with_sse};
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep};

use crate::server::{Client, Streams, get};

const TIMEOUT: Duration = Duration::from_secs(60);

/// The second look of a time limit, and what timers are rounded up by.
const LATE: Duration = Duration::from_millis(60);

/// Serves events as fast as they are taken.
fn endless(streams: &Streams) -> impl FnOnce(&mut ServiceConfig) + use<> {
    let streams = streams.clone();
    move |config| {
        let handler = move |_: Request, sse: Sse| {
            let guard = streams.opened();
            async move {
                let _guard = guard;
                while sse.send("x".repeat(1_000)).await.is_ok() {}
            }
        };
        let options = SseOptions::new().without_keep_alive();
        config.default_service(web::to(with_sse(handler).options(options)));
    }
}

#[actix_web::test]
async fn a_client_that_accepts_nothing_ends_after_the_write_timeout() {
    for (http, timeout) in [
        (BoundedHttp::new(), TIMEOUT),
        (BoundedHttp::new().write_timeout(TIMEOUT / 2), TIMEOUT / 2),
    ] {
        tokio::time::pause();
        let streams = Streams::new();
        let mut client = Client::connect(http, 64 * 1024, endless(&streams)).await;
        client.send(get("/")).await;
        client.taken().await;
        let start = Instant::now();
        streams.dropped().await;
        let elapsed = start.elapsed();
        assert!((timeout..timeout + LATE).contains(&elapsed), "{elapsed:?}");
        tokio::time::resume();
    }
}

#[actix_web::test]
async fn a_client_that_accepts_a_little_in_time_stays() {
    tokio::time::pause();
    let streams = Streams::new();
    let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, endless(&streams)).await;
    client.send(get("/")).await;
    for _ in 0..100 {
        sleep(TIMEOUT - LATE).await;
        client.io.read_exact(&mut [0]).await.expect("no reset");
    }
    assert_eq!(streams.requests(), 1);
    let start = Instant::now();
    streams.dropped().await;
    assert!(start.elapsed() <= TIMEOUT + LATE);
}

/// Time counts only while there is something to write.
#[actix_web::test]
async fn a_silent_stream_does_not_end() {
    tokio::time::pause();
    let streams = Streams::new();
    let mut client = Client::connect(BoundedHttp::new(), 64 * 1024, streams.routes()).await;
    client.send(get("/events")).await;
    client.read_until("data: hello\n\n").await;
    sleep(100 * TIMEOUT).await;
    streams.end();
    client.read_until("0\r\n\r\n").await;
}
