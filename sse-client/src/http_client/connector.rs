//! Where a request goes: to its host, through a proxy, or to a Unix socket, and with TLS or
//! without.

use std::fmt;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_service::Service as _;

use crate::error::BoxError;

/// How long it may take to connect to one host, all of its addresses together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a TCP connection is silent before the kernel asks whether the other side is there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection over which a request can be sent.
pub(super) struct Connected {
    pub(super) io: Box<dyn Io>,
    /// HTTP/2 was agreed upon.
    pub(super) http2: bool,
    /// The other side is a proxy that is to pass the request on.
    pub(super) proxy: Option<ForwardingProxy>,
}

pub(super) struct ForwardingProxy {
    pub(super) authorization: Option<HeaderValue>,
}

#[derive(Clone, Default)]
pub(super) struct Connector {
    #[cfg(unix)]
    pub(super) unix_socket: Option<Arc<Path>>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
    proxies: Option<Arc<Matcher>>,
}

impl Connector {
    pub(super) fn use_proxies_from_env(&mut self) {
        self.proxies = Some(Arc::new(Matcher::from_env()));
    }

    pub(super) async fn connect(&self, uri: &Uri) -> Result<Connected, BoxError> {
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        #[cfg(unix)]
        if let Some(path) = &self.unix_socket {
            let io = tokio::net::UnixStream::connect(path).await?;
            return self.secure(io, uri, is_https).await;
        }
        let proxy = self
            .proxies
            .as_ref()
            .and_then(|proxies| proxies.intercept(uri));
        let Some(proxy) = proxy else {
            let io = tcp(uri.clone()).await?;
            return self.secure(io, uri, is_https).await;
        };
        if proxy.uri().scheme() != Some(&Scheme::HTTP) {
            return Err(format!("{} is not a proxy of http", without_credentials(&proxy)).into());
        }
        if is_https {
            let io = tunnel(&proxy, uri.clone()).await?;
            return self.secure(io, uri, is_https).await;
        }
        Ok(Connected {
            io: Box::new(tcp(proxy.uri().clone()).await?),
            http2: false,
            proxy: Some(ForwardingProxy {
                authorization: proxy.basic_auth().cloned(),
            }),
        })
    }

    #[cfg(feature = "tls")]
    async fn secure(
        &self,
        io: impl Io + 'static,
        uri: &Uri,
        is_https: bool,
    ) -> Result<Connected, BoxError> {
        if !is_https {
            return Ok(plain(io));
        }
        let config = match &self.tls {
            Some(config) => Arc::clone(config),
            None => super::tls::with_system_roots()?,
        };
        let io = super::tls::handshake(io, config, uri).await?;
        Ok(Connected {
            http2: io.get_ref().1.alpn_protocol() == Some(b"h2"),
            io: Box::new(io),
            proxy: None,
        })
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_async, reason = "as it is with TLS")]
    async fn secure(
        &self,
        io: impl Io + 'static,
        _: &Uri,
        is_https: bool,
    ) -> Result<Connected, BoxError> {
        if is_https {
            return Err("https needs the feature tls".into());
        }
        Ok(plain(io))
    }
}

fn plain(io: impl Io + 'static) -> Connected {
    Connected {
        io: Box::new(io),
        http2: false,
        proxy: None,
    }
}

/// hyper-util's connector tries a host's addresses as RFC 8305 says.
fn tcp_connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEP_ALIVE));
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector
}

async fn tcp(uri: Uri) -> Result<TcpStream, BoxError> {
    Ok(tcp_connector().call(uri).await?.into_inner())
}

async fn tunnel(proxy: &Intercept, uri: Uri) -> Result<TcpStream, BoxError> {
    let mut tunnel = Tunnel::new(proxy.uri().clone(), tcp_connector());
    if let Some(authorization) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(authorization.clone());
    }
    Ok(tunnel.call(uri).await?.into_inner())
}

fn without_credentials(proxy: &Intercept) -> String {
    let uri = proxy.uri();
    let scheme = uri.scheme_str().unwrap_or_default();
    format!("{scheme}://{}", uri.host().unwrap_or_default())
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Connector");
        #[cfg(unix)]
        f.field("unix_socket", &self.unix_socket);
        f.field("proxies", &self.proxies.is_some());
        f.finish_non_exhaustive()
    }
}
