//! The default HTTP stack: one connection of hyper for each request.
//!
//! hyper-util's pooled client spawns a task for each connection. A stream never shares its
//! connection, so here reading the response drives the connection, and nothing else does.

mod body;
mod connection;
mod connector;
mod driver;
mod io;
mod proxy;
#[cfg(feature = "tls")]
mod tls;

use std::pin::pin;
use std::task::{Context, Poll};

use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Request, Response, Uri, Version};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tower_service::Service;

pub use self::body::ClientBody;
use self::body::Drive;
pub use self::connection::Connection;
use self::connection::Spawn;
use self::connector::{Connected, Connector};
use self::driver::{Driver, Tasks};
use crate::boxed::{BoxError, BoxFuture};
use crate::request_body::RequestBody;

/// The size of the buffer of an HTTP/1.1 connection, which also limits the head of a response.
const MAX_BUFFER: usize = 64 * 1024;

/// How many headers a response may have over HTTP/1.1. Content networks add dozens.
const MAX_HEADERS: usize = 256;

/// How many bytes an HTTP/2 server may send ahead of the reader.
const WINDOW: u32 = 256 * 1024;

/// The longest head of a response over HTTP/2.
const MAX_HEAD: u32 = 64 * 1024;

/// An HTTP client for event streams: a `tower::Service` that opens a connection for each request
/// and sends nothing else over it.
///
/// Speaks HTTP/1.1, and HTTP/2 where TLS negotiates it. Spawns no task, unless
/// [`spawn_with`](Self::spawn_with) says so: the future of the response, then its body drive the
/// connection. A body that is not read receives nothing, and one that is dropped closes the
/// connection.
///
/// ```
/// use sse_eventsource::{EventSource, HttpClient};
///
/// let client = HttpClient::new().proxies_from_env();
/// let events = EventSource::get("https://example.com/ticks").build_with(client.clone())?;
/// # let _ = events;
/// # Ok::<(), sse_eventsource::BuildError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HttpClient {
    connector: Connector,
    spawn: Option<Spawn>,
}

impl HttpClient {
    /// Creates a client that connects to the host of the URL.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects to this Unix socket instead of the host of the URL.
    ///
    /// ```
    /// use sse_eventsource::{EventSource, HttpClient};
    ///
    /// let client = HttpClient::new().unix_socket("/run/docker.sock");
    /// let events = EventSource::get("http://localhost/events").build_with(client)?;
    /// # let _ = events;
    /// # Ok::<(), sse_eventsource::BuildError>(())
    /// ```
    #[cfg(unix)]
    #[must_use]
    pub fn unix_socket(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.connector.unix_socket = Some(path.as_ref().into());
        self
    }

    /// Connects through the proxies of the environment variables `HTTP_PROXY`, `HTTPS_PROXY`,
    /// `ALL_PROXY` and `NO_PROXY`, in upper or lower case, as curl does. They are read once, here.
    ///
    /// The scheme of a proxy is `http`, `https`, `socks4`, `socks4a`, `socks5` or `socks5h`, with
    /// an optional user and password. With `socks4a` and `socks5h` the proxy resolves the host.
    /// `https` URLs go through a tunnel, and so does HTTP/2 without TLS. Proxies with another
    /// scheme are ignored.
    #[must_use]
    pub fn proxies_from_env(mut self) -> Self {
        self.connector.use_proxies_from_env();
        self
    }

    /// Speaks HTTP/2 without TLS too, where it cannot be negotiated ("prior knowledge", RFC 9113
    /// § 3.3).
    #[must_use]
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.connector.http2_prior_knowledge = true;
        self
    }

    /// Sets the TLS configuration: for other roots than the system's, or a client certificate. If
    /// it has no ALPN protocols, HTTP/2 and HTTP/1.1 are offered.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: tokio_rustls::rustls::ClientConfig) -> Self {
        self.connector.tls = Some(tls::with_alpn(config));
        self
    }

    /// Sets how long a connection may take: the host's addresses, the proxy and TLS together; by
    /// default 20 seconds. The wait for the response has a limit of its own, see
    /// [`EventSourceBuilder::response_timeout`](crate::EventSourceBuilder::response_timeout).
    #[must_use]
    pub fn connect_timeout(mut self, limit: std::time::Duration) -> Self {
        self.connector.timeout = limit;
        self
    }

    /// Runs each connection in a task, which `spawn` starts.
    ///
    /// Without this, nothing is spawned, and a connection makes progress only while its response is
    /// read. A server that expects answers in the meantime then closes the connection of a reader
    /// that is busy for long: over HTTP/2 it may send PINGs, over HTTP/1.1 it may limit the time of
    /// a write. With it, PINGs are answered at any time. What is received ahead of the reader stays
    /// bounded: by the window over HTTP/2, by one buffer over HTTP/1.1.
    ///
    /// Dropping the response ends the task.
    ///
    /// ```
    /// use sse_eventsource::{EventSource, HttpClient};
    ///
    /// let client = HttpClient::new().spawn_with(|connection| {
    ///     tokio::spawn(connection);
    /// });
    /// let events = EventSource::get("https://example.com/ticks").build_with(client)?;
    /// # let _ = events;
    /// # Ok::<(), sse_eventsource::BuildError>(())
    /// ```
    #[must_use]
    pub fn spawn_with(mut self, spawn: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        self.spawn = Some(Spawn::new(spawn));
        self
    }

    async fn send(
        self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<ClientBody>, BoxError> {
        let has_body = !request.body().is_end_stream();
        let connected = self.connector.connect_in_time(request.uri(), has_body);
        let Connected { io, http2, proxy } = connected.await?;
        let io = TokioIo::new(io);
        *request.version_mut() = Version::HTTP_11;
        if http2 {
            let tasks = Tasks::default();
            let (mut sender, connection) = http2::Builder::new(tasks.clone())
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(WINDOW)
                .max_header_list_size(MAX_HEAD)
                .handshake(io)
                .await?;
            let driver = Driver::new(connection, tasks);
            return self.receive(sender.send_request(request), driver).await;
        }
        match proxy {
            // RFC 9112 § 3.2.2: a proxy is sent the absolute URL.
            Some(proxy) => {
                if let Some(authorization) = proxy.authorization {
                    request
                        .headers_mut()
                        .insert(PROXY_AUTHORIZATION, authorization);
                }
                set_host(&mut request)?;
            }
            None => {
                set_host(&mut request)?;
                let path = request.uri().path_and_query();
                let path = path.map_or("/", http::uri::PathAndQuery::as_str);
                *request.uri_mut() = Uri::try_from(path)?;
            }
        }
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_BUFFER)
            .max_headers(MAX_HEADERS)
            .handshake(io)
            .await?;
        let driver = Driver::new(connection, Tasks::default());
        self.receive(sender.send_request(request), driver).await
    }

    /// Drives the connection until the head of the response has arrived.
    async fn receive(
        &self,
        response: impl Future<Output = hyper::Result<Response<Incoming>>>,
        mut driver: Driver,
    ) -> Result<Response<ClientBody>, BoxError> {
        if let Some(spawn) = &self.spawn {
            // Dropped with this future, if it is dropped while it waits.
            let lease = spawn.start(driver);
            let response = response.await?;
            return Ok(response.map(|incoming| ClientBody::new(incoming, Drive::Task(lease))));
        }
        let mut response = pin!(response);
        let response = std::future::poll_fn(|cx| {
            if let Poll::Ready(response) = response.as_mut().poll(cx) {
                return Poll::Ready(response);
            }
            driver.poll(cx);
            response.as_mut().poll(cx)
        });
        let response = response.await?;
        Ok(response.map(|incoming| ClientBody::new(incoming, Drive::Here(driver))))
    }
}

fn set_host(request: &mut Request<RequestBody>) -> Result<(), BoxError> {
    if let Some(authority) = request.uri().authority() {
        let host = HeaderValue::try_from(authority.as_str())?;
        request.headers_mut().entry(HOST).or_insert(host);
    }
    Ok(())
}

impl Service<Request<RequestBody>> for HttpClient {
    type Response = Response<ClientBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}
