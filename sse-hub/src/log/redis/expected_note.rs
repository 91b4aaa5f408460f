//! The note of its shards that a server must have, which each new connection checks.

use std::sync::OnceLock;
use std::time::Duration;

use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::log::redis::error::{CommandError, Unusable};
use crate::log::redis::keys::Keys;
use crate::log::redis::time_limits::answered;

/// What a server must note, once that is known: nothing if it is used alone. An address may lead to another server
/// later.
#[derive(Debug, Default)]
pub(super) struct ExpectedNote(OnceLock<Option<String>>);

impl ExpectedNote {
    pub(super) fn set(&self, note: Option<String>) {
        // It is set once, when the engine is connected.
        let _ = self.0.set(note);
    }

    /// Checks the server of a new connection. One that has lost its data has lost its note as well.
    pub(super) async fn check(
        &self,
        connection: &mut MultiplexedConnection,
        keys: &Keys,
        limit: Duration,
    ) -> Result<(), CommandError> {
        let Some(expected) = self.0.get() else {
            return Ok(());
        };
        let mut get = redis::cmd("GET");
        let found = connection.send_packed_command(get.arg(keys.shard()));
        let found = text(answered(limit, found).await?.extract_error()?);
        match found {
            Some(found) if expected.as_ref() != Some(&found) => {
                Err(CommandError::Unusable(Unusable::Shard(found)))
            }
            _ => Ok(()),
        }
    }
}

/// Returns the note that a server has answered with, if it has one.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(text) => Some(String::from_utf8_lossy(&text).into_owned()),
        _ => None,
    }
}
