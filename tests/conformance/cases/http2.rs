//! HTTP/2, with hyper on both ends: many streams share a connection, and one of them can be reset.

use std::net::Shutdown;
use std::time::{Duration, Instant};

use ::hyper::body::Incoming;
use ::hyper::client::conn::http2::{SendRequest, handshake};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_session::{BoxError, Event, Options, SendError, Sse};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::within_limit;
use crate::handlers::{Handlers, Progress};
use crate::transports::{Protocol, Server, Site, serve_hyper};

/// One connection of a client.
struct Client {
    requests: SendRequest<Empty<Bytes>>,
    connection: JoinHandle<::hyper::Result<()>>,
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
        Self {
            requests,
            connection: tokio::spawn(connection),
            socket,
        }
    }

    async fn ask(&mut self, method: &str, headers: HeaderMap) -> Response<Incoming> {
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
        self.ask("GET", HeaderMap::new()).await
    }
}

/// What a body has until it ends, and how it ends.
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

/// Handlers that say hello and then do nothing for ever.
fn idle(handlers: &Handlers) -> Site {
    let handlers = handlers.clone();
    Site::new(move |_, sse: Sse| {
        let guard = handlers.guard();
        async move {
            let _guard = guard;
            sse.send("hello").await.expect("open");
            std::future::pending::<()>().await;
        }
    })
    .options(Options::new().without_keep_alive())
}

#[tokio::test]
async fn a_script_arrives_byte_for_byte_with_nothing_that_http_2_forbids() {
    within_limit(async {
        let site = Site::new(|_, sse: Sse| async move {
            sse.send(format!("{:?}", sse.last_event_id())).await?;
            sse.send(Event::new().event("e").id("1").data("a\nb"))
                .await?;
            sse.send(Event::new().json(["x"])).await
        });
        let options = Options::new()
            .retry(Duration::from_secs(1))
            .header("X-Extra", "1")
            .expect("a valid header");
        let server = serve_hyper(site.options(options), Protocol::Http2);
        let mut client = Client::connect(&server).await;
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("last-event-id"),
            http::HeaderValue::from_static("7"),
        )]);
        let response = client.ask("GET", headers).await;
        assert_eq!(response.version(), Version::HTTP_2);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-cache");
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
            "retry: 1000\n\n\
             data: Some(\"7\")\n\n\
             event: e\nid: 1\ndata: a\ndata: b\n\n\
             data: [\"x\"]\n\n"
        );
        assert!(end.is_ok());

        let head = client.ask("HEAD", HeaderMap::new()).await;
        assert_eq!(head.headers()["content-type"], "text/event-stream");
        assert_eq!(rest(head).await.0, "");
    })
    .await;
}

#[tokio::test]
async fn a_reset_stream_drops_its_handler_at_once_and_no_other() {
    within_limit(async {
        let handlers = Handlers::new();
        let server = serve_hyper(idle(&handlers), Protocol::Http2);
        let mut client = Client::connect(&server).await;
        let mut kept = client.get().await;
        let mut reset = client.get().await;
        assert_eq!(first_piece(&mut kept).await, "data: hello\n\n");
        assert_eq!(first_piece(&mut reset).await, "data: hello\n\n");
        assert_eq!(handlers.running(), 2);

        let start = Instant::now();
        drop(reset);
        handlers.running_at_most(1).await;
        println!("http2: reset while idle: {:.1?}", start.elapsed());
        assert_eq!(handlers.running(), 1);

        let start = Instant::now();
        client.socket.shutdown(Shutdown::Both).expect("closed");
        handlers.dropped(2).await;
        println!(
            "http2: connection closed while idle: {:.1?}",
            start.elapsed()
        );
        drop(kept);
    })
    .await;
}

#[tokio::test]
async fn a_reset_stream_drops_a_handler_that_waits_for_room() {
    within_limit(async {
        let (handlers, progress) = (Handlers::new(), Progress::new());
        let site = Site::new({
            let (handlers, progress) = (handlers.clone(), progress.clone());
            move |_, sse: Sse| {
                let (guard, progress) = (handlers.guard(), progress.clone());
                async move {
                    let _guard = guard;
                    let event = "x".repeat(10_000);
                    while sse.send(&event).await.is_ok() {
                        progress.add(1);
                    }
                }
            }
        });
        let server = serve_hyper(site, Protocol::Http2);
        let mut client = Client::connect(&server).await;
        let response = client.get().await;
        // The client takes nothing, so the windows of flow control fill up.
        let events = progress.stops().await;
        assert!(events < 1_000, "{events} events were accepted");
        let start = Instant::now();
        drop(response);
        handlers.dropped(1).await;
        println!(
            "http2: reset while the sender waits: {:.1?}",
            start.elapsed()
        );
    })
    .await;
}

#[tokio::test]
async fn a_failed_handler_resets_its_stream_and_no_other() {
    within_limit(async {
        let site = Site::new(|_, sse: Sse| async move {
            if sse.last_event_id().is_some() {
                return Ok(sse.send("fine").await?);
            }
            sse.send("before").await?;
            Err::<(), BoxError>("database gone".into())
        });
        let server = serve_hyper(site, Protocol::Http2);
        let mut client = Client::connect(&server).await;
        let (text, end) = rest(client.get().await).await;
        assert_eq!(text, "data: before\n\n");
        let error = end.expect_err("a reset");
        assert!(format!("{error:?}").contains("INTERNAL_ERROR"), "{error:?}");

        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("last-event-id"),
            http::HeaderValue::from_static("1"),
        )]);
        let (text, end) = rest(client.ask("GET", headers).await).await;
        assert_eq!(text, "data: fine\n\n");
        assert!(end.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_graceful_stop_ends_all_streams_of_a_connection() {
    within_limit(async {
        let (handlers, stop) = (Handlers::new(), CancellationToken::new());
        let options = Options::new()
            .shutdown(stop.clone())
            .retry_on_shutdown(Duration::from_secs(3));
        let server = serve_hyper(idle(&handlers).options(options), Protocol::Http2);
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
        });
        assert_eq!(handlers.running(), 0);
        client
            .connection
            .await
            .expect("no panic")
            .expect("closed in order");
    })
    .await;
}

#[tokio::test]
async fn hundreds_of_streams_share_a_connection() {
    within_limit(async {
        let handlers = Handlers::new();
        let server = serve_hyper(idle(&handlers), Protocol::Http2);
        let mut client = Client::connect(&server).await;
        let mut streams = Vec::new();
        // hyper's default for the most streams of a connection.
        for _ in 0..200 {
            let mut response = client.get().await;
            assert_eq!(first_piece(&mut response).await, "data: hello\n\n");
            streams.push(response);
        }
        assert_eq!(handlers.running(), 200);
        drop(streams);
        handlers.dropped(200).await;
    })
    .await;
}

#[tokio::test]
async fn handles_elsewhere_learn_of_a_reset() {
    within_limit(async {
        let (give, mut handle) = tokio::sync::watch::channel(None);
        let site = Site::new(move |_, sse: Sse| {
            let give = give.clone();
            async move {
                sse.send("hello").await?;
                give.send_replace(Some(sse));
                Ok::<_, SendError>(())
            }
        });
        let server = serve_hyper(site, Protocol::Http2);
        let mut client = Client::connect(&server).await;
        let response = client.get().await;
        let sse = handle.wait_for(Option::is_some).await.expect("a handler");
        let sse = sse.clone().expect("a handle");
        drop(response);
        sse.closed().await;
        assert!(matches!(sse.send("x").await, Err(SendError::Closed)));
    })
    .await;
}
