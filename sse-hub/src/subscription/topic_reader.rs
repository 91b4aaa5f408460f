//! One topic of a subscription: where that is, and what comes next from there.

use std::future;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::log::retry;
use crate::log::{Log, LogError, Page};
use crate::metrics::{Happening, tell};
use crate::position::Position;
use crate::topic::Topic;
use crate::topic::cursor::Cursor;

/// One topic of a subscription.
pub(crate) struct Feed {
    pub(crate) topic: Arc<Topic>,
    pub(crate) cursor: Cursor,
    pub(crate) phase: Phase,
    /// Whether what follows the cursor was held here once: then only slowness loses it.
    pub(crate) was_held: bool,
}

pub(crate) enum Phase {
    /// What follows the cursor comes next.
    Live,
    /// The topic's state comes first.
    Snapshot,
    /// What follows the cursor must be read from the log behind the window.
    Reading(BoxFuture<'static, Answer>),
}

/// What the log has behind the window, and where that began when the log was asked.
pub(crate) type Answer = (Result<Page, LogError>, Position);

impl Feed {
    pub(crate) const fn new(topic: Arc<Topic>, cursor: Cursor, is_held: bool) -> Self {
        Self {
            topic,
            cursor,
            phase: Phase::Live,
            was_held: is_held,
        }
    }

    pub(crate) const fn after(&self) -> Position {
        self.cursor.after
    }

    pub(crate) fn skip_to_head(&mut self, head: Option<Position>) -> u64 {
        tell(Happening::Gap);
        self.was_held = true;
        self.topic.skip_to_head(&mut self.cursor, head)
    }

    pub(crate) fn want_snapshot(&mut self) {
        if self.topic.snapshots.exist() {
            self.phase = Phase::Snapshot;
        }
    }

    /// What an id says of this topic: nothing before the snapshot, so that a client that comes
    /// back without it gets it.
    pub(crate) fn place(&self) -> Option<(u32, Position)> {
        let has_begun = !matches!(self.phase, Phase::Snapshot);
        has_begun.then_some((self.topic.tag(), self.cursor.after))
    }

    /// Asks the log for what follows the cursor. `None` if that takes time, and is then what comes
    /// next.
    pub(crate) fn read_behind(&mut self, log: &Arc<dyn Log>) -> Option<Answer> {
        let floor = self.topic.is_asked_for(&mut self.cursor);
        let (topic, after) = (self.topic.name(), self.cursor.after);
        let first = match log.read(topic, after).now_or_later() {
            Ok(Err(LogError::Engine(error))) => {
                Box::pin(future::ready(Err(LogError::Engine(error))))
            }
            Ok(page) => return Some((page, floor)),
            Err(later) => later,
        };
        let page = retry::read(Arc::clone(log), Arc::clone(topic), after, first);
        self.phase = Phase::Reading(Box::pin(async move { (page.await, floor) }));
        None
    }
}
