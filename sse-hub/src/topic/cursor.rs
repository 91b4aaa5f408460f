//! Positions of subscriptions in a topic, and what is found there.

use crate::position::Position;
use crate::topic::waiting::{WaitSlot, Wakers};

/// One subscription's position in a topic.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// Everything up to here was taken, or skipped by a gap.
    pub(crate) after: Position,
    /// The generation of the window in which the position was last known to be one of its history.
    pub(crate) generation: u32,
    /// Whether it is known how many of the events that the window ever had it has taken or skipped.
    pub(crate) is_counted: bool,
    /// Whether everything was taken of a topic that was finished, whatever has become of it since. The generation
    /// is not the present one then, so that this is only looked at if it is not.
    pub(crate) is_at_end: bool,
    /// The key among the topic's readers.
    pub(crate) key: usize,
    pub(crate) slot: WaitSlot,
}

/// Where a subscription starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the next event.
    Now,
    /// With the oldest event that the window has.
    Oldest,
    /// With the event after this position, which is one of this history.
    After(Position),
    /// With the event after this position, which may be one of another history.
    Checked(Position),
}

/// What a reader finds after its position.
#[derive(Debug)]
pub(crate) enum WindowRead<T> {
    Piece(T),
    UpToDate,
    /// The mark of a loss, at this position.
    Mark(Position),
    /// The window no longer has all that followed the position.
    Trimmed,
}

impl<T> WindowRead<T> {
    #[inline]
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> WindowRead<U> {
        match self {
            Self::Piece(piece) => WindowRead::Piece(map(piece)),
            Self::UpToDate => WindowRead::UpToDate,
            Self::Mark(position) => WindowRead::Mark(position),
            Self::Trimmed => WindowRead::Trimmed,
        }
    }
}

/// What comes next for a subscription.
#[derive(Debug)]
pub(crate) enum Next<T> {
    /// What was taken, and how many events that are.
    Events(T, u64),
    /// Nothing yet; the task is woken when there is something.
    UpToDate,
    /// The mark of a loss, at this position; the cursor is still before it.
    Mark(Position),
    /// Events that the window does not have, or no longer has.
    Trimmed,
    /// The window was restarted, or the position is not known to be one of its history.
    Restarted,
    /// Nothing more: the topic is finished.
    Finished,
}

impl<T> Next<T> {
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> Next<U> {
        match self {
            Self::Events(taken, events) => Next::Events(map(taken), events),
            Self::UpToDate => Next::UpToDate,
            Self::Mark(position) => Next::Mark(position),
            Self::Trimmed => Next::Trimmed,
            Self::Restarted => Next::Restarted,
            Self::Finished => Next::Finished,
        }
    }
}

/// Where the oldest event is that a reader can still get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oldest {
    /// In the window; the cursor is before it now.
    InWindow,
    /// In the log; the cursor is where it was.
    InLog,
}

/// What became of an event that was appended.
#[derive(Debug)]
#[must_use]
pub(crate) enum Appended {
    /// It is at this position. The tasks are yet to be woken.
    At(Position, Wakers),
    /// It was given no position.
    NoPosition,
    /// The topic is finished.
    Finished,
    /// The topic was evicted.
    Evicted,
}

/// What became of an entry of an engine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Insertion {
    Appended,
    /// The window has had it already.
    Duplicate,
    /// Entries between the head and this one are missing.
    Hole,
}
