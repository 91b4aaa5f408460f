//! What a server says of itself: whether it is the one to be used.

use std::time::Duration;

use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::log::redis::error::{CommandError, Unusable};
use crate::log::redis::time_limits::answered;

/// Asks the server for its role and mode. Every client may ask for them, whatever its permissions, as
/// the connection itself begins with this command.
pub(super) async fn check(
    connection: &mut MultiplexedConnection,
    limit: Duration,
) -> Result<(), CommandError> {
    let mut hello = redis::cmd("HELLO");
    hello.arg(3);
    let answer = answered(limit, connection.send_packed_command(&hello)).await?;
    let Value::Map(fields) = answer.extract_error()? else {
        return Ok(());
    };
    let field = |name: &str| {
        let field = fields.iter().find(|(key, _)| text(key) == Some(name));
        field.and_then(|(_, value)| text(value))
    };
    match (field("mode"), field("role")) {
        (Some(mode), _) if mode != "standalone" => Err(Unusable::Mode(mode.to_owned())),
        (_, Some("replica" | "slave")) => Err(Unusable::Replica),
        _ => Ok(()),
    }
    .map_err(CommandError::Unusable)
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(text) => std::str::from_utf8(text).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}
