//! The protocols that make a proxy connect to a host. The connection to the proxy itself is made by
//! the connector.

use std::fmt;
use std::future::Ready;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::{Authority, Parts, PathAndQuery, Scheme};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use tower_service::Service;

use super::io::Io;
use crate::boxed::BoxError;

/// The default port of SOCKS proxies (RFC 1928 § 3).
const SOCKS_PORT: u16 = 1080;

/// Returns the address of the proxy.
pub(super) fn address(proxy: &Intercept) -> Result<Uri, BoxError> {
    if speaks_http(proxy) {
        Ok(proxy.uri().clone())
    } else {
        with_port(proxy.uri(), SOCKS_PORT)
    }
}

/// Returns whether the proxy accepts HTTP requests, and not only tunnels.
pub(super) fn speaks_http(proxy: &Intercept) -> bool {
    matches!(proxy.uri().scheme_str(), Some("http" | "https"))
}

/// Makes the proxy at the other end of `io` connect to the host of `uri`.
pub(super) async fn tunnel(
    proxy: &Intercept,
    io: Box<dyn Io>,
    uri: &Uri,
) -> Result<Box<dyn Io>, BoxError> {
    let connected = Established(Some(TokioIo::new(io)));
    let at = proxy.uri().clone();
    let port = port(uri);
    let to = with_port(uri, port)?;
    let io = match proxy.uri().scheme_str().unwrap_or_default() {
        // As in curl, the schemes differ in which side resolves the host.
        "socks4" => {
            let to = resolve(&to, port, SocketAddr::is_ipv4).await?;
            SocksV4::new(at, connected).call(to).await?
        }
        "socks4a" => SocksV4::new(at, connected).call(to).await?,
        scheme @ ("socks5" | "socks5h") => {
            let mut socks = SocksV5::new(at, connected);
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            let to = match scheme {
                "socks5" => resolve(&to, port, |_| true).await?,
                _ => to,
            };
            socks.call(to).await?
        }
        _ => {
            let mut tunnel = Tunnel::new(at, connected);
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            tunnel.call(to).await?
        }
    };
    Ok(io.into_inner())
}

/// Returns the port, by default that of the scheme. hyper-util would always default to 443.
fn port(uri: &Uri) -> u16 {
    let is_http = uri.scheme() == Some(&Scheme::HTTP);
    uri.port_u16().unwrap_or(if is_http { 80 } else { 443 })
}

/// Replaces the host of the URL by its address. hyper-util would block the thread to resolve it.
async fn resolve(
    uri: &Uri,
    port: u16,
    is_suitable: impl Fn(&SocketAddr) -> bool,
) -> Result<Uri, BoxError> {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut found = tokio::net::lookup_host((host, port)).await?;
    let address = found
        .find(is_suitable)
        .ok_or("the host has no suitable address")?;
    with_authority(uri, &address.to_string())
}

fn with_port(uri: &Uri, port: u16) -> Result<Uri, BoxError> {
    match uri.port() {
        Some(_) => Ok(uri.clone()),
        None => with_authority(uri, &format!("{}:{port}", uri.host().unwrap_or_default())),
    }
}

fn with_authority(uri: &Uri, authority: &str) -> Result<Uri, BoxError> {
    let mut parts = Parts::default();
    parts.scheme = uri.scheme().cloned();
    parts.authority = Some(Authority::try_from(authority)?);
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Ok(Uri::from_parts(parts)?)
}

/// An established connection, as the connector that hyper-util expects.
struct Established(Option<TokioIo<Box<dyn Io>>>);

impl Service<Uri> for Established {
    type Response = TokioIo<Box<dyn Io>>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let io = self.0.take().ok_or(io::ErrorKind::NotConnected.into());
        std::future::ready(io)
    }
}

/// A connection through a proxy failed.
#[derive(Debug)]
pub(super) struct ProxyError {
    /// The URL of the proxy, without credentials.
    proxy: Uri,
    source: BoxError,
}

impl ProxyError {
    pub(super) fn new(proxy: &Intercept, source: BoxError) -> Self {
        let proxy = proxy.uri().clone();
        Self { proxy, source }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot connect through the proxy {}", self.proxy)
    }
}

impl std::error::Error for ProxyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_always_has_a_port() {
        for (url, named) in [
            ("http://a.test/b?c", "http://a.test:80/"),
            ("https://a.test/", "https://a.test:443/"),
            ("https://[::1]/b", "https://[::1]:443/"),
            ("http://[::1]:8080/", "http://[::1]:8080/"),
        ] {
            let uri = Uri::from_static(url);
            let uri = with_port(&uri, port(&uri)).expect("a URL");
            assert_eq!(uri.to_string(), named);
        }
    }

    #[tokio::test]
    async fn an_address_needs_no_resolving() {
        for (url, fits, named) in [
            ("http://127.0.0.1/", true, "http://127.0.0.1:80/"),
            ("https://[::1]/", true, "https://[::1]:443/"),
            // SOCKS4 does not support IPv6.
            ("https://[::1]/", false, ""),
        ] {
            let uri = Uri::from_static(url);
            let found = resolve(&uri, port(&uri), |address| fits || address.is_ipv4()).await;
            let found = found.map_or(String::new(), |uri| uri.to_string());
            assert_eq!(found, named);
        }
    }
}
