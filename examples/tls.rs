//! How do I serve events over TLS, without a proxy?
//!
//! ```text
//! openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
//!     -addext subjectAltName=DNS:localhost -keyout key.pem -out certificate.pem
//! cargo run -p sse-examples --example tls -- certificate.pem key.pem
//! curl -N --cacert certificate.pem https://localhost:3443/
//! ```

use std::path::Path;
use std::sync::Arc;

use sse_tokio_tcp::{BoxError, Request, SendError, Server, Shutdown, Sse, with_sse};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await
}

fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, BoxError> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, shutdown: Shutdown) {
    // The handshake runs in the task of its connection, within the limits of the server.
    Server::new()
        .shutdown(shutdown)
        .upgrade(move |tcp: TcpStream| tls.accept(tcp))
        .serve(listener, with_sse(hello))
        .await;
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut paths = std::env::args_os().skip(1);
    let (Some(certificate), Some(key)) = (paths.next(), paths.next()) else {
        return Err("usage: tls certificate.pem key.pem".into());
    };
    let tls = acceptor(certificate.as_ref(), key.as_ref())?;
    let listener = TcpListener::bind("127.0.0.1:3443").await?;
    serve(listener, tls, Shutdown::when(tokio::signal::ctrl_c())).await;
    Ok(())
}

#[cfg(test)]
mod tls_tests;
