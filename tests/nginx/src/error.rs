//! What can go wrong on the way to an nginx.

use std::error::Error;
use std::fmt;
use std::io;

/// Why there is no nginx.
#[derive(Debug)]
#[non_exhaustive]
pub enum NginxError {
    /// The program is not there.
    NotInstalled,
    /// nginx does not take its configuration, and says why.
    Configuration(String),
    /// Its folder, its socket or its process could not be had.
    Io(io::Error),
}

impl fmt::Display for NginxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInstalled => write!(
                f,
                "nginx is not installed: on Debian, `apt-get install nginx`; \
                 or set {}=1 to skip the tests with it",
                crate::SKIP
            ),
            Self::Configuration(text) => write!(f, "nginx refuses its configuration: {text}"),
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
