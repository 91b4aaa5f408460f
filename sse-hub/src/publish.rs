//! Publishing one event.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use sse_codec::{Encode, Encoder};

use crate::entry::{self, EventError};
use crate::hub::Core;
use crate::log::{Answer, LogError};
use crate::metrics::{Happening, tell};
use crate::position::Position;
use crate::registry::TopicRef;

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
    /// The log must be waited for, and the caller cannot wait.
    WouldWait,
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event(_) => "event cannot be published",
            Self::Closed => "hub shuts down",
            Self::Log(_) => "the log has not taken the event",
            Self::WouldWait => "the log must be waited for",
        })
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Event(error) => Some(error),
            Self::Log(error) => Some(error),
            Self::Closed | Self::WouldWait => None,
        }
    }
}

/// The future of [`Hub::publish`](crate::Hub::publish): the event's position when it is
/// published.
#[must_use = "nothing is published until the future is polled"]
pub struct Publish<'a> {
    core: &'a Core,
    topic: &'a str,
    stage: Stage,
}

enum Stage {
    Encoded(Result<Vec<u8>, EventError>),
    Appending(Answer<Position>),
}

impl<'a> Publish<'a> {
    pub(crate) fn new(core: &'a Core, topic: &'a str, event: &(impl Encode + ?Sized)) -> Self {
        // Outside of any lock: serializing may take its time, and is code of the user's.
        let mut entry = Vec::with_capacity(EXPECTED_LEN);
        let encoded = entry::encode(event, Encoder::DEFAULT_MAX_EVENT_LEN, &mut entry);
        Self {
            core,
            topic,
            stage: Stage::Encoded(encoded.map(|()| entry)),
        }
    }

    fn append(
        core: &Core,
        topic: &str,
        encoded: Result<Vec<u8>, EventError>,
    ) -> Result<Answer<Position>, PublishError> {
        let entry = encoded.map_err(PublishError::Event)?;
        if core.closing().is_some() {
            return Err(PublishError::Closed);
        }
        let registry = core.registry();
        Ok(registry
            .log()
            .append(TopicRef::new(registry, topic), &entry, None))
    }

    fn done(result: Result<Position, LogError>) -> Result<Position, PublishError> {
        let position = result.map_err(|error| match error {
            LogError::Closed => PublishError::Closed,
            error => PublishError::Log(error),
        })?;
        tell(Happening::Published);
        Ok(position)
    }

    pub(crate) fn now(self) -> Result<Position, PublishError> {
        let answer = match self.stage {
            Stage::Encoded(encoded) => Self::append(self.core, self.topic, encoded)?,
            Stage::Appending(answer) => answer,
        };
        Self::done(answer.now().ok_or(PublishError::WouldWait)?)
    }
}

impl Future for Publish<'_> {
    type Output = Result<Position, PublishError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Stage::Encoded(encoded) = &mut this.stage {
            let encoded = std::mem::replace(encoded, Ok(Vec::new()));
            this.stage = Stage::Appending(Self::append(this.core, this.topic, encoded)?);
        }
        let Stage::Appending(answer) = &mut this.stage else {
            return Poll::Pending;
        };
        Poll::Ready(Self::done(ready!(Pin::new(answer).poll(cx))))
    }
}

impl fmt::Debug for Publish<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}
