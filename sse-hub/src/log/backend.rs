//! Where the log of a hub's topics is: in this process alone, or in an engine.
//!
//! This is the one place that tells the two apart.

use std::sync::Arc;

use crate::log::Engine;
use crate::log::local::LocalLog;
use crate::position::Position;
use crate::topic::cursor::Start;

#[derive(Debug)]
pub(crate) enum Backend {
    Local(LocalLog),
    Engine(Arc<dyn Engine>),
}

impl Backend {
    /// Whether the log of a topic works as far as is known.
    pub(crate) fn is_up(&self, topic: &str) -> bool {
        match self {
            Self::Local(_) => true,
            Self::Engine(engine) => engine.is_up(topic),
        }
    }

    /// Notes that a topic is evicted whose window had the entries after `floor`. This is called under
    /// the lock of the registry, so that a topic of this name is not added before.
    pub(crate) fn note_evicted(&self, topic: &str, floor: Position) {
        if let Self::Local(log) = self {
            log.evict(topic, floor);
        }
    }

    /// Closes a topic that was evicted. This is not called under a lock, and the topic may have been
    /// opened again by then: openings and closings are counted.
    pub(crate) fn close(&self, topic: &str) {
        if let Self::Engine(engine) = self {
            engine.close(topic);
        }
    }

    /// Returns a position that no entry follows, if one is known that is newer than the newest
    /// entry of a topic.
    pub(crate) fn head(&self) -> Option<Position> {
        match self {
            Self::Local(log) => Some(log.head()),
            Self::Engine(_) => None,
        }
    }

    /// Returns where a subscription starts that wants the oldest entry first.
    pub(crate) fn oldest(&self) -> Start {
        match self {
            Self::Local(_) => Start::Oldest,
            Self::Engine(_) => Start::Checked(Position::OLDEST),
        }
    }

    /// Returns where a subscription starts that resumes after a position; `None` if the position
    /// is not one of this log.
    pub(crate) fn resume(&self, position: Position) -> Option<Start> {
        match self {
            Self::Local(log) => log.has_given(position).then_some(Start::After(position)),
            // From the oldest one on, an engine gives what is left, whatever was before.
            Self::Engine(_) => (position != Position::OLDEST).then_some(Start::Checked(position)),
        }
    }
}
