//! What a server notes of the shards that it is one of, so that a node with others is noticed.

use redis::Value;

use crate::log::EngineError;
use crate::log::redis::link::Link;

/// What is done with the note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is read.
    Check,
    /// It is written if there is none, and read.
    Write,
}

/// Returns what the server that is the shard with this name notes.
pub(super) fn note(name: &str, names: &[String]) -> String {
    format!("{name:?} of {names:?}")
}

/// Returns the note of the server, if it has one that is another than `expected`.
pub(super) async fn find_other(
    link: &Link,
    expected: &str,
    step: Step,
) -> Result<Option<String>, EngineError> {
    let key = link.keys.shard();
    link.answer(async {
        if step == Step::Write {
            // `SET` with both `NX` and `GET` needs Redis 7.
            let write = redis::cmd("SET").arg(&key).arg(expected).arg("NX").take();
            link.commands.send(&write).await?;
        }
        let found = link.commands.send(redis::cmd("GET").arg(&key)).await?;
        let found = match found.value {
            Value::BulkString(found) => String::from_utf8_lossy(&found).into_owned(),
            _ => return Ok(None),
        };
        Ok((found != expected).then_some(found))
    })
    .await
}
