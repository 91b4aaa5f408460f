//! actix-web in threads of its own, with one worker.

use std::future::ready;
use std::thread;

use actix_http::Protocol;
use actix_service::{ServiceFactoryExt as _, fn_service};
use actix_web::dev::{self, ServerHandle};
use actix_web::rt::net::TcpStream;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use sse_actix::{
    BoundedHttp, Sse, SseBody, no_content, refused, sse_response, sse_response_with,
    sse_stream_with, with_sse,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{Detection, RequestInfo, Server, Site, Transport, plain_stream, posted};

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
        start(listener, Serving::Http1, routes(site)).await
    }
}

impl Transport for ActixWithoutHalfClose {
    const NAME: &'static str = "actix_without_half_close";
    const IDLE_DISCONNECT: Detection = Detection::Reads;
    const BUFFER: usize = BUFFER;
    const RESETS_HTTP_10: bool = false;

    async fn start(site: Site) -> Server {
        let listener = site.listener();
        start(listener, Serving::WithoutHalfClose, routes(site)).await
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
        start(listener, Serving::Http2, routes(site)).await
    }
}

/// `BoundedHttp` with HTTP/1.1.
pub(crate) struct ActixBounded;

impl Transport for ActixBounded {
    const NAME: &'static str = "actix_bounded";
    const IDLE_DISCONNECT: Detection = Detection::Reads;
    const BUFFER: usize = BUFFER;
    const RESETS_HTTP_10: bool = false;

    async fn start(site: Site) -> Server {
        let listener = site.listener();
        start(listener, Serving::Bounded, routes(site)).await
    }
}

/// `BoundedHttp` with HTTP/2.
pub(crate) struct ActixBoundedHttp2;

impl Transport for ActixBoundedHttp2 {
    const NAME: &'static str = "actix_bounded_http2";
    const IDLE_DISCONNECT: Detection = Detection::KeepAlives;
    const BUFFER: usize = BUFFER;
    const RESETS_HTTP_10: bool = false;

    async fn start(site: Site) -> Server {
        let listener = site.listener();
        start(listener, Serving::BoundedHttp2, routes(site)).await
    }
}

#[derive(Clone, Copy, Debug)]
enum Serving {
    Http1,
    WithoutHalfClose,
    Http2,
    Bounded,
    BoundedHttp2,
}

/// The default `h1_write_buffer_size` of actix-web.
const BUFFER: usize = 32 * 1024;

impl Actix {
    /// Starts a server with the routes of a test.
    pub(crate) async fn serve(configure: impl Configure) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        start(listener.expect("a free port"), Serving::Http1, configure).await
    }
}

/// Configures the routes of each worker.
pub(crate) trait Configure: Fn(&mut ServiceConfig) + Clone + Send + 'static {}

impl<C: Fn(&mut ServiceConfig) + Clone + Send + 'static> Configure for C {}

async fn start(listener: TcpListener, serving: Serving, configure: impl Configure) -> Server {
    let listener = listener.into_std().expect("a listener");
    let address = listener.local_addr().expect("an address");
    let (send, receive) = oneshot::channel();
    let thread = thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let server = run(listener, serving, configure).expect("a server");
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

/// Starts the server that `serving` says, with one worker.
fn run(
    listener: std::net::TcpListener,
    serving: Serving,
    configure: impl Configure,
) -> std::io::Result<dev::Server> {
    let app = move || App::new().configure(configure.clone());
    let builder = dev::Server::build().workers(1).disable_signals();
    let half_close = !matches!(serving, Serving::WithoutHalfClose);
    let server = HttpServer::new(app.clone())
        .workers(1)
        .tcp_nodelay(true)
        .h1_allow_half_closed(half_close)
        .disable_signals();
    let http = BoundedHttp::new();
    Ok(match serving {
        Serving::Http1 | Serving::WithoutHalfClose => server.listen(listener)?.run(),
        Serving::Http2 => server.listen_auto_h2c(listener)?.run(),
        Serving::Bounded => builder
            .listen("bounded", listener, move || http.clone().tcp(app()))?
            .run(),
        Serving::BoundedHttp2 => builder
            .listen("bounded", listener, move || {
                fn_service(|io: TcpStream| ready(Ok((io, Protocol::Http2, None))))
                    .and_then(http.clone().connection(app()))
            })?
            .run(),
    })
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
                    Err(error) => refused(&error),
                };
                async { response }
            }
        };
        let keeping = {
            let (options, handler) = (options.clone(), handler.clone());
            move |request: HttpRequest, body: web::Payload| {
                let handler = handler.clone();
                let response = sse_response_with(&options, &request, |request, sse| async move {
                    let _body = body;
                    handler(request, sse).await
                });
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
            .route("/keeping-the-body", web::to(keeping))
            .route("/stream", web::to(stream))
            .route("/gone", web::to(async || no_content()))
            .route("/limited", web::to(limited))
            .route("/posted", web::post().to(with_body));
    }
}

async fn with_body(request: HttpRequest, body: web::Bytes) -> HttpResponse<SseBody> {
    sse_response(&request, |_, sse| posted(body, sse))
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
