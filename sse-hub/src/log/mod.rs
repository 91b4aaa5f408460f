//! Where a topic's events are kept in truth, behind one interface.
//!
//! A hub always holds a window of each topic that is in use in this process: encoded events in
//! shared memory, which subscribers read as slices. The log is what stands behind the windows.
//! With the embedded one the windows are all there is. An engine on the network is the truth for
//! several processes; the windows then hold the newest stretch of it, fed by its live entries.

pub(crate) mod driver;
pub(crate) mod local;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "redis")]
pub mod redis;
pub(crate) mod retry;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use sse_session::BoxError;

use crate::position::Position;
use crate::registry::{TopicError, TopicRef};

/// What keeps the events of all topics, in order, each at its [`Position`].
///
/// The entries are events encoded without an id, which is added when the position is known.
///
/// # For implementors
///
/// Methods are called with locks held and must not block: what takes time belongs into
/// [`Answer::later`]. An engine does three things: it [appends](Self::append) entries, it
/// [reads](Self::read) what follows a position, and it yields the entries of all opened topics
/// [live](Self::poll_live). Live entries may come late, twice or not at all: each names its
/// predecessor, so the hub notices a hole and reads what is missing. Only when the last ones of a
/// topic may be missing, the log must [say so](Live::Interrupted).
pub trait Log: fmt::Debug + Send + Sync + 'static {
    /// A topic comes into use in this process: from now on its live entries are wanted.
    ///
    /// The answer is the stretch of the log that ends now: everything that comes after its `head`
    /// must be yielded as a live entry or be there to be read.
    ///
    /// A topic may be opened several times, also while it is in use; each answer that is not an
    /// error is [closed](Self::close) once.
    fn open(&self, topic: &str) -> Answer<Span>;

    /// What was opened has gone out of use. With the last of them nobody subscribes to the topic
    /// any more, and this process holds nothing of it; `last` is the position up to which
    /// something may have been held.
    fn close(&self, topic: &str, last: Position);

    /// The newest position that can be told without asking anyone, if the log has one that is
    /// better than that of the newest entry.
    fn head(&self) -> Option<Position> {
        None
    }

    /// Whether `position`, which a client came back with, can have been given out by this log, if
    /// that can be told without asking anyone. A position that cannot is told as a gap. If it
    /// cannot be told, what follows the position is [read](Self::read), unless an entry with it is
    /// held here.
    fn knows(&self, topic: &str, position: Position) -> Option<bool>;

    /// The position from which [`read`](Self::read) gives the oldest entries that there are,
    /// whatever was trimmed before them. `None` if nothing is kept beyond the hub's windows.
    fn oldest(&self) -> Option<Position> {
        None
    }

    /// Whether the log works as far as is known: `false` while it has lost its engine.
    fn is_up(&self) -> bool {
        true
    }

    /// Appends an entry. The answer comes when the entry is safe, as far as the log promises
    /// that, and holds its position.
    ///
    /// An entry with the `key` of one that was appended to the topic before is not appended again,
    /// for as long as the log remembers keys; the answer is the position of the first one.
    fn append(&self, topic: TopicRef<'_>, entry: &[u8], key: Option<&str>) -> Answer<Position>;

    /// The entries after a position that the topic's window does not reach back to; a part of
    /// them from the oldest on if they are many. What this log has told of before, live or in an
    /// answer, must not be missing.
    fn read(&self, topic: &str, after: Position) -> Answer<Page>;

    /// What comes next of any opened topic. `None` says that nothing comes this way, now or ever.
    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Option<Live>>;
}

/// A stretch of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Nothing is known of what lies before it.
    pub floor: Position,
    /// Nothing lies after it, and nothing between `floor` and it.
    pub head: Position,
}

/// What follows a position in a log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Page {
    /// The next entries, oldest first; none if the position is the log's end.
    Entries(Vec<(Position, Bytes)>),
    /// Entries that followed the position are there no more.
    Trimmed,
    /// Nothing is known of the position.
    Unknown,
}

/// What a log tells by itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Live {
    /// An entry was appended.
    Entry(LiveEntry),
    /// Entries of opened topics may not have come and not come any more, as after a lost
    /// connection. What is appended from now on comes again. The hub reads all topics in use.
    Interrupted,
}

/// An entry that was appended, by this process or another.
#[derive(Clone, Debug)]
pub struct LiveEntry {
    /// Its topic.
    pub topic: String,
    /// The position of the entry before it in the same topic.
    pub predecessor: Position,
    /// Its own position.
    pub position: Position,
    /// The event, encoded without an id.
    pub event: Bytes,
}

/// An answer that is there at once or later: a future that needs no allocation in the first case.
pub struct Answer<T>(Stage<T>);

type Later<T> = BoxFuture<'static, Result<T, LogError>>;

enum Stage<T> {
    Ready(Result<T, LogError>),
    Later(Later<T>),
    Taken,
}

impl<T> Answer<T> {
    /// The answer, there at once.
    pub const fn ready(answer: Result<T, LogError>) -> Self {
        Self(Stage::Ready(answer))
    }

    /// The answer that `later` will have.
    pub fn later(later: impl Future<Output = Result<T, LogError>> + Send + 'static) -> Self {
        Self(Stage::Later(Box::pin(later)))
    }

    /// The answer if it is there at once, else the future of it.
    pub(crate) fn now_or_later(self) -> Result<Result<T, LogError>, Later<T>>
    where
        T: Send + 'static,
    {
        match self.0 {
            Stage::Ready(answer) => Ok(answer),
            Stage::Later(later) => Err(later),
            Stage::Taken => Err(Box::pin(std::future::pending())),
        }
    }

    /// The answer if it is there at once; else it is given up.
    pub(crate) fn now(self) -> Option<Result<T, LogError>> {
        match self.0 {
            Stage::Ready(answer) => Some(answer),
            Stage::Later(_) | Stage::Taken => None,
        }
    }
}

impl<T: Unpin> Future for Answer<T> {
    type Output = Result<T, LogError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stage = &mut self.get_mut().0;
        if let Stage::Later(later) = stage {
            return later.as_mut().poll(cx);
        }
        match std::mem::replace(stage, Stage::Taken) {
            Stage::Ready(answer) => Poll::Ready(answer),
            Stage::Later(_) | Stage::Taken => Poll::Pending,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer::")?;
        match &self.0 {
            Stage::Ready(answer) => f.debug_tuple("ready").field(answer).finish(),
            Stage::Later(_) => f.write_str("later"),
            Stage::Taken => f.write_str("taken"),
        }
    }
}

/// Why a log has not done what it was asked to.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// The topic cannot be opened in this process.
    Topic(TopicError),
    /// The event is longer than the topic's history may be.
    TooLong {
        /// The length of the encoded event in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The hub shuts down.
    Closed,
    /// The engine behind the log has failed, or did not answer in time.
    Engine(BoxError),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(_) => f.write_str("topic cannot be opened"),
            Self::TooLong { len, limit } => write!(
                f,
                "event of {len} bytes is longer than the topic's history of {limit}"
            ),
            Self::Closed => f.write_str("hub shuts down"),
            Self::Engine(_) => f.write_str("the engine behind the log has failed"),
        }
    }
}

impl Error for LogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Topic(error) => Some(error),
            Self::TooLong { .. } | Self::Closed => None,
            Self::Engine(error) => Some(&**error),
        }
    }
}

impl From<TopicError> for LogError {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}
