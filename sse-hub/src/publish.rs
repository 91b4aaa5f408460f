//! Publishing one event.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use sse_codec::{Encode, Encoder};

use crate::entry::{self, EventError};
use crate::hub::Core;
use crate::log::{Answer, LogError};
use crate::metrics::{Happening, tell};
use crate::position::Position;
use crate::registry::TopicRef;
use crate::topic::idempotency::MAX_KEY_LEN;

/// What most events fit into.
const EXPECTED_LEN: usize = 256;

/// Why an event was not published.
#[derive(Debug)]
#[non_exhaustive]
pub enum PublishError {
    /// There is something wrong with the event itself.
    Event(EventError),
    /// The hub shuts down.
    Closed,
    /// The log has not taken it.
    Log(LogError),
    /// The idempotency key is empty or too long.
    Key {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The log must be waited for, and the caller cannot wait.
    WouldWait,
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(_) => f.write_str("event cannot be published"),
            Self::Closed => f.write_str("hub shuts down"),
            Self::Log(_) => f.write_str("the log has not taken the event"),
            Self::Key { len, limit } => write!(
                f,
                "idempotency key of {len} bytes is not between 1 and {limit} bytes long"
            ),
            Self::WouldWait => f.write_str("the log must be waited for"),
        }
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Event(error) => Some(error),
            Self::Log(error) => Some(error),
            Self::Closed | Self::Key { .. } | Self::WouldWait => None,
        }
    }
}

/// The future of [`Hub::publish`](crate::Hub::publish): the event's position when it is
/// published.
///
/// When it has completed, polling it again does nothing: it stays pending.
#[must_use = "nothing is published until the future is polled"]
pub struct Publish<'a> {
    core: &'a Core,
    topic: &'a str,
    key: Option<&'a str>,
    stage: Stage,
}

enum Stage {
    Encoded(Result<Vec<u8>, EventError>),
    Appending(Answer<Position>),
    /// It has completed, and does nothing more.
    Done,
}

impl<'a> Publish<'a> {
    pub(crate) fn new(core: &'a Core, topic: &'a str, event: &(impl Encode + ?Sized)) -> Self {
        // Outside of any lock: serializing may take its time, and is code of the user's.
        let mut entry = Vec::with_capacity(EXPECTED_LEN);
        let encoded = entry::encode(event, Encoder::DEFAULT_MAX_EVENT_LEN, &mut entry);
        Self {
            core,
            topic,
            key: None,
            stage: Stage::Encoded(encoded.map(|()| entry)),
        }
    }

    /// Gives the event an idempotency key of 1 to 128 bytes: an event whose key was published to
    /// the same topic before is not published again, and the position is that of the first one.
    /// So publishing can be tried again when its outcome is not known.
    ///
    /// How long a key is remembered is the log's business. The embedded one remembers the last
    /// 1,024 of each topic, for two minutes, in at most about 300 KB; without keys it costs
    /// nothing. For an engine see its options.
    ///
    /// ```
    /// use sse_hub::Hub;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hub = Hub::new();
    /// let first = hub.publish("orders", "paid").key("order-17").await?;
    /// // Once more, as the answer got lost on the way.
    /// let second = hub.publish("orders", "paid").key("order-17").await?;
    /// assert_eq!(first, second);
    /// # Ok(())
    /// # }
    /// ```
    pub const fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    fn append(
        core: &Core,
        topic: &str,
        key: Option<&str>,
        encoded: Result<Vec<u8>, EventError>,
    ) -> Result<Answer<Position>, PublishError> {
        let entry = encoded.map_err(PublishError::Event)?;
        if let Some(key) = key
            && !(1..=MAX_KEY_LEN).contains(&key.len())
        {
            return Err(PublishError::Key {
                len: key.len(),
                limit: MAX_KEY_LEN,
            });
        }
        if core.closing().is_some() {
            return Err(PublishError::Closed);
        }
        let registry = core.registry();
        Ok(registry
            .log()
            .append(TopicRef::new(registry, topic), &entry, key))
    }

    fn done(result: Result<Position, LogError>) -> Result<Position, PublishError> {
        let position = result.map_err(|error| match error {
            LogError::Closed => PublishError::Closed,
            error => PublishError::Log(error),
        })?;
        tell(Happening::Published);
        Ok(position)
    }

    /// Publishes without waiting, as [`Hub::publish_now`](crate::Hub::publish_now) does.
    ///
    /// # Errors
    ///
    /// Those of that. If the future was polled before, it is [`PublishError::WouldWait`].
    pub fn now(self) -> Result<Position, PublishError> {
        let answer = match self.stage {
            Stage::Encoded(encoded) => Self::append(self.core, self.topic, self.key, encoded)?,
            Stage::Appending(answer) => answer,
            Stage::Done => return Err(PublishError::WouldWait),
        };
        Self::done(answer.now().ok_or(PublishError::WouldWait)?)
    }
}

impl Future for Publish<'_> {
    type Output = Result<Position, PublishError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut answer = match std::mem::replace(&mut this.stage, Stage::Done) {
            Stage::Encoded(encoded) => Self::append(this.core, this.topic, this.key, encoded)?,
            Stage::Appending(answer) => answer,
            Stage::Done => return Poll::Pending,
        };
        match Pin::new(&mut answer).poll(cx) {
            Poll::Ready(result) => Poll::Ready(Self::done(result)),
            Poll::Pending => {
                this.stage = Stage::Appending(answer);
                Poll::Pending
            }
        }
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
