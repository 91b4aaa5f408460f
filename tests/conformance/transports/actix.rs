//! actix-web in threads of its own, with one worker.

use std::thread;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpRequest, HttpServer};
use sse_actix::{Sse, limit_reached, no_content, sse_response_with, sse_stream_with, with_sse};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Detection, RequestInfo, Server, Site, Transport, plain_stream};

/// actix-web as it is by default: clients may close their sending side early.
pub(crate) struct Actix;

/// actix-web with `h1_allow_half_closed(false)`.
pub(crate) struct ActixWithoutHalfClose;

impl Transport for Actix {
    const NAME: &'static str = "actix";
    const IDLE_DISCONNECT: Detection = Detection::KeepAlives;
    const BUFFER: usize = BUFFER;
    const RESETS_HTTP_10: bool = false;

    async fn start(site: Site) -> Server {
        let listener = site.listener();
        start(listener, Protocol::Http1, routes(site)).await
    }
}

impl Transport for ActixWithoutHalfClose {
    const NAME: &'static str = "actix_without_half_close";
    const IDLE_DISCONNECT: Detection = Detection::Reads;
    const BUFFER: usize = BUFFER;
    const RESETS_HTTP_10: bool = false;

    async fn start(site: Site) -> Server {
        let listener = site.listener();
        start(listener, Protocol::Http1WithoutHalfClose, routes(site)).await
    }
}

/// actix-web with HTTP/2, for clients that start with it.
pub(crate) struct ActixHttp2;

impl Transport for ActixHttp2 {
    const NAME: &'static str = "actix_http2";
    const IDLE_DISCONNECT: Detection = Detection::KeepAlives;
    const BUFFER: usize = BUFFER;
    const RESETS_HTTP_10: bool = false;

    async fn start(site: Site) -> Server {
        let listener = site.listener();
        start(listener, Protocol::Http2, routes(site)).await
    }
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    Http1WithoutHalfClose,
    Http2,
}

/// The default `h1_write_buffer_size` of actix-web.
const BUFFER: usize = 32 * 1024;

impl Actix {
    /// Starts a server with the routes of a test.
    pub(crate) async fn serve(configure: impl Configure) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        start(listener.expect("a free port"), Protocol::Http1, configure).await
    }
}

/// Configures the routes of each worker.
pub(crate) trait Configure: Fn(&mut ServiceConfig) + Clone + Send + 'static {}

impl<C: Fn(&mut ServiceConfig) + Clone + Send + 'static> Configure for C {}

async fn start(listener: TcpListener, protocol: Protocol, configure: impl Configure) -> Server {
    let listener = listener.into_std().expect("a listener");
    let address = listener.local_addr().expect("an address");
    let (send, receive) = oneshot::channel();
    let thread = thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let half_close = !matches!(protocol, Protocol::Http1WithoutHalfClose);
            let server = HttpServer::new(move || App::new().configure(configure.clone()))
                .workers(1)
                .tcp_nodelay(true)
                .h1_allow_half_closed(half_close)
                .disable_signals();
            let server = match protocol {
                Protocol::Http2 => server.listen_auto_h2c(listener),
                Protocol::Http1 | Protocol::Http1WithoutHalfClose => server.listen(listener),
            };
            let server = server.expect("a server").run();
            send.send(server.handle()).expect("the test waits for it");
            server.await.expect("served");
        });
    });
    let handle = receive.await.expect("a handle");
    let abort = Abort(handle.clone());
    Server {
        address,
        graceful_stop: Box::new(move || {
            Box::pin(async move {
                handle.stop(true).await;
                tokio::task::spawn_blocking(|| thread.join().expect("no panic"))
                    .await
                    .expect("joined");
            })
        }),
        _abort: Some(Box::new(abort)),
    }
}

/// Stops the server without waiting for it.
struct Abort(ServerHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        // The call sends the command. The future would only wait for its effect.
        drop(self.0.stop(false));
    }
}

fn routes(site: Site) -> impl Configure {
    move |config| {
        let options = &site.options;
        let handler = {
            let site = site.clone();
            move |request: HttpRequest, sse: Sse| site.run(request_info(&request), sse)
        };
        let response = {
            let (options, handler) = (options.clone(), handler.clone());
            move |request: HttpRequest| {
                let response = sse_response_with(&options, &request, &handler);
                async { response }
            }
        };
        let limited = {
            let (site, handler) = (site.clone(), handler.clone());
            move |request: HttpRequest| {
                let response = match site.admit(request.uri().query()) {
                    Ok(options) => sse_response_with(&options, &request, &handler),
                    Err(error) => limit_reached(&error),
                };
                async { response }
            }
        };
        let stream = {
            let options = options.clone();
            move || {
                let response = sse_stream_with(&options, plain_stream());
                async { response }
            }
        };
        config
            .route("/", web::to(with_sse(handler).options(options.clone())))
            .route("/response", web::to(response))
            .route("/stream", web::to(stream))
            .route("/gone", web::to(async || no_content()))
            .route("/limited", web::to(limited));
    }
}

fn request_info(request: &HttpRequest) -> RequestInfo {
    let mut headers = http::HeaderMap::new();
    for (name, value) in request.headers() {
        headers.append(
            http::HeaderName::from_bytes(name.as_ref()).expect("a header name"),
            http::HeaderValue::from_bytes(value.as_bytes()).expect("a header value"),
        );
    }
    RequestInfo {
        target: request.uri().to_string(),
        headers,
    }
}
