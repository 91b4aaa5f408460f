//! The log of a hub without an engine: the topics' windows are all there is.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::log::{Page, Span};
use crate::position::Position;

/// How many positions of evicted topics are remembered. Topics share them by the hash of their
/// names, so a client that resumes one may get a gap because of another; never the reverse.
const EVICTED: usize = 1024;

/// Gives out positions, and remembers how far the topics that were evicted had come.
///
/// All topics draw their positions from one counter. So a topic that was evicted and is opened
/// again continues with greater positions, and a client that comes back to it with an old id
/// resumes exactly if nothing was published in between.
#[derive(Debug)]
pub(crate) struct LocalLog {
    /// Tells the positions of this run from those of others: 40 random bits, for short ids.
    epoch: u64,
    last: AtomicU64,
    /// Hashes the names of topics: nobody can search for one that shares the position of another.
    hasher: RandomState,
    evicted: Box<[AtomicU64]>,
}

impl LocalLog {
    pub(crate) fn new() -> Self {
        Self {
            // The standard library's source of randomness, seeded by the system.
            epoch: RandomState::new().hash_one(0) >> 24,
            last: AtomicU64::new(0),
            hasher: RandomState::new(),
            evicted: (0..EVICTED).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Draws the next position. Called under the lock of a topic, so that positions grow in the
    /// order of its log.
    pub(crate) fn next(&self) -> Position {
        self.at(self.last.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// Returns the position that was drawn last, by any topic.
    pub(crate) fn head(&self) -> Position {
        self.at(self.last.load(Ordering::Acquire))
    }

    /// Whether this log has given out the position.
    pub(crate) fn has_given(&self, position: Position) -> bool {
        position.major() == self.epoch && position.minor() <= self.last.load(Ordering::Acquire)
    }

    /// Returns the span that a topic begins with: from where its last window ended.
    pub(crate) fn span(&self, topic: &str) -> Span {
        Span::new(self.floor(topic), self.head())
    }

    /// Notes that a topic is evicted whose window had the entries after `floor`.
    pub(crate) fn evict(&self, topic: &str, floor: Position) {
        self.evicted(topic)
            .fetch_max(floor.minor(), Ordering::AcqRel);
    }

    /// Returns why the window does not have what follows a position.
    pub(crate) fn missing(&self, topic: &str, after: Position) -> Page {
        if after < self.floor(topic) || !self.has_given(after) {
            Page::Unknown
        } else {
            Page::Trimmed
        }
    }

    fn floor(&self, topic: &str) -> Position {
        self.at(self.evicted(topic).load(Ordering::Acquire))
    }

    fn at(&self, number: u64) -> Position {
        Position::new(self.epoch, number)
    }

    fn evicted(&self, topic: &str) -> &AtomicU64 {
        &self.evicted[self.hasher.hash_one(topic) as usize % EVICTED]
    }
}
