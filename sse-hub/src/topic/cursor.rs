//! Places in a topic, and what is found there.

use crate::position::Position;
use crate::topic::Place;

/// One subscription's place in a topic.
#[derive(Debug)]
pub(crate) struct Cursor {
    /// All up to here was taken, or skipped by a gap.
    pub(crate) after: Position,
    /// The window's when its position was last known to be one of that history.
    pub(crate) generation: u32,
    /// Its place among the topic's readers.
    pub(crate) key: usize,
    pub(crate) place: Place,
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the next event.
    Now,
    /// With the oldest event that is held.
    Oldest,
    /// With the event after this position, which is one of this history.
    After(Position),
    /// With the event after this position, which may be of another history.
    Checked(Position),
}

/// What a subscription finds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// This many events.
    Events(u64),
    /// Nothing new; it is told when there is.
    Nothing,
    /// Not all that follows is held here.
    Behind,
    /// What was held here was given up, or the position is not known to be one of this history.
    Restarted,
}

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Appended {
    At(Position),
    /// It was given no position.
    NoPosition,
    /// The topic has left the registry.
    Gone,
}

/// What became of a live entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Insertion {
    Appended,
    /// It was there already.
    Known,
    /// Entries between the head and this one are missing.
    Hole,
}
