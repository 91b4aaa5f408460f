//! The options of an engine in Redis.

use std::time::Duration;

use crate::log::redis::script::History;

/// How much is kept in Redis, under which names, and how long an answer may take. All nodes that
/// share topics must have the same options, except for [`answer_within`](Self::answer_within).
///
/// ```no_run
/// use std::time::Duration;
///
/// use sse_hub::Hub;
/// use sse_hub::redis::RedisOptions;
///
/// # async fn connect() -> Result<Hub, Box<dyn std::error::Error>> {
/// let redis = RedisOptions::new()
///     .prefix("shop")
///     .max_events(50_000)
///     .max_age(Duration::from_secs(3600))
///     .connect("redis://127.0.0.1/")
///     .await?;
/// let key = std::env::var("ID_KEY")?.parse()?; // the same on all nodes
/// let (hub, driver) = Hub::builder().engine(redis).id_key(key).build();
/// tokio::spawn(driver);
/// Ok(hub)
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they connect"]
pub struct RedisOptions {
    pub(super) prefix: String,
    pub(super) history: History,
    pub(super) answer_within: Duration,
}

impl RedisOptions {
    /// Creates the defaults.
    pub fn new() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            prefix: "sse".to_owned(),
            history: History {
                max_events: 10_000,
                max_age: 60 * MINUTE,
                forget_after: 24 * 60 * MINUTE,
                key_age: 10 * MINUTE,
            },
            answer_within: Duration::from_secs(3),
        }
    }

    /// Sets what the names of all keys begin with, without braces; by default `sse`. In topics, braces,
    /// percent signs and control characters are escaped as in URLs, such as `%7B`, so no two names are
    /// the same:
    ///
    /// | key | what it is |
    /// |---|---|
    /// | `prefix:{topic}` | the stream of a topic; its channel is the same with the database before it, `0:prefix:{topic}` |
    /// | `prefix:{topic}:key:KEY` | an idempotency key |
    /// | `prefix:{topic}:loss` | the newest mark of a loss, if there is one |
    /// | `prefix:shard` | which of [several servers](crate::redis::RedisEngine::sharded) it is, if it is one |
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Sets how many events of each topic are kept at least; by default 10,000. Redis discards
    /// whole nodes of a stream, so it may keep some hundred more.
    pub fn max_events(mut self, events: usize) -> Self {
        self.history.max_events = events.max(1);
        self
    }

    /// Sets how long events are kept at least, unless they are too many; by default an hour. They
    /// are discarded when a newer event is published, and may be kept for a sixteenth longer.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.history.max_age = age;
        self
    }

    /// Sets after which time without an event a topic is deleted; by default a day, and never less
    /// than two maximal ages. A client that comes back to it then gets a gap, as do those that are
    /// still connected when the next event is published.
    pub fn forget_after(mut self, time: Duration) -> Self {
        self.history.forget_after = time;
        self
    }

    /// Sets how long idempotency keys are remembered; by default ten minutes. Each takes about 150
    /// bytes in Redis meanwhile, and their number is not limited.
    pub fn remember_keys(mut self, age: Duration) -> Self {
        self.history.key_age = age;
        self
    }

    /// Sets how long an answer of Redis may take before publishing or subscribing fails; by default
    /// three seconds.
    pub fn answer_within(mut self, time: Duration) -> Self {
        self.answer_within = time;
        self
    }
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self::new()
    }
}
