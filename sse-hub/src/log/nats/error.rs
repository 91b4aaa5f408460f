//! Why a connection to NATS could not be made.

use std::error::Error;
use std::fmt;

use sse_session::BoxError;

/// Why an engine could not be connected.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The subject prefix is invalid: it must be tokens of letters, digits, `-` and `_` with dots
    /// between them, of at most 128 bytes.
    SubjectPrefix(String),
    /// No connection could be made.
    Connection(BoxError),
    /// The stream does not exist and cannot be created, or the server has no JetStream.
    Stream(BoxError),
    /// There is a stream of this name, but its configuration is not suitable, for this reason.
    Unsuitable(&'static str),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubjectPrefix(prefix) => write!(f, "subject prefix {prefix:?} is invalid"),
            Self::Connection(_) => f.write_str("connection to NATS failed"),
            Self::Stream(_) => {
                f.write_str("stream in NATS cannot be used, or the server has no JetStream")
            }
            Self::Unsuitable(reason) => write!(f, "stream in NATS is not suitable: {reason}"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connection(error) | Self::Stream(error) => Some(&**error),
            Self::SubjectPrefix(_) | Self::Unsuitable(_) => None,
        }
    }
}
