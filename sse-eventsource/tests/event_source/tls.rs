//! A server's TLS with a certificate of its own, and clients that trust it.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A certificate for `localhost` and `nowhere.test`, with its key.
pub(crate) struct Identity(CertifiedKey<rcgen::KeyPair>);

impl Identity {
    pub(crate) fn new() -> Self {
        let names = ["localhost", "nowhere.test"].map(str::to_owned);
        Self(rcgen::generate_simple_self_signed(names).expect("a certificate"))
    }

    pub(crate) fn certificate(&self) -> CertificateDer<'static> {
        self.0.cert.der().clone()
    }

    /// The server, which speaks these protocols.
    pub(crate) fn acceptor(&self, protocols: &[&str]) -> TlsAcceptor {
        let key = PrivateKeyDer::Pkcs8(self.0.signing_key.serialize_der().into());
        let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate()], key)
            .expect("a certificate");
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        server.alpn_protocols = protocols.collect();
        TlsAcceptor::from(Arc::new(server))
    }

    /// A client that trusts it and nobody else.
    pub(crate) fn trust(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).expect("a certificate");
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// The certificate as files have it.
    pub(crate) fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate())
    }

    /// The key as files have it.
    pub(crate) fn key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.0.signing_key.serialize_der())
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(str::from_utf8(line).expect("ASCII"));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}
