//! What an engine on the network does for a hub.
//!
//! A hub holds a window of each topic that is in use in its process: encoded events in shared
//! memory, which subscribers read as slices. Without an engine, the windows are all there is.
//! With an engine, the engine has the complete log, which several processes share; the windows
//! hold its newest part.

pub(crate) mod answered;
pub(crate) mod backend;
pub(crate) mod catch_up;
mod checks;
pub(crate) mod driver;
pub(crate) mod local;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "redis")]
pub mod redis;
pub(crate) mod retry;
pub(crate) mod sharded;

use std::error::Error;
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use sse_session::BoxError;

use crate::position::Position;

/// Keeps the events of all topics, in order, each at its [`Position`], for several processes.
///
/// The entries are encoded events without an id; the hub adds the id, which is the position.
///
/// # For implementors
///
/// An engine does three things: it [appends](Self::append) entries, [reads](Self::read) what
/// follows a position, and yields the new entries of all opened topics [live](Self::poll_live).
/// Live entries may arrive late, twice or not at all: each names its predecessor, so the hub
/// notices a hole and reads what is missing. Only if the last entries of a topic may be missing,
/// the engine must yield [`Live::Interrupted`].
///
/// # Lost entries
///
/// An engine may lose entries at the end of a topic that it has appended before, for instance when a
/// server without the newest ones takes the place of another one. It must then
///
/// * never give one of the lost positions to another entry,
/// * answer [`Page::Unknown`] to a read of what follows a lost position, and
/// * yield [`Live::Interrupted`] before the first entry that was appended after the loss, and have
///   it ready before it answers an [`append`](Self::append) or [`read`](Self::read) of such an entry.
///
/// The hub finds out what was lost. It knows the positions that it has in memory and, for as many topics
/// as it may have, the newest one that an [`append`](Self::append) was answered with. So it notices a
/// loss as long as any node is left that had one of the lost entries or an answer for one. It then
/// has the loss [marked](Self::mark_loss), for the subscribers of all nodes and those that come back
/// later, and continues with what is left.
///
/// No method may block. The futures may be dropped at any time.
pub trait Engine: fmt::Debug + Send + Sync + 'static {
    /// Opens a topic: from now on, its live entries are wanted.
    ///
    /// The result is a span of the log that ends now: every entry after its `head` is yielded
    /// live, unless the engine yields an interruption after this was called. The head of a topic without entries must be a position too, from which the
    /// first one can be read later, and not [`Position::OLDEST`]: a client that comes back with that
    /// gets a gap.
    ///
    /// A topic may be opened several times, also while it is open. Each success is
    /// [closed](Self::close) once.
    fn open(&self, topic: &str) -> BoxFuture<'static, Result<Span, EngineError>>;

    /// Closes a topic that was opened. When it has been closed as often as it was opened, its live
    /// entries are no longer wanted.
    ///
    /// The hub holds no lock then, and may have opened the topic again in between.
    fn close(&self, topic: &str);

    /// Appends an entry and returns its position, as soon as the entry is as safe as the engine
    /// promises.
    ///
    /// An entry with the same `key` as an earlier one of the topic is not appended, for as long as
    /// the engine remembers keys; the result is the position of the earlier one.
    fn append(
        &self,
        topic: &str,
        entry: &[u8],
        key: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>>;

    /// Appends the event that ends a topic, as [`append`](Self::append) does: an [`Entry::Last`].
    ///
    /// From then on, for as long as the engine keeps that entry, appending and finishing fail with
    /// [`EngineError::Finished`], unless the key is that of an earlier entry. Events that nodes append at the same time
    /// nevertheless, as the engine cannot tell, come after the end: no read returns them, and the hub ignores them when they are
    /// live. Only marks of losses follow the end.
    ///
    /// By default, this is refused: the engine has topics without an end.
    fn finish(
        &self,
        topic: &str,
        entry: &[u8],
        key: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        let _ = (topic, entry, key);
        let reason = "topics cannot be finished in this engine".to_owned();
        Box::pin(std::future::ready(Err(EngineError::Refused(reason))))
    }

    /// Reads the entries after a position, or the oldest part of them if they are many. If a position
    /// is known, those before it in the same topic are known too, or [`Page::Trimmed`].
    ///
    /// [`Position::OLDEST`] reads from the oldest entry that is kept, whatever was trimmed before
    /// it. An entry that the engine has yielded or returned before must not be missing.
    fn read(&self, topic: &str, after: Position) -> BoxFuture<'static, Result<Page, EngineError>>;

    /// Polls for what comes next in any opened topic.
    ///
    /// Only the task that was passed last is woken. The hub's [`Driver`](crate::Driver) polls this.
    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Live>;

    /// Appends the mark of a loss to a topic, so that all that read across it learn of the loss:
    /// entries after `kept`, up to `lost`, are no longer in the log, although they were appended. Returns the
    /// position of the mark that tells of the loss, also of one that was there already; `None` if none is
    /// needed. Where there is nothing to mark, nothing is created.
    ///
    /// `kept` is the newest position that the caller knows and the log still has;
    /// [`Position::OLDEST`] if there is none. Several nodes find the same loss, and each reader should
    /// get one gap, so the mark is not needed and nothing is appended if
    ///
    /// * `kept` is not [`Position::OLDEST`], and a mark follows it;
    /// * a mark has a position after `lost`, or is of a loss up to the same `lost`: whatever precedes
    ///   the loss precedes that mark;
    /// * `kept` is [`Position::OLDEST`], and the log has no position before `lost` from which it could
    ///   be read without a gap (that before its oldest entry is such a position).
    ///
    /// The last two may be decided by what is cheap to find out. A mark too many is a gap too many; a
    /// missing one is a loss that is not reported. Deciding and appending must be one step, as seen
    /// by other nodes. A mark is an entry like others: it is yielded live, read and trimmed.
    fn mark_loss(
        &self,
        topic: &str,
        kept: Position,
        lost: Position,
    ) -> BoxFuture<'static, Result<Option<Position>, EngineError>>;

    /// Whether a topic can be used as far as is known: `false` while the connection is lost.
    fn is_up(&self, topic: &str) -> bool;

    /// Returns the number of a topic's shard, if the engine is made of several that fail
    /// independently; always the same one for a topic. By default, all topics are in shard 0.
    fn shard(&self, topic: &str) -> usize {
        let _ = topic;
        0
    }
}

/// What a log has at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry {
    /// An encoded event, without an id.
    Event(Bytes),
    /// The encoded event that ends the topic, without an id.
    Last(Bytes),
    /// The mark of a loss: events before it were published, and then lost by the engine.
    Loss,
}

/// A span of a topic's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// Nothing is known of what precedes it.
    pub floor: Position,
    /// No entry follows it, and none lies between `floor` and it.
    pub head: Position,
    /// Whether the topic is finished: its last entry is [`Entry::Last`], at `head` or before it.
    pub is_finished: bool,
}

impl Span {
    /// Creates a span that is known to have no entries.
    #[must_use]
    pub const fn new(floor: Position, head: Position) -> Self {
        Self {
            floor,
            head,
            is_finished: false,
        }
    }

    /// Creates the span of no length at the end of a log.
    #[must_use]
    pub const fn at(head: Position) -> Self {
        Self::new(head, head)
    }

    /// Creates the span of no length at the end of the log of a topic that is finished.
    #[must_use]
    pub const fn finished(head: Position) -> Self {
        Self {
            is_finished: true,
            ..Self::at(head)
        }
    }
}

/// What follows a position in a log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Page {
    /// The next entries, oldest first; there may be more after them.
    Entries(Vec<(Position, Entry)>),
    /// The next entries, oldest first, up to the end of the log as it was at some moment after the call;
    /// none if the position was the end.
    Last(Vec<(Position, Entry)>),
    /// The topic is finished, and nothing follows: the position is that of its last event, or a later one.
    Finished,
    /// Entries that followed the position are no longer kept.
    Trimmed,
    /// The position is not known to be one of this log.
    Unknown,
}

impl Page {
    /// Checks an engine's answer: entries that do not follow the position would be read again and
    /// again.
    pub(crate) fn check(self, after: Position) -> Result<Self, EngineError> {
        if let Self::Entries(entries) | Self::Last(entries) = &self {
            let positions = entries.iter().map(|(position, _)| *position);
            let before = std::iter::once(after).chain(positions.clone());
            if before.zip(positions).any(|(before, it)| before >= it) {
                return Err(EngineError::InvalidAnswer(
                    "entries after the position, in their order",
                ));
            }
        }
        match self {
            // It would be read again at once.
            Self::Entries(entries) if entries.is_empty() => Ok(Self::Last(entries)),
            page => Ok(page),
        }
    }
}

/// What an engine yields live.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Live {
    /// An entry was appended.
    Entry(LiveEntry),
    /// Entries of opened topics may have been lost, for instance with a connection. Entries that
    /// are appended from now on arrive again. The hub reads all topics in use, and checks whether the
    /// engine still has what was published here to others.
    Interrupted,
    /// The same, of the topics of one [shard](Engine::shard) alone.
    ShardInterrupted(usize),
}

/// An entry that was appended, by this process or another.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LiveEntry {
    /// The topic.
    pub topic: String,
    /// The position of the entry before it in the same topic.
    pub predecessor: Position,
    /// The position of the entry.
    pub position: Position,
    /// What was appended.
    pub entry: Entry,
}

impl LiveEntry {
    /// Returns the length of the event in bytes; that of a mark is 0.
    pub(crate) fn event_len(&self) -> usize {
        match &self.entry {
            Entry::Event(event) | Entry::Last(event) => event.len(),
            Entry::Loss => 0,
        }
    }

    /// Creates an entry.
    #[must_use]
    pub fn new(
        topic: impl Into<String>,
        predecessor: Position,
        position: Position,
        entry: Entry,
    ) -> Self {
        Self {
            topic: topic.into(),
            predecessor,
            position,
            entry,
        }
    }
}

/// Why an engine did not do what it was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// There is no connection to the engine, or it was lost before the answer.
    Unavailable,
    /// The engine did not answer in time.
    TimedOut {
        /// How long the hub waited.
        limit: Duration,
    },
    /// The event is longer than the engine accepts.
    TooLong {
        /// The length of the encoded event in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The topic is finished, so nothing can be appended.
    Finished,
    /// The engine refused the request, for the reason that it gives.
    Refused(String),
    /// The engine remembers the idempotency key, but has lost its event.
    KeyWithoutEvent,
    /// The engine's answer is not what was expected.
    InvalidAnswer(&'static str),
    /// The topic's history was replaced again and again while it was read.
    HistoryReplaced,
    /// The client of the engine failed.
    Client(BoxError),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable => f.write_str("engine is not connected"),
            Self::TimedOut { limit } => write!(f, "engine did not answer within {limit:?}"),
            Self::TooLong { len, limit } => write!(
                f,
                "event of {len} bytes is longer than the engine's limit of {limit}"
            ),
            Self::Finished => f.write_str("topic is finished"),
            Self::Refused(reason) => write!(f, "engine refused the request: {reason}"),
            Self::KeyWithoutEvent => {
                f.write_str("engine remembers the idempotency key but not its event")
            }
            Self::InvalidAnswer(expected) => {
                write!(f, "engine's answer is invalid, expected {expected}")
            }
            Self::HistoryReplaced => {
                f.write_str("topic's history was replaced repeatedly while it was read")
            }
            Self::Client(_) => f.write_str("request to the engine failed"),
        }
    }
}

impl Error for EngineError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Client(error) => Some(&**error),
            _ => None,
        }
    }
}
