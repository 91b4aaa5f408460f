//! What can go wrong between the hub and Redis.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

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
    /// The server is a replica, which accepts no events.
    Replica,
    /// The server runs in a mode that is not supported, such as `cluster` or `sentinel`.
    Mode(String),
    /// The user may not use a command, a key or a channel that the engine needs: the commands, each with the
    /// server's answer. [`RedisEngine`](super::RedisEngine#permissions) lists what is enough.
    NotPermitted(String),
    /// The server is one of several [shards](super::RedisEngine::sharded), as it notes: which one, of which.
    /// A node that used it alone, or as another one, would publish where the others do not read.
    Shard(String),
    /// The URL begins with `rediss`, and the feature `redis-rustls` is not enabled.
    WithoutTls,
    /// The URL begins with `rediss`, and TLS was not agreed on within
    /// [`answer_within`](super::RedisOptions::answer_within): a server without TLS at this port waits for more.
    TlsTimedOut,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("URL is not a valid Redis URL"),
            Self::Prefix => f.write_str("prefix of the keys has braces"),
            Self::Server(_) => f.write_str("connection to Redis failed"),
            Self::Replica => f.write_str("server is a replica, expected a primary"),
            Self::Mode(mode) => write!(f, "server runs in mode {mode}, expected standalone"),
            Self::NotPermitted(reasons) => {
                write!(f, "user lacks permissions that are needed: {reasons}")
            }
            Self::Shard(note) => write!(f, "server is another one of several shards: {note}"),
            Self::WithoutTls => f.write_str("URL asks for TLS, which no enabled feature provides"),
            Self::TlsTimedOut => f.write_str(
                "server did not agree on TLS in time, expected a port with TLS, as the URL asks for it",
            ),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url(error) | Self::Server(error) => Some(&**error),
            _ => None,
        }
    }
}

/// Why a command has no answer, for all that wait for it.
#[derive(Clone, Debug)]
pub(super) enum CommandError {
    /// No connection could be made just before.
    NotConnected,
    Redis(Arc<RedisError>),
    /// The server that was connected to cannot be used.
    Unusable(Unusable),
}

/// Why a server that answers cannot be used.
#[derive(Clone, Debug)]
pub(super) enum Unusable {
    Replica,
    Mode(String),
    NotPermitted(String),
    Shard(String),
}

/// The codes of errors that say that another server is to be asked now.
const WRONG_SERVER: [&str; 4] = ["READONLY", "MASTERDOWN", "LOADING", "CLUSTERDOWN"];

/// Whether the text of an error says that the server is not, or not yet, the one to be used. Redis
/// before 7.0 wraps the errors of a script's commands, so that the code stands within the text.
pub(super) fn says_wrong_server(text: &str) -> bool {
    WRONG_SERVER.iter().any(|code| {
        text.match_indices(code).any(|(at, _)| {
            let starts = at == 0 || text.as_bytes()[at - 1] == b'-';
            starts && matches!(text.as_bytes().get(at + code.len()), None | Some(b' '))
        })
    })
}

/// Whether the error says so.
pub(super) fn is_wrong_server(error: &RedisError) -> bool {
    error
        .code()
        .is_some_and(|code| WRONG_SERVER.contains(&code))
        || error.detail().is_some_and(says_wrong_server)
}

impl From<RedisError> for CommandError {
    fn from(error: RedisError) -> Self {
        Self::Redis(Arc::new(error))
    }
}

impl From<CommandError> for EngineError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NotConnected => Self::Unavailable,
            CommandError::Redis(error) => Self::Client(error.into()),
            CommandError::Unusable(error) => Self::Client(ConnectError::from(error).into()),
        }
    }
}

impl From<Unusable> for ConnectError {
    fn from(error: Unusable) -> Self {
        match error {
            Unusable::Replica => Self::Replica,
            Unusable::Mode(mode) => Self::Mode(mode),
            Unusable::NotPermitted(reasons) => Self::NotPermitted(reasons),
            Unusable::Shard(note) => Self::Shard(note),
        }
    }
}

impl From<CommandError> for ConnectError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Unusable(error) => error.into(),
            error => Self::Server(EngineError::from(error).into()),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected => f.write_str("not connected"),
            Self::Redis(error) => error.fmt(f),
            Self::Unusable(error) => ConnectError::from(error.clone()).fmt(f),
        }
    }
}

impl Error for CommandError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_server_is_known_by_its_error_in_every_wrapping() {
        for wrong in [
            "READONLY You can't write against a read only replica.",
            "@user_script: 1: -READONLY You can't write against a read only replica.",
            "Error running script (call to f_660a): @user_script:1: @user_script: 1: -READONLY You",
            "READONLY You can't write against a read only replica. script: 660a, on @user_script:1.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "LOADING Redis is loading the dataset in memory",
            "CLUSTERDOWN",
        ] {
            assert!(says_wrong_server(wrong), "{wrong}");
        }
        for other in [
            "",
            "MISCONF Redis is configured to save RDB snapshots",
            "OOM command not allowed when used memory > 'maxmemory'.",
            "ERR unknown command 'READONLY'",
            "READONLYX",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ] {
            assert!(!says_wrong_server(other), "{other}");
        }
    }
}
