//! Why nginx cannot be started.

use std::error::Error;
use std::fmt;
use std::io;

/// Why nginx was not started.
#[derive(Debug)]
#[non_exhaustive]
pub enum NginxError {
    /// nginx is not installed.
    NotInstalled,
    /// nginx rejects its configuration, for this reason.
    Configuration(String),
    /// Its directory, its socket or its process could not be created.
    Io(io::Error),
}

impl fmt::Display for NginxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => write!(
                f,
                "nginx is not installed: on Debian, `apt-get install nginx`; \
                 or set {}=1 to skip the tests that need it",
                crate::SKIP
            ),
            Self::Configuration(text) => write!(f, "nginx rejects its configuration: {text}"),
            Self::Io(_) => f.write_str("nginx did not start"),
        }
    }
}

impl Error for NginxError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::NotInstalled | Self::Configuration(_) => None,
        }
    }
}

impl From<io::Error> for NginxError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
