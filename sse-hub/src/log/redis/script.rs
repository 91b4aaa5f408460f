//! The scripts that run in Redis, where they are atomic.

use std::time::Duration;

use redis::{Cmd, ErrorKind, ServerErrorKind, Value};

use crate::log::redis::commands::Commands;
use crate::log::redis::error::CommandError;

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

/// The predecessor of the first entry of a stream.
pub(super) const NONE: &str = "0-0";

/// Returns the last id that a stream has given, if it has no entries left; `false` if there is no
/// such stream.
const LAST_ID: &str = "
local function last_id(stream)
    if redis.call('EXISTS', stream) == 0 then return false end
    local info = redis.call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do
        if info[i] == 'last-generated-id' then return info[i + 1] end
    end
    return false
end
";

/// Returns the id of a new entry: the time, and a number. The number is what was drawn for the call, and
/// four digits to count the entries of one call by. While the time is not later than that of the entry
/// before, its time is kept, and what was drawn is added to its number. So ids grow even if the clock
/// does not, and two histories of a stream share no id: be it wiped, restored, or continued by a replica that
/// lacks its end, with whatever clock.
const NEXT_ID: &str = "
local function next_id(previous, drawn)
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local before, number = string.match(previous, '(%d+)-(%d+)')
    before = tonumber(before)
    if now <= before then
        local sum = drawn + (tonumber(string.sub(number, 1, -5)) or 0)
        if sum <= 1844674407370954 then
            now, drawn = before, sum
        else
            now = before + 1
        end
    end
    return string.format('%.0f-%.0f0000', now, drawn), now, before
end
";

/// Draws what the ids of a call begin with.
pub(super) fn drawn() -> u64 {
    // Two to the 64th have room for some thousand of them, and numbers in Lua are exact.
    fastrand::u64(1..1 << 40)
}

/// Appends an entry and publishes it to all nodes; the answer is its id. With a second key, the
/// answer is the id of the entry that was appended with that key before, if there is one.
///
/// Old entries are discarded a few times in each maximal age rather than each time, and the expiry
/// of the whole stream is extended as often.
pub(super) fn append(history: &History, database: i64) -> Script {
    let max_age = millis(history.max_age);
    Script::new(&format!(
        "{LAST_ID}{NEXT_ID}
local stream, key = KEYS[1], KEYS[2]
if key then
    local known = redis.call('GET', key)
    if known then return known end
end
local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local previous = last and last[1] or last_id(stream) or '{NONE}'
local id, now, before = next_id(previous, ARGV[2])
redis.call('XADD', stream, 'MAXLEN', '~', {max_events}, id, 'p', previous, 'e', ARGV[1])
if math.floor(now / {interval}) ~= math.floor(before / {interval}) then
    redis.call('XTRIM', stream, 'MINID', '~', string.format('%.0f', math.max(now - {max_age}, 0)))
    redis.call('PEXPIRE', stream, {forget_after})
end
if key then redis.call('SET', key, id, 'PX', {key_age}) end
redis.call('PUBLISH', '{database}:' .. stream, id .. ' ' .. previous .. ' ' .. ARGV[1])
return id",
        max_events = history.max_events,
        interval = (max_age / 16).max(1),
        forget_after = millis(history.forget_after.max(history.max_age * 2)),
        key_age = millis(history.key_age),
    ))
}

/// Returns the last id of a stream, which is created if it does not exist.
pub(super) fn open(history: &History) -> Script {
    Script::new(&format!(
        "{LAST_ID}{NEXT_ID}
local stream = KEYS[1]
local id = last_id(stream)
if not id then
    id = next_id('{NONE}', ARGV[1])
    redis.call('XADD', stream, 'MAXLEN', 0, id, 'p', '{NONE}')
    redis.call('PEXPIRE', stream, {forget_after})
end
return id",
        forget_after = millis(history.forget_after.max(history.max_age * 2)),
    ))
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
    script: redis::Script,
    /// The command that loads it.
    load: Cmd,
}

impl Script {
    fn new(code: &str) -> Self {
        let mut load = redis::cmd("SCRIPT");
        load.arg("LOAD").arg(code);
        Self {
            script: redis::Script::new(code),
            load,
        }
    }

    /// Returns the beginning of a call, to which keys and arguments of about so many bytes are added.
    pub(super) fn call(&self, keys: usize, expected_len: usize) -> Cmd {
        const OVERHEAD: usize = "EVALSHA".len() + 40 + 1;
        let mut call = Cmd::with_capacity(3 + keys + 1, OVERHEAD + expected_len);
        call.arg("EVALSHA").arg(self.script.get_hash()).arg(keys);
        call
    }

    /// Makes a call. If the server does not know the script, it is loaded first.
    pub(super) async fn run(&self, call: &Cmd, commands: &Commands) -> Result<Value, CommandError> {
        match commands.send(call).await {
            Err(CommandError::Redis(error))
                if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                commands.send(&self.load).await?;
                commands.send(call).await
            }
            answer => answer,
        }
    }
}
