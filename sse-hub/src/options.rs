//! The options of a topic: how much it keeps, and its snapshot.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sse_codec::{Encode, Encoder};

use crate::topic::snapshot::{self, StateFn};

/// How much of a topic's history this process keeps: bounded by bytes, by number and by age,
/// whichever is reached first.
///
/// What is kept can be replayed to a client that comes back. It is also how far a connected
/// subscriber may lag behind before it gets a gap.
///
/// The limits are exact for what can be replayed. The memory for it may be larger by one segment
/// (an eighth of the bytes, at least 4 KiB and at most 64 KiB), and by 32 bytes for each event.
///
/// ```
/// use std::time::Duration;
///
/// use sse_hub::Retention;
///
/// let ten_minutes = Retention::new()
///     .max_bytes(1024 * 1024)
///     .max_events(1_000)
///     .max_age(Duration::from_secs(600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a retention does nothing until it is set for a topic"]
pub struct Retention {
    pub(crate) max_bytes: usize,
    pub(crate) max_events: usize,
    max_age: Duration,
}

impl Retention {
    /// The default limit on bytes: 256 KiB.
    pub const DEFAULT_MAX_BYTES: usize = 256 * 1024;

    /// The default limit on the number of events: 4,096.
    pub const DEFAULT_MAX_EVENTS: usize = 4_096;

    /// The default limit on age: five minutes.
    pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(5 * 60);

    /// Creates the defaults.
    pub const fn new() -> Self {
        Self {
            max_bytes: Self::DEFAULT_MAX_BYTES,
            max_events: Self::DEFAULT_MAX_EVENTS,
            max_age: Self::DEFAULT_MAX_AGE,
        }
    }

    /// Sets how many bytes of encoded events are kept, including their ids. This is also the limit
    /// on the length of one event, unless [`Encoder::DEFAULT_MAX_EVENT_LEN`] is less.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how many events are kept, at least one: subscribers that are up to date read the newest
    /// event from there.
    pub const fn max_events(mut self, events: usize) -> Self {
        self.max_events = if events == 0 { 1 } else { events };
        self
    }

    /// Sets how long an event is kept, at least a millisecond: subscribers that are up to date read
    /// the newest event from there. Older events are discarded when the topic is next used or
    /// [swept](crate::Hub::sweep).
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = if age.as_millis() == 0 {
            Duration::from_millis(1)
        } else {
            age
        };
        self
    }

    pub(crate) fn max_age_millis(&self) -> u64 {
        u64::try_from(self.max_age.as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn segment_size(&self) -> usize {
        (self.max_bytes / 8).clamp(4 * 1024, 64 * 1024)
    }

    pub(crate) fn max_event_len(&self) -> usize {
        self.max_bytes.min(Encoder::DEFAULT_MAX_EVENT_LEN)
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self::new()
    }
}

/// The options of a topic: how much history it keeps, and its current state.
///
/// A hub gets the options of a topic by its name when it opens the topic, see
/// [`HubBuilder::topics`](crate::HubBuilder::topics).
#[derive(Clone, Default)]
#[must_use = "options do nothing until they are set for a topic"]
pub struct TopicOptions {
    pub(crate) retention: Retention,
    pub(crate) snapshot: Option<Arc<StateFn>>,
}

impl TopicOptions {
    /// Creates options with the default retention and no snapshot.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how much history is kept.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Sets the function that returns the topic's current state as an event.
    ///
    /// A client that comes without an id, or has a gap, gets this event first and then exactly what
    /// is published after it; so a page that missed too much rebuilds itself. An empty event
    /// (`Event::new()`) means that there is no state yet, and is not sent.
    ///
    /// # Consistency
    ///
    /// The position of the snapshot is taken before the function is called. So:
    ///
    /// * If the state is changed *before* the event about the change is published, nothing is
    ///   missing. An event that is published while the function runs may follow the snapshot
    ///   although the state includes it already. That is enough for events that set something, as
    ///   opposed to events that add something.
    /// * If the state is changed in the closure given to
    ///   [`Hub::publish_with`](crate::Hub::publish_with), the snapshot includes every event before
    ///   its position and none after it: the two exclude each other.
    ///
    /// The function must not block for long, and must not publish to or subscribe to the hub. Its
    /// result is cached until the next event, for thousands of clients that come back at once.
    pub fn snapshot<F, E>(mut self, state: F) -> Self
    where
        F: Fn() -> E + Send + Sync + 'static,
        E: Encode,
    {
        self.snapshot = Some(Arc::new(move || snapshot::encode(&state())));
        self
    }
}

impl fmt::Debug for TopicOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicOptions")
            .field("retention", &self.retention)
            .field("snapshot", &self.snapshot.is_some())
            .finish()
    }
}
