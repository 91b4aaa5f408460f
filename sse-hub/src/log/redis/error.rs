//! What can go wrong between the hub and Redis.

use std::error::Error;
use std::fmt;

use redis::RedisError;
use sse_session::BoxError;

use crate::log::EngineError;

/// Why no connection to Redis was made.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not a valid Redis URL.
    Url(BoxError),
    /// The [prefix](super::RedisOptions::prefix) has braces, which are reserved for topics.
    Prefix,
    /// The server was not reached, did not answer, or refused the connection.
    Server(BoxError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url(_) => "URL is not a valid Redis URL",
            Self::Prefix => "prefix of the keys has braces",
            Self::Server(_) => "connection to Redis failed",
        })
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url(error) | Self::Server(error) => Some(&**error),
            Self::Prefix => None,
        }
    }
}

/// Why a command has no answer.
#[derive(Debug)]
pub(super) enum CommandError {
    /// No connection could be made just before.
    NotConnected,
    Redis(RedisError),
}

impl From<RedisError> for CommandError {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl From<CommandError> for EngineError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NotConnected => Self::Unavailable,
            CommandError::Redis(error) => Self::Client(error.into()),
        }
    }
}

impl From<CommandError> for ConnectError {
    fn from(error: CommandError) -> Self {
        Self::Server(EngineError::from(error).into())
    }
}
