//! Why a proxy cannot be started.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a proxy was not started.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// This program is not installed.
    NotInstalled(String),
    /// The program rejects its configuration, or ended before it listened, for this reason.
    Configuration(String),
    /// Its directory, its socket or its process could not be created.
    Io(io::Error),
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled(program) => write!(
                f,
                "{program} is not installed: `cargo xtask proxies {program}` installs it"
            ),
            Self::Configuration(text) => write!(f, "the proxy rejects its configuration: {text}"),
            Self::Io(_) => f.write_str("the proxy did not start"),
        }
    }
}

impl Error for ProxyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::NotInstalled(_) | Self::Configuration(_) => None,
        }
    }
}

impl From<io::Error> for ProxyError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
