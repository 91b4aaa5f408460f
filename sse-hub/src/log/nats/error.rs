//! What can go wrong between the hub and NATS.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use sse_session::BoxError;

/// Why a log could not be connected.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The subject prefix is not one: tokens of letters, digits, `-` and `_` with dots between
    /// them, 128 bytes at most.
    SubjectPrefix(String),
    /// There is no connection to be had.
    Connection(BoxError),
    /// The stream is not there and cannot be made, or the server has no JetStream.
    Stream(BoxError),
    /// There is a stream of this name, but it does not do what is needed.
    Unfit(&'static str),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SubjectPrefix(prefix) => write!(f, "{prefix:?} is no subject prefix"),
            Self::Connection(_) => f.write_str("no connection to NATS"),
            Self::Stream(_) => f.write_str("stream cannot be used"),
            Self::Unfit(why) => write!(f, "stream is not made for this: {why}"),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Connection(error) | Self::Stream(error) => Some(&**error),
            Self::SubjectPrefix(_) | Self::Unfit(_) => None,
        }
    }
}

/// Why NATS has not done what it was asked to.
#[derive(Debug)]
pub(super) enum NatsError {
    /// There is no connection, or none any more.
    Disconnected,
    TimedOut(Duration),
    /// The server says no.
    Refused(String),
    Client(BoxError),
}

impl fmt::Display for NatsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected => f.write_str("there is no connection to NATS"),
            Self::TimedOut(time) => write!(f, "NATS has not answered within {time:?}"),
            Self::Refused(why) => write!(f, "NATS refuses: {why}"),
            Self::Client(_) => f.write_str("the request has failed"),
        }
    }
}

impl Error for NatsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Client(error) => Some(&**error),
            _ => None,
        }
    }
}
