//! What a server notes of the shards that it is one of, so that a node with others is noticed.

use crate::log::EngineError;
use crate::log::redis::expected_note::text;
use crate::log::redis::link::Link;

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
