//! Publishing one event.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use http::StatusCode;
use sse_codec::{Encode, Encoder};
use sse_session::Refusal;

use crate::core::Core;
use crate::entry::{self, EventError};
use crate::group::{self, Place};
use crate::log::EngineError;
use crate::log::backend::Backend;
use crate::log::local::LocalLog;
use crate::metrics::{Metric, record};
use crate::position::Position;
use crate::retry_after;
use crate::sync::reach;
use crate::topic::Topic;
use crate::topic::cursor::Appended;
use crate::topic::idempotency::MAX_KEY_LEN;
use crate::topic::waiting::Wakers;
use crate::topic_name::{TopicError, check_name};

/// A capacity that is enough for most events.
const EXPECTED_LEN: usize = 256;

/// Why an event was not published.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// The event is invalid.
    Event(EventError),
    /// The idempotency key is empty or too long.
    Key {
        /// The length of the key in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The topic cannot be used.
    Topic(TopicError),
    /// The event is longer than the topic's history, or than the engine accepts.
    TooLong {
        /// The length of the encoded event in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The topic is [finished](crate::Hub::finish).
    Finished,
    /// The hub has shut down, or its [`Driver`](crate::Driver) was dropped.
    Shutdown,
    /// The engine failed. The event may be published nevertheless.
    Engine(EngineError),
    /// Publishing requires waiting, and the caller cannot wait.
    WouldWait,
}

impl Refusal for PublishError {
    /// Returns 400 (Bad Request) if the event, the key or the topic is not one that can be published, 409
    /// (Conflict) if the topic is finished, 413 (Content Too Large) if the event is too long, 503 (Service Unavailable) if
    /// the same request may succeed later, and 500 (Internal Server Error) if the application cannot publish so.
    fn status(&self) -> StatusCode {
        match self {
            Self::Event(_)
            | Self::Key { .. }
            | Self::Topic(
                TopicError::EmptyName
                | TopicError::NameTooLong { .. }
                | TopicError::Reserved
                | TopicError::LineBreak
                | TopicError::WholeGroup,
            ) => StatusCode::BAD_REQUEST,
            Self::Finished => StatusCode::CONFLICT,
            Self::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Topic(TopicError::TooManyTopics { .. }) | Self::Shutdown | Self::Engine(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Topic(TopicError::InGroup | TopicError::SnapshotOfGroup) | Self::WouldWait => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// Returns a number from 3 to 10, drawn each time, if the same request may succeed later. After an error of the
    /// engine, the event may be published already: with a key, the request can be repeated.
    fn retry_after_secs(&self) -> Option<u64> {
        retry_after::secs(self.status())
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(_) => f.write_str("event cannot be published"),
            Self::Key { len, limit } => write!(
                f,
                "idempotency key of {len} bytes is not between 1 and {limit} bytes long"
            ),
            Self::Topic(_) => f.write_str("topic cannot be published to"),
            Self::TooLong { len, limit } => {
                write!(
                    f,
                    "event of {len} bytes is longer than the limit of {limit}"
                )
            }
            Self::Finished => f.write_str("topic is finished"),
            Self::Shutdown => f.write_str("hub has shut down"),
            Self::Engine(_) => f.write_str("engine failed to append the event"),
            Self::WouldWait => f.write_str("publishing requires waiting for the engine"),
        }
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Event(error) => Some(error),
            Self::Topic(error) => Some(error),
            Self::Engine(error) => Some(error),
            Self::Key { .. }
            | Self::TooLong { .. }
            | Self::Finished
            | Self::Shutdown
            | Self::WouldWait => None,
        }
    }
}

impl From<EventError> for PublishError {
    fn from(error: EventError) -> Self {
        Self::Event(error)
    }
}

impl From<TopicError> for PublishError {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}

impl From<EngineError> for PublishError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::TooLong { len, limit } => Self::TooLong { len, limit },
            EngineError::Finished => Self::Finished,
            error => Self::Engine(error),
        }
    }
}

/// The future of [`Hub::publish`](crate::Hub::publish) and [`Hub::finish`](crate::Hub::finish), which returns the event's position.
///
/// Polled after it has completed, it does nothing and stays pending.
#[must_use = "nothing is published until the future is polled"]
pub struct Publish<'a> {
    core: &'a Core,
    /// Of a topic in a group, that of the group.
    topic: &'a str,
    /// What comes before an idempotency key: in a group, the rest of the topic's name.
    key_prefix: Option<&'a str>,
    key: Option<Cow<'a, str>>,
    /// Whether the event ends the topic.
    is_last: bool,
    state: State,
}

enum State {
    Encoded(Result<Vec<u8>, PublishError>),
    /// An engine is appending. The number is that of the interruptions before.
    Appending(Appending, u64),
    /// The future has completed.
    Done,
}

/// An event that was appended, of which no subscriber knows yet.
#[must_use = "subscribers sleep until it is announced"]
pub(crate) struct Unannounced {
    topic: Arc<Topic>,
    position: Position,
    wakers: Wakers,
}

impl Unannounced {
    /// Wakes the subscribers that wait. That runs code of the caller's, so no lock may be held.
    pub(crate) fn announce(self) -> Position {
        // First, as a recorder that panics must not keep them asleep.
        self.topic.wake(self.wakers);
        record(Metric::Published);
        self.position
    }
}

type Appending = BoxFuture<'static, Result<Position, EngineError>>;

impl<'a> Publish<'a> {
    pub(crate) fn new(core: &'a Core, topic: &'a str, event: &(impl Encode + ?Sized)) -> Self {
        // Outside of any lock: encoding is the user's code, and may take long.
        let mut entry = Vec::with_capacity(EXPECTED_LEN);
        let encoded = entry::encode(event, Encoder::DEFAULT_MAX_EVENT_LEN, &mut entry);
        let mut publish = Self {
            core,
            topic,
            key_prefix: None,
            key: None,
            is_last: false,
            state: State::Done,
        };
        let encoded = encoded.map_err(PublishError::from);
        publish.state = State::Encoded(encoded.and_then(|()| publish.group(entry)));
        publish
    }

    /// Changes what is published to a topic of a group into what is published to the group's log.
    fn group(&mut self, entry: Vec<u8>) -> Result<Vec<u8>, PublishError> {
        match self.core.registry().groups().place(self.topic) {
            Place::Alone => Ok(entry),
            Place::Whole => Err(TopicError::WholeGroup.into()),
            Place::InGroup { log, prefix_len } => {
                group::check_member(self.topic)?;
                let entry = group::entry(self.topic, &entry);
                self.key_prefix = self.topic.get(prefix_len..);
                self.topic = log;
                Ok(entry)
            }
        }
    }

    /// Has the event end the topic.
    pub(crate) fn last(mut self) -> Self {
        self.is_last = true;
        if self.key_prefix.is_some() {
            self.state = State::Encoded(Err(TopicError::InGroup.into()));
        }
        self
    }

    /// Gives the event an idempotency key of 1 to 128 bytes: if an event with the same key was
    /// published to the topic before, this one is not, and the position is that of the first one.
    /// So publishing can be retried when its outcome is not known.
    ///
    /// Without an engine, each topic remembers its last 1,024 keys, for two minutes, in at most
    /// about 300 KB; a topic without keys needs no memory for them. For an engine, see its options.
    ///
    /// ```
    /// use sse_hub::Hub;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hub = Hub::new();
    /// let first = hub.publish("orders", "paid").key("order-17").await?;
    /// // Again, as if the answer had been lost on the way.
    /// let second = hub.publish("orders", "paid").key("order-17").await?;
    /// assert_eq!(first, second);
    /// # Ok(())
    /// # }
    /// ```
    pub fn key(mut self, key: &'a str) -> Self {
        self.key = Some(match self.key_prefix {
            // Names in groups have no line break. An empty key is refused.
            Some(prefix) if !key.is_empty() => format!("{prefix}\n{key}").into(),
            _ => key.into(),
        });
        self
    }

    /// Publishes without waiting, as [`Hub::publish_now`](crate::Hub::publish_now) does.
    ///
    /// # Errors
    ///
    /// As [`Hub::publish_now`](crate::Hub::publish_now), and [`PublishError::WouldWait`] if the
    /// future was polled before.
    pub fn now(self) -> Result<Position, PublishError> {
        self.append_now().map(Unannounced::announce)
    }

    /// As [`now`](Self::now), without waking the subscribers yet.
    pub(crate) fn append_now(mut self) -> Result<Unannounced, PublishError> {
        let State::Encoded(encoded) = std::mem::replace(&mut self.state, State::Done) else {
            return Err(PublishError::WouldWait);
        };
        let entry = self.check(encoded)?;
        match self.core.registry().backend() {
            Backend::Local(log) => self.append(log, &entry),
            Backend::Engine(_) => Err(PublishError::WouldWait),
        }
    }

    /// Checks what can be checked before the topic is opened.
    fn check(&self, encoded: Result<Vec<u8>, PublishError>) -> Result<Vec<u8>, PublishError> {
        let entry = encoded?;
        if let Some(key) = &self.key
            && !(1..=MAX_KEY_LEN).contains(&key.len())
        {
            return Err(PublishError::Key {
                len: key.len(),
                limit: MAX_KEY_LEN,
            });
        }
        check_name(self.topic)?;
        if self.core.shutdown().is_some() {
            return Err(PublishError::Shutdown);
        }
        Ok(entry)
    }

    /// Opens the topic and appends the entry.
    fn append(&self, log: &LocalLog, entry: &[u8]) -> Result<Unannounced, PublishError> {
        let registry = self.core.registry();
        loop {
            let (topic, _) = registry.open(self.topic, || log.span(self.topic))?;
            let limit = topic.max_event_len();
            if entry.len() > limit {
                return Err(PublishError::TooLong {
                    len: entry.len(),
                    limit,
                });
            }
            // Under the topic's lock, a subscription cannot end for the shutdown just before an
            // event that is still appended.
            let next = || self.core.shutdown().is_none().then(|| log.next());
            match topic.append(next, entry, self.key.as_deref(), self.is_last) {
                Appended::At(position, wakers) => {
                    return Ok(Unannounced {
                        topic,
                        position,
                        wakers,
                    });
                }
                Appended::NoPosition => return Err(PublishError::Shutdown),
                Appended::Finished => return Err(PublishError::Finished),
                // Between the two. Another one is added in its place.
                Appended::Evicted => reach("evicted before the event was appended"),
            }
        }
    }
}

impl Future for Publish<'_> {
    type Output = Result<Position, PublishError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let answered = this.core.registry().answered();
        let (mut appending, interruptions) = match std::mem::replace(&mut this.state, State::Done) {
            State::Encoded(encoded) => {
                let entry = this.check(encoded)?;
                match this.core.registry().backend() {
                    Backend::Local(log) => {
                        let appended = this.append(log, &entry);
                        return Poll::Ready(appended.map(Unannounced::announce));
                    }
                    Backend::Engine(engine) => {
                        let interruptions = answered.interruptions();
                        let appending = if this.is_last {
                            engine.finish(this.topic, &entry, this.key.as_deref())
                        } else {
                            engine.append(this.topic, &entry, this.key.as_deref())
                        };
                        (appending, interruptions)
                    }
                }
            }
            State::Appending(appending, interruptions) => (appending, interruptions),
            State::Done => return Poll::Pending,
        };
        let Poll::Ready(result) = appending.as_mut().poll(cx) else {
            this.state = State::Appending(appending, interruptions);
            return Poll::Pending;
        };
        let position = result?;
        if answered.note(this.topic, position, interruptions) {
            this.core.wake_driver();
        }
        record(Metric::Published);
        this.core.note_answer();
        Poll::Ready(Ok(position))
    }
}

impl fmt::Debug for Publish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("topic", &self.topic)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
