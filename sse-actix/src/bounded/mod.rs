//! A service for actix-server whose connections hold a bounded part of what a client sends.

mod chunked;
mod framing;
mod gate;
mod head;
mod io;
mod service;
#[cfg(test)]
mod tests;
mod watched_body;

use std::fmt::Debug;
use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use actix_http::body::{BoxBody, MessageBody};
use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory,
    fn_service, map_config,
};
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use sse_session::Shutdown;
use tokio::io::{AsyncRead, AsyncWrite};

use self::gate::Gate;
use self::io::{BoundedIo, IoLimits};

/// Serves an application on connections that read no further than the request that is being answered,
/// and that end when the client accepts nothing.
///
/// It takes the place of actix-web's `HttpServer`, which can be told neither. See "What a client can
/// make a server hold" at the top of this crate.
///
/// ```no_run
/// use actix_web::dev::Server;
/// use actix_web::{App, web};
/// use sse_actix::{BoundedHttp, Request, SendError, Sse, with_sse};
///
/// async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
///     sse.send("hello").await
/// }
///
/// # #[actix_web::main]
/// # async fn main() -> std::io::Result<()> {
/// Server::build()
///     .bind("hello", ("127.0.0.1", 3001), || {
///         BoundedHttp::new().tcp(App::new().route("/hello", web::get().to(with_sse(hello))))
///     })?
///     .run()
///     .await
/// # }
/// ```
///
/// Requests that a client sends ahead are answered one after the other, as HTTP/1.1 says
/// (RFC 9112 § 9.3.2), each when the response before it is complete. A body that a handler keeps is
/// read as fast as the handler takes it, and 12 KiB ahead of it.
///
/// What `HttpServer` has in addition: the number of workers, the shutdown and its signals are methods of
/// the builder that `Server::build` returns. `on_connect` and `server_hostname` have no counterpart. A
/// graceful shutdown closes idle connections if it is passed to [`shutdown`](Self::shutdown), and otherwise waits until
/// they end by [`keep_alive`](Self::keep_alive).
#[derive(Clone, Debug)]
#[must_use = "this does nothing until an application is given to it"]
pub struct BoundedHttp {
    keep_alive: KeepAlive,
    client_request_timeout: Duration,
    client_disconnect_timeout: Duration,
    h1_allow_half_closed: bool,
    h1_max_head_size: usize,
    h2_max_streams: usize,
    write_timeout: Duration,
    shutdown: Option<Shutdown>,
}

impl BoundedHttp {
    /// Returns the defaults.
    pub const fn new() -> Self {
        Self {
            keep_alive: KeepAlive::Timeout(Duration::from_secs(5)),
            client_request_timeout: Duration::from_secs(5),
            client_disconnect_timeout: Duration::from_secs(1),
            h1_allow_half_closed: false,
            h1_max_head_size: 16 * 1024,
            h2_max_streams: 200,
            write_timeout: Duration::from_secs(60),
            shutdown: None,
        }
    }

    /// Sets the time after which an idle connection is closed. The default is 5 seconds.
    ///
    /// Over HTTP/2, a client is also sent a PING after this time, and has as long to answer it.
    pub fn keep_alive(mut self, time: impl Into<KeepAlive>) -> Self {
        self.keep_alive = time.into();
        self
    }

    /// Sets the time within which the head of a request must arrive, from its first byte on, or from the
    /// beginning of the connection. The default is 5 seconds. Zero is no limit.
    ///
    /// It also limits what is left of a request's body when its response is complete. As long as there is none, a
    /// body has no limit here, as it is the handler that waits for it.
    ///
    /// In `HttpServer`, it applies to the first request of a connection alone.
    pub fn client_request_timeout(mut self, time: Duration) -> Self {
        self.client_request_timeout = time;
        self
    }

    /// Closes connections of HTTP/1.1 that are idle when `signal` is given, and others after the response that is then
    /// being prepared or sent. So a graceful shutdown does not wait for idle clients. The signal does not stop the
    /// server, and does not end open streams: [`SseOptions::shutdown`](crate::SseOptions::shutdown) does, which takes
    /// the same signal.
    ///
    /// `HttpServer` closes idle connections by itself.
    ///
    /// ```
    /// use sse_actix::{BoundedHttp, CancellationToken, SseOptions};
    ///
    /// let stop = CancellationToken::new();
    /// let http = BoundedHttp::new().shutdown(stop.clone());
    /// let options = SseOptions::new().shutdown(stop.clone());
    /// // later: stop.cancel() and ServerHandle::stop(true)
    /// # let _ = (http, options);
    /// ```
    pub fn shutdown(mut self, signal: impl Into<Shutdown>) -> Self {
        self.shutdown = Some(signal.into());
        self
    }

    /// Sets the time that closing a connection may take. The default is one second.
    pub fn client_disconnect_timeout(mut self, time: Duration) -> Self {
        self.client_disconnect_timeout = time;
        self
    }

    /// Sets whether a client that closes its sending side still gets its response. The default is
    /// `false`, unlike that of `HttpServer`: the handler of a client that has closed the connection is
    /// dropped at once.
    pub fn h1_allow_half_closed(mut self, allow: bool) -> Self {
        self.h1_allow_half_closed = allow;
        self
    }

    /// Sets how long the head of a request may be before its end has arrived. The connection of a longer
    /// one is closed without a response. The default is 16 KiB, while `HttpServer` accepts 128 KiB, which a
    /// stream may hold for as long as it is open.
    ///
    /// The end of a head passes together with up to 16 KiB more.
    pub fn h1_max_head_size(mut self, bytes: usize) -> Self {
        self.h1_max_head_size = bytes;
        self
    }

    /// Sets how many requests a client may have open on one connection of HTTP/2. Others are answered
    /// with 503 and `Retry-After: 1`. The default is 200.
    ///
    /// Few requests beyond them are read before the client accepts its responses: one that sends 120 KB of them and accepts
    /// nothing grows the server by 27 KB.
    ///
    /// `HttpServer` has no limit: a request of ten bytes opens a stream there.
    pub fn h2_max_streams(mut self, streams: usize) -> Self {
        self.h2_max_streams = streams;
        self
    }

    /// Sets the time within which a client must accept at least one byte of what is to be sent, before
    /// the connection is closed and the handler dropped. The default is 60 seconds.
    ///
    /// Over HTTP/2, it ends a connection that the client does not read from; the handlers are dropped
    /// at their next write. A client that reads and grants a stream no window is not ended.
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.write_timeout = time;
        self
    }

    /// Serves `app` over TCP with HTTP/1.1, without delaying small writes (`TCP_NODELAY`).
    pub fn tcp<A, S, B>(
        self,
        app: A,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
    where
        A: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Service: 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Response: Into<Response<B>> + 'static,
        S::Error: Into<actix_web::Error> + 'static,
        S::InitError: Debug,
        B: MessageBody + 'static,
    {
        fn_service(|io: TcpStream| {
            // Only a connection that is gone refuses the option, which the first read finds.
            let _ = io.set_nodelay(true);
            let address = io.peer_addr().ok();
            ready(Ok((io, Protocol::Http1, address)))
        })
        .and_then(self.connection(app))
    }

    /// Serves `app` over any connection whose protocol is known: after a TLS handshake, over Unix
    /// sockets, or with HTTP/2 from its start.
    ///
    /// The application does not learn of TLS: `ConnectionInfo::scheme` is `https` over HTTP/2 and behind a
    /// proxy that says so, and `http` otherwise.
    ///
    /// HTTP/2 needs the feature `http2` of actix-web. Without it, `Protocol::Http2` panics, in
    /// actix-http.
    ///
    /// ```
    /// use std::future::ready;
    ///
    /// use actix_http::Protocol;
    /// use actix_service::{ServiceFactory, ServiceFactoryExt as _, fn_service};
    /// use actix_web::App;
    /// use actix_web::rt::net::UnixStream;
    /// use sse_actix::BoundedHttp;
    ///
    /// /// For `Server::build().bind_uds("app", "/run/app.sock", service)`.
    /// fn service() -> impl ServiceFactory<UnixStream, Config = ()> {
    ///     fn_service(|io: UnixStream| ready(Ok((io, Protocol::Http1, None))))
    ///         .and_then(BoundedHttp::new().connection(App::new()))
    /// }
    /// ```
    pub fn connection<I, A, S, B>(
        self,
        app: A,
    ) -> impl ServiceFactory<
        (I, Protocol, Option<SocketAddr>),
        Config = (),
        Response = (),
        Error = DispatchError,
        InitError = (),
    >
    where
        I: AsyncRead + AsyncWrite + Unpin + 'static,
        A: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Service: 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Response: Into<Response<B>> + 'static,
        S::Error: Into<actix_web::Error> + 'static,
        S::InitError: Debug,
        B: MessageBody + 'static,
    {
        let app = app
            .into_factory()
            .map_err(|error| Response::<BoxBody>::from(error.into().error_response()));
        let app = map_config(app, |()| AppConfig::default());
        let mut http = HttpService::build();
        if let Some(shutdown) = self.shutdown {
            // No documented method, but one that the released versions of actix-web 4 need.
            http = http.graceful_shutdown_signal(move || {
                let shutdown = shutdown.clone();
                async move { shutdown.wait().await }
            });
        }
        let http = http
            .keep_alive(self.keep_alive)
            .client_request_timeout(self.client_request_timeout)
            .client_disconnect_timeout(self.client_disconnect_timeout)
            .h1_allow_half_closed(self.h1_allow_half_closed)
            .on_connect_ext(|io: &BoundedIo<I>, data| {
                data.insert(io.gate().clone());
            })
            .finish(apply_fn_factory(app, service::answer));
        let head_timeout = self.client_request_timeout;
        let limits = IoLimits {
            allow_half_closed: self.h1_allow_half_closed,
            head_timeout: (!head_timeout.is_zero()).then_some(head_timeout),
            max_head_size: self.h1_max_head_size,
            write_timeout: self.write_timeout,
        };
        fn_service(move |(io, protocol, address): (I, Protocol, _)| {
            let max_streams = (protocol != Protocol::Http1).then_some(self.h2_max_streams);
            let io = BoundedIo::new(io, Gate::new(max_streams), limits);
            ready(Ok((io, protocol, address)))
        })
        .and_then(http)
    }
}

impl Default for BoundedHttp {
    fn default() -> Self {
        Self::new()
    }
}
