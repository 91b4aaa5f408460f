//! Why a connection can fail.

use std::error::Error;
use std::fmt;
use std::io;

use sse_session::HandlerError;

/// Why a connection ended without a complete response.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectionError {
    /// The connection could not be upgraded, such as by a handshake of TLS, or not within
    /// [`Limits::head_timeout`](crate::Limits::head_timeout).
    Upgrade(io::Error),
    /// The client is gone, or accepted nothing within
    /// [`Limits::write_timeout`](crate::Limits::write_timeout).
    Io(io::Error),
    /// The handler failed, and the response was cut short.
    Handler(HandlerError),
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upgrade(_) => f.write_str("the handshake failed"),
            Self::Io(_) => f.write_str("the connection failed"),
            Self::Handler(_) => f.write_str("the response was cut short"),
        }
    }
}

impl Error for ConnectionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Upgrade(error) | Self::Io(error) => Some(error),
            Self::Handler(error) => Some(error),
        }
    }
}

impl From<io::Error> for ConnectionError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
