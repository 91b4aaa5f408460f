//! Makes the connection for a request: to its host, through a proxy or to a Unix socket, with or
//! without TLS.

use std::fmt;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::net::TcpStream;
use tower_service::Service as _;

use super::io::Io;
use super::proxy::{self, ProxyError};
use crate::boxed::BoxError;
use crate::second_look::within;

/// The default time limit for a connection.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How long a TCP connection is idle before the kernel probes the peer.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How often it probes, and after how many probes without an answer the connection is lost: a peer
/// that has vanished is noticed after a minute.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

/// For how long data that was sent may stay without an acknowledgement. A window that stays closed
/// counts too, so this is not for requests with a body: the server may take its time to read it.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const USER_TIMEOUT: Duration = Duration::from_secs(60);

/// A connection over which a request can be sent.
pub(super) struct Connected {
    pub(super) io: Box<dyn Io>,
    /// Whether to speak HTTP/2: it was negotiated, or is prior knowledge.
    pub(super) http2: bool,
    /// The peer is a proxy, which forwards the request.
    pub(super) proxy: Option<ForwardingProxy>,
}

pub(super) struct ForwardingProxy {
    pub(super) authorization: Option<HeaderValue>,
}

#[derive(Clone)]
pub(super) struct Connector {
    pub(super) timeout: Duration,
    #[cfg(unix)]
    pub(super) unix_socket: Option<Arc<Path>>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<tokio_rustls::rustls::ClientConfig>>,
    pub(super) http2_prior_knowledge: bool,
    proxies: Option<Arc<Matcher>>,
}

impl Connector {
    pub(super) fn use_proxies_from_env(&mut self) {
        self.proxies = Some(Arc::new(Matcher::from_env()));
    }

    /// Connects to the host of the URL, within the time limit.
    pub(super) async fn connect_in_time(
        &self,
        uri: &Uri,
        has_body: bool,
    ) -> Result<Connected, BoxError> {
        let limit = self.timeout;
        let connected = within(limit, self.connect(uri, has_body)).await;
        connected.unwrap_or_else(|| Err(format!("no connection within {limit:?}").into()))
    }

    async fn connect(&self, uri: &Uri, has_body: bool) -> Result<Connected, BoxError> {
        #[cfg(unix)]
        if let Some(path) = &self.unix_socket {
            let io = tokio::net::UnixStream::connect(path).await?;
            return self.secure(io, uri).await;
        }
        let proxy = self
            .proxies
            .as_ref()
            .and_then(|proxies| proxies.intercept(uri));
        match proxy {
            Some(proxy) => {
                let connected = self.connect_through(&proxy, uri, has_body).await;
                connected.map_err(|error| ProxyError::new(&proxy, error).into())
            }
            None => {
                self.secure(tcp(uri.clone(), self.timeout, has_body).await?, uri)
                    .await
            }
        }
    }

    async fn connect_through(
        &self,
        proxy: &Intercept,
        uri: &Uri,
        has_body: bool,
    ) -> Result<Connected, BoxError> {
        let io: Box<dyn Io> = Box::new(tcp(proxy::address(proxy)?, self.timeout, has_body).await?);
        let io = self.secure_proxy(io, proxy.uri()).await?;
        // A proxy forwards only what it can read: HTTP/1.1 without TLS. The rest needs a tunnel.
        if proxy::speaks_http(proxy) && !is_https(uri) && !self.http2_prior_knowledge {
            return Ok(Connected {
                io,
                http2: false,
                proxy: Some(ForwardingProxy {
                    authorization: proxy.basic_auth().cloned(),
                }),
            });
        }
        let io = proxy::tunnel(proxy, io, uri).await?;
        self.secure(io, uri).await
    }

    /// Adds TLS to the host, if the scheme of the URL is `https`.
    #[cfg(feature = "tls")]
    async fn secure(&self, io: impl Io + 'static, uri: &Uri) -> Result<Connected, BoxError> {
        if !is_https(uri) {
            return Ok(self.without_tls(io));
        }
        let io = super::tls::handshake(io, self.tls_config()?, uri).await?;
        Ok(Connected {
            http2: io.get_ref().1.alpn_protocol() == Some(b"h2"),
            io: Box::new(io),
            proxy: None,
        })
    }

    /// Adds TLS to the proxy, if the scheme of its URL is `https`.
    #[cfg(feature = "tls")]
    async fn secure_proxy(&self, io: Box<dyn Io>, proxy: &Uri) -> Result<Box<dyn Io>, BoxError> {
        if !is_https(proxy) {
            return Ok(io);
        }
        let config = super::tls::for_proxy(&*self.tls_config()?);
        Ok(Box::new(super::tls::handshake(io, config, proxy).await?))
    }

    #[cfg(feature = "tls")]
    fn tls_config(&self) -> Result<Arc<tokio_rustls::rustls::ClientConfig>, BoxError> {
        match &self.tls {
            Some(config) => Ok(Arc::clone(config)),
            None => super::tls::with_system_roots(),
        }
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_async, reason = "the signature is the same with TLS")]
    async fn secure(&self, io: impl Io + 'static, uri: &Uri) -> Result<Connected, BoxError> {
        if is_https(uri) {
            return Err("https requires the feature `tls`".into());
        }
        Ok(self.without_tls(io))
    }

    #[cfg(not(feature = "tls"))]
    #[allow(clippy::unused_async, reason = "the signature is the same with TLS")]
    async fn secure_proxy(&self, io: Box<dyn Io>, proxy: &Uri) -> Result<Box<dyn Io>, BoxError> {
        if is_https(proxy) {
            return Err("an https proxy requires the feature `tls`".into());
        }
        Ok(io)
    }

    fn without_tls(&self, io: impl Io + 'static) -> Connected {
        Connected {
            io: Box::new(io),
            http2: self.http2_prior_knowledge,
            proxy: None,
        }
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTPS)
}

/// hyper-util's connector tries the addresses of a host in parallel (RFC 8305).
#[cfg_attr(
    not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")),
    allow(unused_variables, reason = "the option is of these systems")
)]
fn tcp_connector(limit: Duration, has_body: bool) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEP_ALIVE));
    connector.set_keepalive_interval(Some(PROBE_INTERVAL));
    connector.set_keepalive_retries(Some(PROBES));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    connector.set_tcp_user_timeout((!has_body).then_some(USER_TIMEOUT));
    // Shared by the addresses, so that one that does not answer leaves time for the next.
    connector.set_connect_timeout(Some(limit));
    connector
}

async fn tcp(uri: Uri, limit: Duration, has_body: bool) -> Result<TcpStream, BoxError> {
    Ok(tcp_connector(limit, has_body).call(uri).await?.into_inner())
}

impl Default for Connector {
    fn default() -> Self {
        Self {
            timeout: TIMEOUT,
            #[cfg(unix)]
            unix_socket: None,
            #[cfg(feature = "tls")]
            tls: None,
            http2_prior_knowledge: false,
            proxies: None,
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Connector");
        #[cfg(unix)]
        f.field("unix_socket", &self.unix_socket);
        f.field("timeout", &self.timeout);
        f.field("http2_prior_knowledge", &self.http2_prior_knowledge);
        f.field("proxies", &self.proxies.is_some());
        f.finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use socket2::SockRef;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_connection_whose_server_is_gone_ends_after_a_minute_whether_something_was_sent_or_not()
     {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let uri = format!("http://{address}/").parse().expect("a URL");
        let uri: Uri = uri;
        let uploading = tcp(uri.clone(), TIMEOUT, true).await.expect("connected");
        let limit = SockRef::from(&uploading).tcp_user_timeout();
        assert_eq!(limit.expect("an option"), None);
        let connection = tcp(uri, TIMEOUT, false).await.expect("connected");
        let socket = SockRef::from(&connection);
        let seconds = Duration::from_secs;
        assert!(socket.keepalive().expect("an option"));
        let idle = socket.tcp_keepalive_time().expect("an option");
        let interval = socket.tcp_keepalive_interval().expect("an option");
        let probes = socket.tcp_keepalive_retries().expect("an option");
        assert_eq!((idle, interval, probes), (seconds(30), seconds(10), 3));
        let unacknowledged = socket.tcp_user_timeout().expect("an option");
        assert_eq!(unacknowledged, Some(seconds(60)));
        assert!(socket.tcp_nodelay().expect("an option"));
    }
}
