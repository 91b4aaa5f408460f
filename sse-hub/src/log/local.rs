//! The log that is this process: the topics' windows are all there is.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use crate::id;
use crate::log::{Answer, Live, Log, LogError, Page, Span};
use crate::position::Position;
use crate::registry::TopicRef;
use crate::topic::cursor::Appended;

/// How many positions are kept of topics that are gone. Topics share them by their names' hash,
/// so a client that comes back to one may be told of a gap because of another; never the reverse.
const FORGOTTEN: usize = 1024;

/// The log of a hub without an engine: events live in this process and end with it.
///
/// All topics draw their positions from one counter. So a topic that has disappeared and comes
/// into being again goes on with greater positions, and a client that comes back to it with an
/// old id resumes exactly if nothing was published meanwhile.
#[derive(Debug)]
pub(crate) struct Embedded {
    /// Tells this run's positions from those of others: 40 random bits, for short ids.
    epoch: u64,
    last: AtomicU64,
    forgotten: Box<[AtomicU64]>,
}

impl Embedded {
    pub(crate) fn new() -> Self {
        Self {
            // The standard library's own source of randomness, seeded by the system.
            epoch: RandomState::new().hash_one(0) >> 24,
            last: AtomicU64::new(0),
            forgotten: (0..FORGOTTEN).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    const fn at(&self, number: u64) -> Position {
        Position::new(self.epoch, number)
    }

    fn is_mine(&self, position: Position) -> bool {
        position.major() == self.epoch && position.minor() <= self.last.load(Ordering::Acquire)
    }

    fn forgotten(&self, topic: &str) -> &AtomicU64 {
        &self.forgotten[id::tag(topic) as usize % FORGOTTEN]
    }
}

impl Log for Embedded {
    fn open(&self, topic: &str) -> Answer<Span> {
        Answer::ready(Ok(Span {
            floor: self.at(self.forgotten(topic).load(Ordering::Acquire)),
            head: self.at(self.last.load(Ordering::Acquire)),
        }))
    }

    fn close(&self, topic: &str, last: Position) {
        self.forgotten(topic)
            .fetch_max(last.minor(), Ordering::AcqRel);
    }

    fn head(&self) -> Option<Position> {
        Some(self.at(self.last.load(Ordering::Acquire)))
    }

    fn knows(&self, _: &str, position: Position) -> Option<bool> {
        Some(self.is_mine(position))
    }

    fn append(&self, place: TopicRef<'_>, entry: &[u8], key: Option<&str>) -> Answer<Position> {
        loop {
            let topic = match place.window() {
                Ok(topic) => topic,
                Err(error) => return Answer::ready(Err(error)),
            };
            let limit = topic.max_event_len();
            if entry.len() > limit {
                return Answer::ready(Err(LogError::TooLong {
                    len: entry.len(),
                    limit,
                }));
            }
            // Drawn under the topic's lock, so that positions grow in the order of the log.
            let next = || {
                let number = || self.last.fetch_add(1, Ordering::AcqRel) + 1;
                (!place.is_closing()).then(|| self.at(number()))
            };
            match topic.append(next, entry, key) {
                Appended::At(position) => return Answer::ready(Ok(position)),
                Appended::NoPosition => return Answer::ready(Err(LogError::Closed)),
                Appended::Gone => {}
            }
            // It has disappeared between the two: the next one is another.
        }
    }

    fn read(&self, topic: &str, after: Position) -> Answer<Page> {
        // Asked only for what the window does not hold.
        let gone = after < self.at(self.forgotten(topic).load(Ordering::Acquire));
        Answer::ready(Ok(if gone || !self.is_mine(after) {
            Page::Unknown
        } else {
            Page::Trimmed
        }))
    }

    fn poll_live(&self, _: &mut Context<'_>) -> Poll<Option<Live>> {
        Poll::Ready(None)
    }
}
