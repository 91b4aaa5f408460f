//! HTTP/2 on the servers that support it, with hyper as the client: many streams share a connection,
//! and each can be reset separately.

use std::net::Shutdown;
use std::time::{Duration, Instant};

use ::hyper::body::Incoming;
use ::hyper::client::conn::http2::{SendRequest, handshake};
use bytes::Bytes;
use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_session::{BoxError, Event, Sse, SseOptions};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::compression::{Paced, gzip};
use crate::gunzip::Gunzip;
use crate::handlers::{Handlers, Progress, endless, idle};
use crate::transports::{ActixBoundedHttp2, Detection, HyperHttp2, Server, Site, Transport};

macro_rules! on_http_2 {
    ($($case:ident),+ $(,)?) => {
        mod hyper {
            $($crate::cases::test!($case, $crate::transports::HyperHttp2);)+
        }
        mod actix {
            $($crate::cases::test!($case, $crate::transports::ActixHttp2);)+
        }
        mod actix_bounded {
            $($crate::cases::test!($case, $crate::transports::ActixBoundedHttp2);)+
        }
    };
}

on_http_2! {
    each_event_of_a_compressed_stream_is_decoded_when_it_is_sent,
    a_script_arrives_byte_for_byte_without_headers_that_http_2_forbids,
    a_reset_stream_drops_its_handler_and_no_other,
    a_closed_connection_drops_all_its_handlers,
    a_reset_stream_drops_a_handler_that_waits_for_room,
    a_failed_handler_resets_its_stream_and_no_other,
    a_failure_or_a_panic_is_told_before_the_reset,
    a_silent_stream_begins_with_a_comment,
    a_graceful_stop_ends_all_streams_of_a_connection,
    two_hundred_streams_share_a_connection,
}

/// Returns options with keep-alives only where the server needs them to detect a disconnect.
fn options<T: Transport>() -> SseOptions {
    match T::IDLE_DISCONNECT {
        Detection::Reads => SseOptions::new().without_keep_alive(),
        Detection::KeepAlives => SseOptions::new().keep_alive(Duration::from_millis(100)),
    }
}

/// A client with one connection.
struct Client {
    requests: SendRequest<Empty<Bytes>>,
    socket: std::net::TcpStream,
}

impl Client {
    async fn connect(server: &Server) -> Self {
        let io = TcpStream::connect(server.address).await;
        let io = io.expect("a connection").into_std().expect("a socket");
        let socket = io.try_clone().expect("a socket");
        let io = TcpStream::from_std(io).expect("a socket");
        let (requests, connection) = handshake(TokioExecutor::new(), TokioIo::new(io))
            .await
            .expect("a handshake");
        tokio::spawn(connection);
        Self { requests, socket }
    }

    async fn request(&mut self, method: &str, headers: HeaderMap) -> Response<Incoming> {
        self.requests.ready().await.expect("an open connection");
        let mut request = Request::builder()
            .method(method)
            .uri("http://test/")
            .version(Version::HTTP_2)
            .body(Empty::new())
            .expect("a request");
        *request.headers_mut() = headers;
        let response = self.requests.send_request(request).await;
        response.expect("a response")
    }

    async fn get(&mut self) -> Response<Incoming> {
        self.request("GET", HeaderMap::new()).await
    }
}

/// Reads a body to its end. Returns its text and how it ended.
async fn rest(response: Response<Incoming>) -> (String, ::hyper::Result<()>) {
    let mut body = response.into_body();
    let mut text = Vec::new();
    let end = loop {
        match body.frame().await {
            None => break Ok(()),
            Some(Err(error)) => break Err(error),
            Some(Ok(frame)) => text.extend_from_slice(&frame.into_data().expect("no trailers")),
        }
    };
    (String::from_utf8(text).expect("UTF-8"), end)
}

async fn first_piece(response: &mut Response<Incoming>) -> Bytes {
    let frame = response.frame().await.expect("a piece").expect("no error");
    frame.into_data().expect("no trailers")
}

fn last_event_id(id: &'static str) -> HeaderMap {
    let name = HeaderName::from_static("last-event-id");
    HeaderMap::from_iter([(name, HeaderValue::from_static(id))])
}

async fn each_event_of_a_compressed_stream_is_decoded_when_it_is_sent<T: Transport>() {
    const EVENTS: usize = 16;
    let paced = Paced::new();
    let server = T::start(paced.site().options(gzip().without_opening_comment())).await;
    let mut client = Client::connect(&server).await;
    let accept = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
    let head = client.request("HEAD", accept.clone()).await;
    let mut response = client.request("GET", accept).await;
    for headers in [head.headers(), response.headers()] {
        assert_eq!(headers["content-encoding"], "gzip");
        assert_eq!(headers["vary"], "accept-encoding");
        assert!(!headers.contains_key("content-length"));
    }
    let mut decoded = Gunzip::new();
    for number in 0..EVENTS {
        paced.send_one();
        let text = Paced::text(number + 1);
        while decoded.text.len() < text.len() {
            decoded.feed(&first_piece(&mut response).await);
        }
        assert_eq!(decoded.text, text);
    }
    paced.end();
    while let Some(frame) = response.frame().await {
        let data = frame.expect("no error").into_data();
        decoded.feed(&data.expect("no trailers"));
    }
    assert!(decoded.has_ended);
    assert_eq!(decoded.text, Paced::text(EVENTS));
}

async fn a_script_arrives_byte_for_byte_without_headers_that_http_2_forbids<T: Transport>() {
    let site = Site::new(|_, sse: Sse| async move {
        sse.send(format!("{:?}", sse.last_event_id())).await?;
        sse.send(Event::new().event("e").id("1").data("a\nb"))
            .await?;
        sse.send(Event::new().json(["x"])).await
    });
    let options = SseOptions::new()
        .retry(Duration::from_secs(1))
        .header("X-Extra", "1")
        .expect("a valid header");
    let server = T::start(site.options(options)).await;
    let mut client = Client::connect(&server).await;
    let response = client.request("GET", last_event_id("7")).await;
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    assert_eq!(
        response.headers()["cache-control"],
        "no-cache, no-transform"
    );
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    assert_eq!(response.headers()["x-extra"], "1");
    for forbidden in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "upgrade",
    ] {
        assert!(!response.headers().contains_key(forbidden), "{forbidden}");
    }
    let (text, end) = rest(response).await;
    assert_eq!(
        text,
        "retry: 1000\n\
         data: Some(\"7\")\n\n\
         event: e\ndata: a\ndata: b\nid: 1\n\n\
         data: [\"x\"]\n\n"
    );
    assert!(end.is_ok());

    let head = client.request("HEAD", HeaderMap::new()).await;
    assert_eq!(
        head.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    assert_eq!(rest(head).await.0, "");
}

async fn a_reset_stream_drops_its_handler_and_no_other<T: Transport>() {
    let handlers = Handlers::new();
    let server = T::start(idle(&handlers).options(options::<T>())).await;
    let mut client = Client::connect(&server).await;
    let mut kept = client.get().await;
    let mut reset = client.get().await;
    assert_eq!(first_piece(&mut kept).await, "data: hello\n\n");
    assert_eq!(first_piece(&mut reset).await, "data: hello\n\n");
    assert_eq!(handlers.running(), 2);
    drop(reset);
    measure::<T>("reset while idle", &handlers, 1).await;
    assert_eq!(handlers.running(), 1);
}

async fn a_closed_connection_drops_all_its_handlers<T: Transport>() {
    let handlers = Handlers::new();
    let server = T::start(idle(&handlers).options(options::<T>())).await;
    let mut client = Client::connect(&server).await;
    let mut responses = Vec::new();
    for _ in 0..3 {
        let mut response = client.get().await;
        assert_eq!(first_piece(&mut response).await, "data: hello\n\n");
        responses.push(response);
    }
    assert_eq!(handlers.running(), 3);
    client.socket.shutdown(Shutdown::Both).expect("closed");
    measure::<T>("connection closed while idle", &handlers, 0).await;
}

async fn a_reset_stream_drops_a_handler_that_waits_for_room<T: Transport>() {
    let (handlers, progress) = (Handlers::new(), Progress::new());
    let server = T::start(endless(&handlers, &progress, 10_000)).await;
    let mut client = Client::connect(&server).await;
    let response = client.get().await;
    // The client reads nothing, so the flow control window fills up.
    let events = progress.stops().await;
    assert!(events < 1_000, "{events} events were accepted");
    drop(response);
    measure::<T>("reset while the sender waits", &handlers, 0).await;
}

async fn measure<T: Transport>(what: &str, handlers: &Handlers, left: usize) {
    let start = Instant::now();
    handlers.running_at_most(left).await;
    let name = T::NAME;
    println!(
        "{name}: {what}: handler dropped after {:.1?}",
        start.elapsed()
    );
}

async fn a_failed_handler_resets_its_stream_and_no_other<T: Transport>() {
    let site = Site::new(|_, sse: Sse| async move {
        if sse.last_event_id().is_some() {
            return Ok(sse.send("fine").await?);
        }
        sse.send("before").await?;
        Err::<(), BoxError>("database gone".into())
    });
    let server = T::start(site).await;
    let mut client = Client::connect(&server).await;
    let (text, end) = rest(client.get().await).await;
    assert_eq!(text, "data: before\n\n");
    let error = end.expect_err("a reset");
    assert!(format!("{error:?}").contains("Reset"), "{error:?}");

    let (text, end) = rest(client.request("GET", last_event_id("1")).await).await;
    assert_eq!(text, "data: fine\n\n");
    assert!(end.is_ok());
}

async fn a_failure_or_a_panic_is_told_before_the_reset<T: Transport>() {
    let site = Site::new(|_, sse: Sse| async move {
        sse.send("before").await?;
        assert!(sse.last_event_id().is_none(), "a panic for this test");
        Err::<(), BoxError>("database gone".into())
    });
    let options = SseOptions::new().failure_event(Event::new().event("failed").data("later"));
    let server = T::start(site.options(options.expect("a valid event"))).await;
    let mut client = Client::connect(&server).await;
    for headers in [HeaderMap::new(), last_event_id("panic")] {
        let (text, end) = rest(client.request("GET", headers).await).await;
        assert_eq!(text, "data: before\n\nevent: failed\ndata: later\n\n");
        let error = end.expect_err("a reset");
        assert!(format!("{error:?}").contains("Reset"), "{error:?}");
    }
}

async fn a_silent_stream_begins_with_a_comment<T: Transport>() {
    let site = Site::new(|_, sse: Sse| async move { sse.closed().await });
    let server = T::start(site.options(options::<T>())).await;
    let mut response = Client::connect(&server).await.get().await;
    assert_eq!(first_piece(&mut response).await, ":\n");
}

async fn a_graceful_stop_ends_all_streams_of_a_connection<T: Transport>() {
    stop_with_open_streams::<T>(drop).await;
}

/// actix-web waits for the client to close it, up to its `shutdown_timeout`.
#[tokio::test]
async fn a_graceful_stop_of_hyper_closes_the_connection_too() {
    super::within_limit(stop_with_open_streams::<HyperHttp2>(std::mem::forget)).await;
}

/// Stops a server while ten streams of a connection are open. `after` is called with the client when
/// they have ended.
async fn stop_with_open_streams<T: Transport>(after: impl FnOnce(Client)) {
    let (handlers, stop) = (Handlers::new(), CancellationToken::new());
    let options = SseOptions::new()
        .shutdown(stop.clone())
        .retry_on_shutdown(Duration::from_secs(3));
    let server = T::start(idle(&handlers).options(options)).await;
    let mut client = Client::connect(&server).await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut response = client.get().await;
        assert_eq!(first_piece(&mut response).await, "data: hello\n\n");
        streams.push(response);
    }
    stop.cancel();
    tokio::join!(server.stop(), async {
        for stream in streams {
            let (text, end) = rest(stream).await;
            assert_eq!(text, "retry: 3000\n\n");
            assert!(end.is_ok());
        }
        after(client);
    });
    assert_eq!(handlers.running(), 0);
}

/// The default limit of hyper for the streams of a connection.
const STREAMS: usize = 200;

async fn two_hundred_streams_share_a_connection<T: Transport>() {
    let handlers = Handlers::new();
    let server = T::start(idle(&handlers).options(options::<T>())).await;
    let mut client = Client::connect(&server).await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let mut response = client.get().await;
        assert_eq!(first_piece(&mut response).await, "data: hello\n\n");
        streams.push(response);
    }
    assert_eq!(handlers.running(), STREAMS);
    drop(streams);
    handlers.dropped(STREAMS).await;
}

/// actix-web itself has no limit.
#[tokio::test]
async fn bounded_actix_refuses_requests_beyond_its_limit_until_others_have_ended() {
    super::within_limit(async {
        let handlers = Handlers::new();
        // The client takes many small pieces that it does not read for an attack.
        let server = ActixBoundedHttp2::start(
            idle(&handlers).options(SseOptions::new().keep_alive(Duration::from_secs(2))),
        )
        .await;
        let mut client = Client::connect(&server).await;
        let mut open = Vec::new();
        for _ in 0..200 {
            let response = client.get().await;
            assert_eq!(response.status(), StatusCode::OK);
            open.push(response);
        }
        for _ in 0..50 {
            let response = client.get().await;
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["retry-after"], "1");
        }
        assert_eq!(handlers.total(), 200);
        open.truncate(100);
        handlers.running_at_most(100).await;
        for _ in 0..100 {
            let response = client.get().await;
            assert_eq!(response.status(), StatusCode::OK);
            open.push(response);
        }
        assert_eq!(client.get().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    })
    .await;
}
