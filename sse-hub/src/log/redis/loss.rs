//! Appending the mark of a loss.

use redis::Value;

use crate::log::EngineError;
use crate::log::redis::link::Link;
use crate::log::redis::{entry_id, script};
use crate::position::Position;

const INVALID_ID: EngineError = EngineError::InvalidAnswer("the id of a mark");

/// Marks the loss of the entries after `kept`, up to `lost`, unless that was done. Returns the position of the mark.
pub(super) async fn mark(
    link: &Link,
    topic: &str,
    kept: Position,
    lost: Position,
) -> Result<Option<Position>, EngineError> {
    let mark = &link.scripts.mark_loss;
    let (stream, key) = (link.keys.stream(topic), link.keys.loss(topic));
    let mut call = mark.call(2, stream.len() + key.len() + 96);
    call.arg(stream).arg(key);
    call.arg(script::drawn());
    if kept == Position::OLDEST {
        call.arg("");
    } else {
        call.arg(entry_id::of(kept));
    }
    call.arg(entry_id::of(lost));
    match link.commands.run(mark, &call).await? {
        Value::BulkString(id) if id.is_empty() => Ok(None),
        Value::BulkString(id) => entry_id::parse(&id).map(Some).ok_or(INVALID_ID),
        _ => Err(INVALID_ID),
    }
}
