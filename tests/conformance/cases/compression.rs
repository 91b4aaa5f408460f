//! Compressed streams, decoded by zlib.

use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::Compress;
use actix_web::web;
use sse_session::{BoxError, Compression, Event, Sse, SseOptions};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::within_limit;
use crate::client::{End, Response};
use crate::gunzip::Gunzip;
use crate::handlers::{Handlers, idle};
use crate::transports::{Actix, RequestInfo, Server, Site, Tcp, Transport};

on_every_transport! {
    each_event_of_a_compressed_stream_is_decoded_when_it_is_sent,
    a_stream_is_compressed_only_for_clients_that_accept_it,
    head_has_the_headers_of_the_compressed_stream,
    a_compressed_stream_that_is_resumed_begins_anew,
    a_graceful_stop_ends_compressed_streams_with_their_checksum,
    a_compressed_stream_whose_handler_fails_is_cut_without_a_checksum,
    keep_alives_and_secrets_of_a_compressed_stream_are_stored,
}

pub(super) fn gzip() -> SseOptions {
    SseOptions::new().compression(Compression::Gzip)
}

async fn request(server: &Server, method: &str, target: &str, headers: &str) -> Response {
    let mut connection = server.connect().await;
    let head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n{headers}\r\n");
    connection.send(head).await;
    match method {
        "HEAD" => connection.response_to_head().await,
        _ => connection.response().await,
    }
}

async fn get(server: &Server, target: &str) -> Response {
    request(server, "GET", target, "Accept-Encoding: deflate, gzip\r\n").await
}

/// A stream of as many events as there are permits, until there can be none.
pub(super) struct Paced(Arc<Semaphore>);

impl Paced {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub(super) fn site(&self) -> Site {
        let permits = Arc::clone(&self.0);
        Site::new(move |_, sse: Sse| {
            let permits = Arc::clone(&permits);
            async move {
                let mut number = 0;
                while let Ok(permit) = permits.acquire().await {
                    permit.forget();
                    sse.send(Self::event(number)).await?;
                    number += 1;
                }
                Ok::<_, BoxError>(())
            }
        })
    }

    /// Events of all lengths, up to some that are more than one block.
    fn event(number: usize) -> String {
        let text = format!("{{\"id\":\"a1\",\"delta\":\"{number}\"}} ");
        text.repeat(1 + number * number * number / 2)
    }

    pub(super) fn send_one(&self) {
        self.0.add_permits(1);
    }

    pub(super) fn end(&self) {
        self.0.close();
    }

    /// Returns all that a stream of so many events consists of.
    pub(super) fn text(events: usize) -> String {
        let events = (0..events).map(|number| format!("data: {}\n\n", Self::event(number)));
        events.collect()
    }
}

async fn each_event_of_a_compressed_stream_is_decoded_when_it_is_sent<T: Transport>() {
    const EVENTS: usize = 20;
    for target in ["/", "/response"] {
        let paced = Paced::new();
        let options = gzip().without_opening_comment();
        let server = T::start(paced.site().options(options)).await;
        // The head comes before the first event.
        let mut response = get(&server, target).await;
        assert_eq!(response.header("content-encoding"), ["gzip"]);
        assert_eq!(response.header("vary"), ["accept-encoding"]);
        assert!(response.header("content-length").is_empty());
        let mut decoded = Gunzip::new();
        for number in 0..EVENTS {
            paced.send_one();
            let text = Paced::text(number + 1);
            decoded.read_until(&mut response, &text).await;
            assert_eq!(decoded.text, text);
        }
        paced.end();
        assert_eq!(decoded.rest(&mut response).await, End::Complete);
        assert!(decoded.has_ended);
        assert_eq!(decoded.text, Paced::text(EVENTS));
    }
}

async fn hello(_: RequestInfo, sse: Sse) -> Result<(), sse_session::SendError> {
    sse.send("hello ".repeat(20)).await
}

async fn a_stream_is_compressed_only_for_clients_that_accept_it<T: Transport>() {
    let plain = format!("data: {}\n\n", "hello ".repeat(20));
    let options = gzip().header("Vary", "Origin").expect("a valid header");
    let server = T::start(Site::new(hello).options(options)).await;
    for (headers, is_compressed) in [
        ("Accept-Encoding: gzip\r\n", true),
        ("Accept-Encoding: br;q=1, x-gzip;q=0.1\r\n", true),
        ("Accept-Encoding: br\r\naccept-encoding: *\r\n", true),
        ("", false),
        ("Accept-Encoding: br, zstd\r\n", false),
        ("Accept-Encoding: *\r\nAccept-Encoding: gzip;q=0\r\n", false),
        ("Accept-Encoding: identity, gzip;q=0.5\r\n", false),
    ] {
        let mut response = request(&server, "GET", "/", headers).await;
        assert_eq!(response.header("vary"), ["Origin, accept-encoding"]);
        let coding = response.header("content-encoding").join(",");
        assert_eq!(coding == "gzip", is_compressed, "{headers}");
        if is_compressed {
            let mut decoded = Gunzip::new();
            assert_eq!(decoded.rest(&mut response).await, End::Complete);
            assert!(decoded.has_ended && decoded.text == plain);
        } else {
            assert!(["", "identity"].contains(&&*coding), "{coding}");
            assert_eq!(response.complete().await, plain);
        }
    }
    // Without its request, a stream is not compressed.
    let mut response = get(&server, "/stream").await;
    assert_eq!(response.header("vary"), ["Origin, accept-encoding"]);
    let text = "data: one\n\nevent: second\ndata: two\n\n";
    assert_eq!(response.complete().await, text);

    // Where compression is off, all is as ever.
    let server = T::start(Site::new(hello)).await;
    let mut response = get(&server, "/").await;
    assert!(response.header("vary").is_empty());
    assert_eq!(response.complete().await, plain);
}

async fn head_has_the_headers_of_the_compressed_stream<T: Transport>() {
    let server = T::start(Site::new(hello).options(gzip())).await;
    for headers in ["Accept-Encoding: gzip\r\n", "Accept-Encoding: br\r\n"] {
        let head = request(&server, "HEAD", "/", headers).await;
        let got = request(&server, "GET", "/", headers).await;
        for name in ["content-encoding", "content-type", "vary", "cache-control"] {
            assert_eq!(head.header(name), got.header(name));
        }
        assert!(head.header("content-length").is_empty());
        assert_eq!(head.status, 200);
    }
}

async fn a_compressed_stream_that_is_resumed_begins_anew<T: Transport>() {
    let site = Site::new(|_, sse: Sse| async move {
        let after = sse.last_event_id().map_or(0, |id| id.parse().unwrap_or(0));
        for id in after + 1..=after + 3 {
            let id = id.to_string();
            sse.send(
                Event::new()
                    .id(&id)
                    .data("the same text in each of them, again and again"),
            )
            .await?;
        }
        std::future::pending::<Result<(), sse_session::SendError>>().await
    });
    let server = T::start(site.options(gzip())).await;
    for after in [0, 3, 6] {
        let headers = format!("Accept-Encoding: gzip\r\nLast-Event-ID: {after}\r\n");
        let mut response = request(&server, "GET", "/", &headers).await;
        let mut decoded = Gunzip::new();
        let last = format!("id: {}\n\n", after + 3);
        decoded.read_until(&mut response, &last).await;
        assert!(!decoded.text.contains(&format!("id: {after}\n")));
        // The connection ends in the middle, as those of browsers do.
        response.into_connection().reset();
    }
}

async fn a_graceful_stop_ends_compressed_streams_with_their_checksum<T: Transport>() {
    let (handlers, stop) = (Handlers::new(), CancellationToken::new());
    let options = gzip()
        .shutdown(stop.clone())
        .retry_on_shutdown(Duration::from_secs(3));
    let server = T::start(idle(&handlers).options(options)).await;
    let (mut response, mut decoded) = (get(&server, "/").await, Gunzip::new());
    decoded.read_until(&mut response, "data: hello\n\n").await;
    stop.cancel();
    let ((), (decoded, end)) = tokio::join!(server.stop(), async move {
        let end = decoded.rest(&mut response).await;
        (decoded, end)
    });
    assert_eq!(end, End::Complete);
    assert!(decoded.has_ended);
    assert_eq!(decoded.text, "data: hello\n\nretry: 3000\n\n");
    assert_eq!(handlers.running(), 0);
}

async fn a_compressed_stream_whose_handler_fails_is_cut_without_a_checksum<T: Transport>() {
    for event in [None, Some(Event::new().event("failed").data("later"))] {
        let (mut options, mut text) = (gzip(), "data: before\n\n".to_owned());
        if let Some(event) = event {
            options = options.failure_event(event).expect("a valid event");
            text += "event: failed\ndata: later\n\n";
        }
        let site = Site::new(|_, sse: Sse| async move {
            sse.send("before").await?;
            Err::<(), BoxError>("database gone".into())
        });
        let server = T::start(site.options(options)).await;
        let (mut response, mut decoded) = (get(&server, "/").await, Gunzip::new());
        assert_ne!(decoded.rest(&mut response).await, End::Complete);
        assert_eq!(decoded.text, text);
        assert!(!decoded.has_ended);
    }
}

async fn keep_alives_and_secrets_of_a_compressed_stream_are_stored<T: Transport>() {
    let secret = "7f3a0c55d1b94be2a6e0f1c28d9b7a64".repeat(4);
    let site = Site::new(move |_, sse: Sse| {
        let secret = secret.clone();
        async move {
            sse.send("7f3a0c55d1b94be2a6e0f1c28d9b7a64 ".repeat(4))
                .await?;
            sse.send_secret(secret).await?;
            std::future::pending::<Result<(), sse_session::SendError>>().await
        }
    });
    let server = T::start(site.options(gzip().keep_alive(Duration::from_millis(20)))).await;
    let (mut response, mut decoded) = (get(&server, "/").await, Gunzip::new());
    let mut body = Vec::new();
    while !decoded.text.ends_with(": keep-alive\n: keep-alive\n") {
        response.more().await.expect("more");
        body.extend_from_slice(&response.body);
        decoded.feed(&response.body.split());
    }
    let secret = "7f3a0c55d1b94be2a6e0f1c28d9b7a64".repeat(4);
    let stored = format!("data: {secret}\n\n").into_bytes();
    let stored = [&[0, 136, 0, !136, 255][..], &stored].concat();
    let keep_alive = b"\x00\x0d\x00\xf2\xff: keep-alive\n";
    let is_in_body = |bytes: &[u8]| body.windows(bytes.len()).any(|window| window == bytes);
    assert!(is_in_body(&stored), "{}", body.escape_ascii());
    assert!(is_in_body(keep_alive), "{}", body.escape_ascii());
}

#[tokio::test]
async fn raw_tcp_probes_the_client_of_a_compressed_stream_without_text() {
    within_limit(async {
        let paced = Paced::new();
        let server = Tcp::start(paced.site().options(gzip())).await;
        let mut connection = server.connect().await;
        connection
            .send("GET / HTTP/1.1\r\nHost: test\r\nAccept-Encoding: gzip\r\n\r\n")
            .await;
        connection.end_sending().await;
        let (mut response, mut decoded) = (connection.response().await, Gunzip::new());
        // Of a client that has closed its sending side, the server finds out whether it is gone.
        let mut probes = 0;
        while probes < 2 {
            response.more().await.expect("more");
            probes += usize::from(response.body.ends_with(&[0, 0, 0, 0xff, 0xff]));
            decoded.feed(&response.body.split());
        }
        assert_eq!(decoded.text, ":\n");
        paced.send_one();
        let text = format!(":\n{}", Paced::text(1));
        decoded.read_until(&mut response, &text).await;
        paced.end();
        assert_eq!(decoded.rest(&mut response).await, End::Complete);
        assert!(decoded.has_ended && decoded.text == text);
    })
    .await;
}

#[tokio::test]
async fn the_middleware_of_actix_passes_a_compressed_stream_on() {
    within_limit(async {
        let server = Actix::serve(|config: &mut web::ServiceConfig| {
            async fn hello(_: actix_web::HttpRequest, sse: Sse) -> Result<(), BoxError> {
                sse.send("hello ".repeat(20)).await?;
                Ok(())
            }
            let route = web::get().to(sse_actix::with_sse(hello).options(gzip()));
            config.service(
                web::scope("/zipped")
                    .wrap(Compress::default())
                    .route("", route),
            );
        })
        .await;
        let (mut response, mut decoded) = (get(&server, "/zipped").await, Gunzip::new());
        assert_eq!(response.header("content-encoding"), ["gzip"]);
        assert_eq!(response.header("vary"), ["accept-encoding"]);
        assert_eq!(decoded.rest(&mut response).await, End::Complete);
        assert!(decoded.has_ended);
        assert_eq!(decoded.text, format!("data: {}\n\n", "hello ".repeat(20)));
    })
    .await;
}
