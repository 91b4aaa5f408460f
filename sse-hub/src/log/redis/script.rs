//! The scripts that run in Redis, where nothing comes between their steps.

use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};

use crate::log::redis::commands::Commands;

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

/// The id of an entry that has none before it in its stream.
pub(super) const NONE: &str = "0-0";

/// The last id that a stream has given, for when it has no entry any more; `false` if there is no
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

/// The id of a new entry: the time, and a number that begins with what was drawn when the stream was
/// made. So no stream has an id that another one of its name has given, be it wiped and made anew
/// within the same millisecond, or by a server whose clock is behind. Ids grow although the clock
/// may not.
const NEXT_ID: &str = "
local function next_id(previous, drawn)
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local before, number = string.match(previous, '(%d+)-(%d+)')
    before, number = tonumber(before), tonumber(number)
    if before == 0 then
        number = drawn * 65536
    elseif now > before then
        number = number - number % 65536
    else
        now, number = before, number + 1
    end
    return string.format('%.0f-%.0f', now, number), now, before
end
";

/// What a stream's ids begin with, if it is made.
pub(super) fn drawn() -> u32 {
    // In Lua, and as an id, it is to stay a short number.
    fastrand::u32(1..1 << 24)
}

/// Appends an entry and tells all nodes; the answer is its id. With a second key, an entry that
/// came with that before is found instead.
///
/// What is too old is let go of a few times in each maximal age rather than each time, and the
/// expiry of the whole stream is put off as often.
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

/// The last id of a stream, which is made if it is not there.
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

/// As Redis and Lua can count them, at least one.
fn millis(duration: Duration) -> u64 {
    // A hundred thousand years.
    const MOST: u64 = 1 << 51;
    u64::try_from(duration.as_millis())
        .unwrap_or(MOST)
        .clamp(1, MOST)
}

/// A script, which Redis is given once and then only told the hash of.
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

    /// The beginning of a call: keys and arguments are to be added, of about so many bytes.
    pub(super) fn call(&self, keys: usize, expected_len: usize) -> Cmd {
        const OVERHEAD: usize = "EVALSHA".len() + 40 + 1;
        let mut call = Cmd::with_capacity(3 + keys + 1, OVERHEAD + expected_len);
        call.arg("EVALSHA").arg(self.script.get_hash()).arg(keys);
        call
    }

    /// Makes a call. A server that does not know the script yet, or no more, is given it.
    pub(super) async fn run(&self, call: &Cmd, commands: &Commands) -> Result<Value, RedisError> {
        match commands.send(call).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                commands.send(&self.load).await?;
                commands.send(call).await
            }
            answer => answer,
        }
    }
}
