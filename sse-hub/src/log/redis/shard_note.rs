//! What a server notes of the shards that it is one of, so that a node with others is noticed.

use std::sync::OnceLock;
use std::time::Duration;

use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::log::EngineError;
use crate::log::redis::error::{CommandError, Unusable};
use crate::log::redis::keys::Keys;
use crate::log::redis::link::Link;
use crate::log::redis::time_limits::answered;

/// What a server must note, once that is known: nothing if it is used alone. An address may lead to another server
/// later.
#[derive(Debug, Default)]
pub(super) struct Expected(OnceLock<Option<String>>);

impl Expected {
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

fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(text) => Some(String::from_utf8_lossy(&text).into_owned()),
        _ => None,
    }
}

/// Returns what the server that is the shard with this name notes.
pub(super) fn note(name: &str, names: &[String]) -> String {
    format!("{name:?} of {names:?}")
}

/// Returns the note of the server, if it has one.
pub(super) async fn find(link: &Link) -> Result<Option<String>, EngineError> {
    let key = link.keys.shard();
    link.answer(async {
        let found = link.commands.send(redis::cmd("GET").arg(&key)).await?;
        Ok(text(found))
    })
    .await
}

/// Writes the note of the server, if it has none.
pub(super) async fn write(link: &Link, note: &str) -> Result<(), EngineError> {
    let key = link.keys.shard();
    link.answer(async {
        let write = redis::cmd("SET").arg(&key).arg(note).arg("NX").take();
        link.commands.send(&write).await?;
        Ok(())
    })
    .await
}

/// Removes the note of the server.
pub(super) async fn remove(link: &Link) -> Result<(), EngineError> {
    let key = link.keys.shard();
    link.answer(async {
        // A user needs no permission for `DEL` otherwise.
        let remove = redis::cmd("PEXPIRE").arg(&key).arg(0).take();
        link.commands.send(&remove).await?;
        Ok(())
    })
    .await
}
