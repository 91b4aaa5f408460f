//! Whether a user may do what the engine does. That is checked with each new connection: otherwise an event
//! could be stored and then refused.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};

use crate::log::redis::error::{CommandError, Unusable, says_wrong_server};
use crate::log::redis::keys::Keys;
use crate::log::redis::script::{Scripts, drawn};
use crate::log::redis::time_limits::answered;

/// The name of a topic that no topic has: what is tried with it changes nothing.
const NO_TOPIC: &str = "";

/// What the errors of commands say that a user may not use in scripts, or not with the key or channel; or
/// that the server does not have, as they were renamed.
const REFUSALS: [&str; 4] = [
    "NOPERM",
    "ACL failure in script",
    "The user executing the script can't",
    "nknown Redis command",
];

/// Checks a connection for commands, and lets the server know the script that appends.
pub(super) async fn check_commands(
    connection: &mut MultiplexedConnection,
    scripts: &Scripts,
    keys: &Keys,
    limit: Duration,
) -> Result<(), CommandError> {
    let mut call = scripts.check.call(3, 0);
    call.arg(keys.stream(NO_TOPIC));
    call.arg(keys.idempotency(NO_TOPIC, ""));
    call.arg(keys.loss(NO_TOPIC));
    let tried = scripts.check.run_on(&call, connection);
    let refused = match answered(limit, tried).await.map_err(named)? {
        Value::Array(errors) => errors.into_iter().filter_map(refusal).collect(),
        _ => Vec::new(),
    };
    if refused.iter().any(|error| says_wrong_server(error)) {
        return Err(CommandError::Unusable(Unusable::Replica));
    }
    if !refused.is_empty() {
        let refused = refused.join("; ");
        return Err(CommandError::Unusable(Unusable::NotPermitted(refused)));
    }
    // With nothing to append.
    let mut call = scripts.append.call(0, 0);
    call.arg(drawn()).arg(0);
    let loaded = scripts.append.run_on(&call, connection);
    answered(limit, loaded).await.map_err(named)?;
    Ok(())
}

/// Checks a live connection, which must be able to subscribe.
pub(super) async fn check_live(
    connection: &mut MultiplexedConnection,
    keys: &Keys,
    limit: Duration,
) -> Result<(), CommandError> {
    let channel = keys.channel(NO_TOPIC);
    let subscribed = connection.subscribe(&channel);
    answered(limit, subscribed).await.map_err(named)?;
    let unsubscribed = connection.unsubscribe(&channel);
    answered(limit, unsubscribed).await.map_err(named)?;
    Ok(())
}

/// Returns the error of a command if it says that the command, key or channel is refused.
fn refusal(error: Value) -> Option<String> {
    let Value::BulkString(error) = error else {
        return None;
    };
    let error = String::from_utf8_lossy(&error).into_owned();
    let is_refusal = REFUSALS.iter().any(|refusal| error.contains(refusal));
    // After the name of the command.
    let (_, text) = error.split_once(": ")?;
    (is_refusal || says_wrong_server(text)).then_some(error)
}

/// Distinguishes a refused command from other errors.
fn named(error: RedisError) -> CommandError {
    if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) {
        let reason = error.detail().unwrap_or("NOPERM").to_owned();
        return CommandError::Unusable(Unusable::NotPermitted(reason));
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_count() {
        for (refused, error) in [
            (
                true,
                "PUBLISH: ERR The user executing the script can't run this command or subcommand",
            ),
            (
                true,
                "XADD: @user_script: 1: The user executing the script can't access at least one of",
            ),
            (
                true,
                "PUBLISH: ERR ACL failure in script: No permissions to access a channel",
            ),
            (true, "XTRIM: Unknown Redis command called from script"),
            (
                true,
                "XADD: READONLY You can't write against a read only replica.",
            ),
            (false, "XINFO: ERR no such key"),
            (
                false,
                "XADD: OOM command not allowed when used memory > 'maxmemory'.",
            ),
            (
                false,
                "XADD: MISCONF Redis is configured to save RDB snapshots",
            ),
        ] {
            let is_refused = refusal(Value::BulkString(error.into())).is_some();
            assert_eq!(is_refused, refused, "{error}");
        }
    }
}
