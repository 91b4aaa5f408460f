//! Appending the mark of a loss.

use redis::Value;

use crate::log::EngineError;
use crate::log::redis::link::Link;
use crate::log::redis::{entry_id, script};
use crate::position::Position;

/// Marks the loss of the entries after `kept`, up to `lost`, unless that was done.
pub(super) async fn mark(
    link: &Link,
    topic: &str,
    kept: Position,
    lost: Position,
) -> Result<(), EngineError> {
    let mark = &link.scripts.mark_loss;
    let (stream, key) = (link.keys.stream(topic), link.keys.loss(topic, kept, lost));
    let mut call = mark.call(2, stream.len() + key.len() + 64);
    call.arg(stream).arg(key);
    call.arg(script::drawn());
    call.arg(u8::from(kept != Position::OLDEST));
    call.arg(entry_id::of(lost));
    match link.commands.run(mark, &call).await?.value {
        Value::BulkString(_) => Ok(()),
        _ => Err(EngineError::InvalidAnswer("the id of a mark")),
    }
}
