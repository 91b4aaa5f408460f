//! Appending an entry.

use redis::{Cmd, Value};

use crate::log::EngineError;
use crate::log::redis::link::Link;
use crate::log::redis::{entry_id, script};
use crate::position::Position;

/// Returns the call that appends an entry: it has copies of its arguments.
pub(super) fn call(link: &Link, topic: &str, entry: &[u8], key: Option<&str>) -> Cmd {
    let keys = 1 + usize::from(key.is_some());
    let stream = link.keys.stream(topic);
    let key_len = key.map_or(0, |key| stream.len() + key.len() + 8);
    let mut call = (link.append).call(keys, stream.len() + key_len + entry.len());
    call.arg(stream);
    if let Some(key) = key {
        call.arg(link.keys.idempotency(topic, key));
    }
    call.arg(entry).arg(script::drawn());
    call
}

/// Appends the entry, and returns its position.
pub(super) async fn append(link: &Link, call: Cmd) -> Result<Position, EngineError> {
    let position = match link.append.run(&call, &link.commands).await? {
        Value::BulkString(id) => entry_id::parse(&id),
        _ => None,
    };
    position.ok_or(EngineError::InvalidAnswer("the id of the entry"))
}
