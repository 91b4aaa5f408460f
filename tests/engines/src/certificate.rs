//! A certificate for servers.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::command::write;

/// A self-signed certificate for `127.0.0.1` and `localhost`, with its key. Clients that trust it need
/// nothing else.
#[derive(Clone, Debug)]
pub struct Certificate {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// The paths of a certificate and its key.
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// Makes a certificate.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each one is another")]
    pub fn new() -> Self {
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        Self {
            certificate: made.cert.der().to_vec(),
            key: made.signing_key.serialize_der(),
        }
    }

    /// The certificate in PEM, as a client reads the certificates that it trusts.
    #[must_use]
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// Writes both into a server's folder.
    pub(crate) fn write(&self, folder: &Path) -> Files {
        Files {
            certificate: write(folder, "certificate.pem", &self.pem()),
            key: write(folder, "key.pem", &pem("PRIVATE KEY", &self.key)),
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).expect("ASCII"));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}
