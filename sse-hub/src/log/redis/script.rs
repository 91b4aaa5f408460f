//! The scripts that run in Redis, where they are atomic.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};

/// How much is kept in Redis.
#[derive(Clone, Copy, Debug)]
pub(super) struct History {
    pub(super) max_events: usize,
    pub(super) max_age: Duration,
    pub(super) forget_after: Duration,
    pub(super) key_age: Duration,
}

/// The field of an entry that holds its predecessor's id.
pub(super) const PREDECESSOR: &[u8] = b"p";

/// The field that holds the event.
pub(super) const EVENT: &[u8] = b"e";

/// The field of an entry without an event that marks a loss; it holds the newest lost id.
pub(super) const LOST: &[u8] = b"l";

/// The field of the entry that ends the topic, and of a mark that follows it.
pub(super) const FINISHED: &[u8] = b"f";

/// What comes before the id of the entry that ends a topic, and before the last id of a topic that is finished.
pub(super) const END: &[u8] = b"+";

/// What the error is that says that a topic is finished.
pub(super) const IS_FINISHED: &[u8] = b"-FINISHED";

/// Draws what the ids of a call begin with.
pub(super) fn drawn() -> u64 {
    // Two to the 64th have room for some thousand of them with four more digits, and numbers in Lua are
    // exact.
    fastrand::u64(1..1 << 40)
}

/// All scripts of an engine.
pub(super) struct Scripts {
    pub(super) append: Script,
    pub(super) open: Script,
    pub(super) mark_loss: Script,
    pub(super) check: Script,
}

impl Scripts {
    pub(super) fn new(history: &History, database: i64) -> Self {
        let max_age = millis(history.max_age);
        let options = format!(
            "local max_events, interval, max_age = '{}', {}, {max_age}
local forget_after, key_age, database = '{}', '{}', '{database}'
",
            history.max_events,
            (max_age / 16).max(1),
            millis(history.forget_after.max(history.max_age * 2)),
            millis(history.key_age),
        );
        let script = |code| Script::new(&[&options, include_str!("lua/ids.lua"), code].concat());
        Self {
            append: script(include_str!("lua/append.lua")),
            open: script(include_str!("lua/open.lua")),
            mark_loss: script(include_str!("lua/mark_loss.lua")),
            check: script(include_str!("lua/check.lua")),
        }
    }
}

/// Converts to a number that Redis and Lua can represent, at least one.
fn millis(duration: Duration) -> u64 {
    // A hundred thousand years.
    const MOST: u64 = 1 << 51;
    u64::try_from(duration.as_millis())
        .unwrap_or(MOST)
        .clamp(1, MOST)
}

/// A script, which is sent to Redis once and then called by its hash.
pub(super) struct Script {
    code: String,
    hash: String,
}

/// A call of a script: its keys and arguments.
pub(super) struct Call {
    by_hash: Cmd,
}

impl Call {
    /// Returns the call by the hash of the script.
    pub(super) fn by_hash(&self) -> &Cmd {
        &self.by_hash
    }

    pub(super) fn arg(&mut self, arg: impl redis::ToRedisArgs) -> &mut Self {
        self.by_hash.arg(arg);
        self
    }
}

impl Script {
    fn new(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            hash: redis::Script::new(code).get_hash().to_owned(),
        }
    }

    /// Returns the beginning of a call, to which keys and arguments of about so many bytes are added.
    pub(super) fn call(&self, keys: usize, expected_len: usize) -> Call {
        const OVERHEAD: usize = "EVALSHA".len() + 40 + 1;
        let mut by_hash = Cmd::with_capacity(8 + 2 * keys, OVERHEAD + expected_len);
        by_hash.arg("EVALSHA").arg(&self.hash).arg(keys);
        Call { by_hash }
    }

    /// Makes a call on a connection. If the server does not know the script, it is sent with the call, so
    /// that it cannot be forgotten in between.
    pub(super) async fn run_on(
        &self,
        call: &Call,
        connection: &mut MultiplexedConnection,
    ) -> Result<Value, RedisError> {
        let answer = connection.send_packed_command(&call.by_hash).await;
        match answer.and_then(Value::extract_error) {
            Err(error) if is_unknown(&error) => {
                let call = self.with_code(call);
                let answer = connection.send_packed_command(&call).await;
                answer.and_then(Value::extract_error)
            }
            answer => answer,
        }
    }

    /// Returns the same call with the code of the script instead of its hash.
    pub(super) fn with_code(&self, call: &Call) -> Cmd {
        let mut by_code = Cmd::new();
        by_code.arg("EVAL").arg(&self.code);
        for arg in call.by_hash.args_iter().skip(2) {
            if let redis::Arg::Simple(arg) = arg {
                by_code.arg(arg);
            }
        }
        by_code
    }
}

/// Whether the server does not know the script.
pub(super) fn is_unknown(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_with_the_code_has_the_same_keys_and_arguments() {
        let script = Script::new("return 1");
        let mut call = script.call(2, 0);
        call.arg("first").arg("second").arg(&b"\0\r\n"[..]).arg(7);
        let expected = "*7\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n2\r\n$5\r\nfirst\r\n$6\r\nsecond\r\n\
                        $3\r\n\0\r\n\r\n$1\r\n7\r\n";
        assert_eq!(
            script.with_code(&call).get_packed_command(),
            expected.as_bytes()
        );
    }
}
