//! The HTTP stack that is used when none is given: hyper's connections, one for each request.
//!
//! hyper-util's pooled client would spawn a task for each connection. A stream has its connection
//! for itself anyway, so here whoever reads the response drives it, and nothing else.

mod connector;
mod driver;
mod io;
mod proxy;
#[cfg(feature = "tls")]
mod tls;

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Request, Response, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tower_service::Service;

use self::connector::{Connected, Connector};
use self::driver::{Driver, Tasks};
use crate::boxed::{BoxError, BoxFuture};
use crate::request_body::RequestBody;

/// What an HTTP/1.1 connection buffers, and so the longest head of a response.
const MAX_BUFFER: usize = 64 * 1024;

/// How much may come over HTTP/2 that was not read yet, and the longest head of a response.
const WINDOW: u32 = 256 * 1024;
const MAX_HEAD: u32 = 64 * 1024;

/// An HTTP client made for event streams: a `tower::Service` that opens a connection for each
/// request, over which nothing else is sent.
///
/// It speaks HTTP/1.1, and HTTP/2 where TLS agrees upon that. It starts no task: a connection is
/// driven by the future of the response and then by its body, so that a body that is not read
/// receives nothing, and one that is dropped closes the connection.
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
}

impl HttpClient {
    /// A client that connects to the host that the URL names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects to this Unix socket, whatever host the URL names.
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

    /// Goes through the proxies that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name
    /// now, in either case, as curl does.
    ///
    /// Proxies are of `http`, `https`, `socks4`, `socks4a`, `socks5` or `socks5h`, with user and
    /// password if need be; `socks4a` and `socks5h` leave it to the proxy to look up the host.
    /// `https` URLs go through a tunnel, and so does HTTP/2 without TLS. A variable that names
    /// another kind of proxy names none.
    #[must_use]
    pub fn proxies_from_env(mut self) -> Self {
        self.connector.use_proxies_from_env();
        self
    }

    /// Speaks HTTP/2 without TLS too, where it cannot be agreed upon ("prior knowledge", RFC 9113
    /// § 3.3).
    #[must_use]
    pub fn http2_prior_knowledge(mut self) -> Self {
        self.connector.http2_prior_knowledge = true;
        self
    }

    /// Sets how TLS is spoken: for other roots than the system's, or with a client certificate.
    /// If it names no ALPN protocols, HTTP/2 and HTTP/1.1 are offered.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: tokio_rustls::rustls::ClientConfig) -> Self {
        self.connector.tls = Some(tls::with_alpn(config));
        self
    }

    async fn send(
        self,
        mut request: Request<RequestBody>,
    ) -> Result<Response<ClientBody>, BoxError> {
        let Connected { io, http2, proxy } = self.connector.connect(request.uri()).await?;
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
            return receive(sender.send_request(request), driver).await;
        }
        match proxy {
            // RFC 9112 § 3.2.2: proxies are sent the whole URL.
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
            .handshake(io)
            .await?;
        let driver = Driver::new(connection, Tasks::default());
        receive(sender.send_request(request), driver).await
    }
}

fn set_host(request: &mut Request<RequestBody>) -> Result<(), BoxError> {
    if let Some(authority) = request.uri().authority() {
        let host = HeaderValue::try_from(authority.as_str())?;
        request.headers_mut().entry(HOST).or_insert(host);
    }
    Ok(())
}

/// Waits for the head of the response, and drives the connection meanwhile.
async fn receive(
    response: impl Future<Output = hyper::Result<Response<Incoming>>>,
    mut driver: Driver,
) -> Result<Response<ClientBody>, BoxError> {
    let mut response = pin!(response);
    let response = std::future::poll_fn(|cx| {
        if let Poll::Ready(response) = response.as_mut().poll(cx) {
            return Poll::Ready(response);
        }
        driver.poll(cx);
        response.as_mut().poll(cx)
    });
    let response = response.await?;
    Ok(response.map(|incoming| ClientBody { incoming, driver }))
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

/// The body of a response, and the connection that it comes by.
#[must_use = "a body comes only while it is read"]
pub struct ClientBody {
    incoming: Incoming,
    driver: Driver,
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        // Asked first, so that the connection knows that more is wanted.
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        this.driver.poll(cx);
        Pin::new(&mut this.incoming).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl fmt::Debug for ClientBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBody").finish_non_exhaustive()
    }
}
