//! hyper 1 with hyper-util's graceful shutdown, over HTTP/1.1 and HTTP/2.

use std::convert::Infallible;

use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use sse_hyper::{
    Request, Sse, SseBody, no_content, refused, sse_response, sse_response_with, sse_stream_with,
    with_sse,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Detection, RequestInfo, Server, Site, Transport, plain_stream, posted};

/// hyper with HTTP/1.1 and its defaults.
pub(crate) struct Hyper;

/// hyper with HTTP/1.1 for clients that may close their sending side early.
pub(crate) struct HyperWithHalfClose;

/// hyper with HTTP/2.
pub(crate) struct HyperHttp2;

/// The default `max_buf_size`.
const BUFFER: usize = 8 * 1024 + 100 * 4 * 1024;

impl Transport for Hyper {
    const NAME: &'static str = "hyper";
    const IDLE_DISCONNECT: Detection = Detection::Reads;
    const BUFFER: usize = BUFFER;
    const RESETS_HTTP_10: bool = false;

    async fn start(site: Site) -> Server {
        start(site, Protocol::Http1)
    }
}

impl Transport for HyperWithHalfClose {
    const NAME: &'static str = "hyper_with_half_close";
    const IDLE_DISCONNECT: Detection = Detection::KeepAlives;
    const BUFFER: usize = BUFFER;
    const RESETS_HTTP_10: bool = false;

    async fn start(site: Site) -> Server {
        start(site, Protocol::Http1WithHalfClose)
    }
}

impl Transport for HyperHttp2 {
    const NAME: &'static str = "hyper_http2";
    const IDLE_DISCONNECT: Detection = Detection::Reads;
    // The default `max_send_buf_size`.
    const BUFFER: usize = 400 * 1024;
    const RESETS_HTTP_10: bool = false;

    async fn start(site: Site) -> Server {
        start(site, Protocol::Http2)
    }
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    Http1WithHalfClose,
    Http2,
}

fn start(site: Site, protocol: Protocol) -> Server {
    let listener = site.listener();
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let server = tokio::spawn(accept(listener, site, protocol, stop.clone()));
    Server {
        address,
        graceful_stop: Box::new(move || {
            stop.cancel();
            Box::pin(async { server.await.expect("no panic") })
        }),
        _abort: None,
    }
}

async fn accept(listener: TcpListener, site: Site, protocol: Protocol, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    loop {
        let io = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted.expect("a connection").0,
        };
        io.set_nodelay(true).expect("a socket option");
        let io = TokioIo::new(io);
        let site = site.clone();
        let service = service_fn(move |request| answer(site.clone(), request));
        match protocol {
            Protocol::Http1 | Protocol::Http1WithHalfClose => {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .half_close(matches!(protocol, Protocol::Http1WithHalfClose))
                    .serve_connection(io, service);
                tokio::spawn(graceful.watch(connection));
            }
            Protocol::Http2 => {
                let connection = http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .serve_connection(io, service);
                tokio::spawn(graceful.watch(connection));
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn answer(site: Site, request: Request) -> Result<Response<SseBody>, Infallible> {
    let options = site.options.clone();
    let handler = |request: Request, sse: Sse| {
        let info = RequestInfo {
            target: request.uri().to_string(),
            headers: request.headers().clone(),
        };
        site.run(info, sse)
    };
    match request.uri().path() {
        "/response" => Ok(sse_response_with(&options, request, handler)),
        "/stream" => Ok(sse_stream_with(&options, plain_stream())),
        "/gone" => Ok(no_content()),
        "/limited" => Ok(match site.admit(request.uri().query()) {
            Ok(options) => sse_response_with(&options, request, handler),
            Err(error) => refused(&error),
        }),
        "/posted" => {
            let (parts, body) = request.into_parts();
            let Ok(body) = body.collect().await else {
                let mut response = Response::new(SseBody::empty());
                *response.status_mut() = StatusCode::BAD_REQUEST;
                return Ok(response);
            };
            let body = body.to_bytes();
            Ok(sse_response(parts, |_, sse| posted(body, sse)))
        }
        _ => with_sse(handler).options(options).call(request).await,
    }
}
