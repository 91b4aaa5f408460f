//! Appending an entry.

use redis::{Cmd, Value};

use crate::log::LogError;
use crate::log::redis::link::{Link, failed};
use crate::log::redis::{read, script};
use crate::position::Position;

/// The call that appends an entry: all that has to be copied is in it.
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

/// Appends the entry, and gives the position that it has.
pub(super) async fn append(link: &Link, call: Cmd) -> Result<Position, LogError> {
    let answer = link.append.run(&call, &link.commands).await;
    match answer.map_err(failed)? {
        Value::BulkString(id) => read::position(&id).ok_or_else(read::garbled),
        _ => Err(read::garbled()),
    }
}
