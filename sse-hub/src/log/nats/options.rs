//! The options of an engine in NATS.

use std::time::Duration;

use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Republish, RetentionPolicy, StorageType,
};

use crate::log::nats::subject::Subjects;

/// How much is kept in NATS, under which names, and how long an answer may take.
///
/// The first node creates the stream. How much an existing stream keeps is not changed: use the
/// tools of NATS for that.
///
/// ```no_run
/// use std::time::Duration;
///
/// use sse_hub::Hub;
/// use sse_hub::nats::NatsOptions;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let nats = NatsOptions::new()
///     .max_events(1_000)
///     .max_age(Duration::from_secs(3_600))
///     .connect("nats://127.0.0.1:4222")
///     .await?;
/// let key = std::env::var("ID_KEY")?.parse()?; // the same on all nodes
/// let (hub, driver) = Hub::builder().engine(nats).id_key(key).build();
/// tokio::spawn(driver);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they connect"]
pub struct NatsOptions {
    pub(super) stream: String,
    pub(super) prefix: String,
    max_events: u32,
    max_age: Duration,
    max_bytes: u64,
    remember_keys: Duration,
    replicas: u8,
    pub(super) answer_within: Duration,
    pub(super) check_every: Option<Duration>,
    pub(super) ping_every: Duration,
    pub(super) live_capacity: usize,
    pub(super) max_in_flight: usize,
}

impl NatsOptions {
    /// The default limit on the number of a topic's events: 4,096.
    pub const DEFAULT_MAX_EVENTS: u32 = 4_096;

    /// The default limit on age: a day.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

    /// The default limit on the bytes of all topics together: 1 GiB.
    pub const DEFAULT_MAX_BYTES: u64 = 1024 * 1024 * 1024;

    /// The default time for which idempotency keys are remembered: two minutes.
    pub const DEFAULT_REMEMBER_KEYS: Duration = Duration::from_secs(2 * 60);

    /// The default limit on how long an answer may take: five seconds.
    pub const DEFAULT_ANSWER_WITHIN: Duration = Duration::from_secs(5);

    /// The default time between two checks of all topics, with a server that is one of a cluster:
    /// thirty seconds.
    pub const DEFAULT_CHECK_EVERY: Duration = Duration::from_secs(30);

    /// The default limit on publishes that wait for an answer: 16,384.
    pub const DEFAULT_MAX_IN_FLIGHT: usize = 16_384;

    /// Creates the defaults.
    pub fn new() -> Self {
        Self {
            stream: "SSE".to_owned(),
            prefix: "sse".to_owned(),
            max_events: Self::DEFAULT_MAX_EVENTS,
            max_age: Self::DEFAULT_MAX_AGE,
            max_bytes: Self::DEFAULT_MAX_BYTES,
            remember_keys: Self::DEFAULT_REMEMBER_KEYS,
            replicas: 1,
            answer_within: Self::DEFAULT_ANSWER_WITHIN,
            check_every: None,
            ping_every: Duration::from_secs(5),
            live_capacity: 4_096,
            max_in_flight: Self::DEFAULT_MAX_IN_FLIGHT,
        }
    }

    /// Sets the name of the JetStream stream; by default `SSE`. Hubs with the same stream and
    /// [prefix](Self::subject_prefix) share their topics.
    pub fn stream(mut self, name: &str) -> Self {
        name.clone_into(&mut self.stream);
        self
    }

    /// Sets what the subjects begin with; by default `sse`. A topic's events are stored as
    /// `sse.log.<topic>` and republished as `sse.live.<topic>`. Characters that a subject cannot
    /// have are encoded as `%` and two hexadecimal digits.
    pub fn subject_prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Sets how many events of a topic are kept, at least one; by default 4,096.
    pub fn max_events(mut self, events: u32) -> Self {
        self.max_events = if events == 0 { 1 } else { events };
        self
    }

    /// Sets how long an event is kept, at least a second; by default a day.
    ///
    /// A client that comes back with an older id may get a gap although nothing was published
    /// meanwhile, if the node has not had the topic in use: that is not known then.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age.max(Duration::from_secs(1));
        self
    }

    /// Sets how many bytes the stream keeps, of all topics together; by default 1 GiB. The oldest
    /// events of all are discarded first.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how long [idempotency keys](crate::Publish::key) are remembered; by default two
    /// minutes, and at most as long as events are kept. After a restart, the server only remembers
    /// those of events that it still has.
    pub fn remember_keys(mut self, time: Duration) -> Self {
        self.remember_keys = time;
        self
    }

    /// Sets how many servers of a cluster have the stream; by default 1. With more, an event is
    /// published when most of them have it, and is read from their leader.
    pub fn replicas(mut self, replicas: u8) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets how long an answer may take before publishing or reading fails; by default five
    /// seconds.
    pub fn answer_within(mut self, time: Duration) -> Self {
        self.answer_within = time;
        self
    }

    /// Sets how often all topics in use are read although nothing seems to be missing; by default
    /// every thirty seconds if the server is one of a cluster, and otherwise never. Between the
    /// servers of a cluster, live messages can be lost without a sign; with one server they cannot.
    pub fn check_every(mut self, time: Duration) -> Self {
        self.check_every = Some(time);
        self
    }

    /// Sets how long the connection may be quiet before the client sends a ping; by default five
    /// seconds. After three pings without an answer, it makes a new connection.
    pub fn ping_every(mut self, time: Duration) -> Self {
        self.ping_every = time;
        self
    }

    /// Sets how many live messages of a topic may wait for the [`Driver`](crate::Driver); by
    /// default 4,096. Further ones are dropped, and read from the stream later. A page that is read
    /// from the stream has fewer events than that.
    pub fn live_capacity(mut self, messages: usize) -> Self {
        self.live_capacity = if messages == 0 { 1 } else { messages };
        self
    }

    /// Sets how many publishes may wait for an answer; by default 16,384. Further ones fail
    /// immediately.
    pub fn max_in_flight(mut self, publishes: usize) -> Self {
        self.max_in_flight = publishes;
        self
    }

    /// Returns the configuration with which the stream is created.
    pub(super) fn stream_config(&self, subjects: &Subjects) -> Config {
        Config {
            name: self.stream.clone(),
            description: Some("topics of sse-hub".to_owned()),
            subjects: vec![subjects.all_logs()],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            storage: StorageType::File,
            num_replicas: self.replicas.into(),
            max_messages: -1,
            max_messages_per_subject: self.max_events.into(),
            max_age: self.max_age,
            max_bytes: i64::try_from(self.max_bytes).unwrap_or(i64::MAX),
            duplicate_window: self.remember_keys.min(self.max_age),
            allow_direct: true,
            // The oldest events must be discarded first, or holes could not be detected.
            deny_delete: true,
            deny_purge: true,
            republish: Some(Republish {
                source: subjects.all_logs(),
                destination: subjects.all_live(),
                headers_only: false,
            }),
            ..Config::default()
        }
    }
}

impl Default for NatsOptions {
    fn default() -> Self {
        Self::new()
    }
}
