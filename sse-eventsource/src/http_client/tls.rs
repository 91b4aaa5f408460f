//! TLS by rustls, by default with the root certificates of the system.

use std::sync::{Arc, OnceLock};

use http::Uri;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::io::Io;
use crate::boxed::BoxError;

/// Returns a configuration with the system's roots, which are read once, at the first use.
pub(super) fn with_system_roots() -> Result<Arc<ClientConfig>, BoxError> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();

    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let mut found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        return Err(match found.errors.pop() {
            Some(error) => error.into(),
            None => "the system has no root certificates".into(),
        });
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::clone(CONFIG.get_or_init(|| with_alpn(config))))
}

pub(super) fn with_alpn(mut config: ClientConfig) -> Arc<ClientConfig> {
    if config.alpn_protocols.is_empty() {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    Arc::new(config)
}

/// Returns the configuration for a proxy, which speaks HTTP/1.1.
pub(super) fn for_proxy(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

pub(super) async fn handshake<T: Io>(
    io: T,
    config: Arc<ClientConfig>,
    uri: &Uri,
) -> Result<TlsStream<T>, BoxError> {
    let host = uri.host().unwrap_or_default();
    // An IPv6 address is in brackets in a URL.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned())?;
    Ok(TlsConnector::from(config).connect(name, io).await?)
}
