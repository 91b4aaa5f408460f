//! One topic of a subscription: where its reader is, and what comes next from there.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::core::Core;
use crate::id::IdPosition;
use crate::log::backend::Backend;
use crate::log::{Page, retry};
use crate::metrics::{Metric, record};
use crate::position::Position;
use crate::topic::Topic;
use crate::topic::cursor::Cursor;
use crate::topic::reading::LogReadFrom;

/// Why a client cannot resume, in the hub's log alone.
pub(crate) const UNKNOWN_ID: &str = "the id says no position that was given here";
pub(crate) const NOT_KEPT: &str = "what followed the position is not kept";

pub(crate) struct TopicReader {
    pub(crate) topic: Arc<Topic>,
    pub(crate) cursor: Cursor,
    pub(crate) phase: Phase,
    /// Whether the window once had what follows the cursor: from then on, a gap is the reader's
    /// own slowness.
    pub(crate) was_in_window: bool,
}

pub(crate) enum Phase {
    /// What follows the cursor comes next.
    Live,
    /// A gap comes next: the client has come with an id that says nothing about the topic.
    Unknown,
    /// The topic's state comes next.
    Snapshot,
    /// What follows the cursor is being read from the engine. `None` at the deadline of a shutdown.
    Reading(BoxFuture<'static, Option<LogRead>>),
}

/// What the log has after the cursor, and what the window was when the log was asked.
pub(crate) type LogRead = (Page, LogReadFrom);

impl TopicReader {
    pub(crate) fn new(topic: Arc<Topic>, cursor: Cursor, is_in_window: bool) -> Self {
        Self {
            topic,
            cursor,
            phase: Phase::Live,
            was_in_window: is_in_window,
        }
    }

    /// Whether what follows the cursor is being read from the engine.
    pub(crate) fn is_reading(&self) -> bool {
        matches!(self.phase, Phase::Reading(_))
    }

    /// Logs why a client cannot resume, which it does not learn.
    pub(crate) fn log_gap(&self, cause: &str) {
        tracing::debug!(topic = &**self.topic.name(), cause, "client cannot resume");
    }

    /// Skips what is missing. Returns how many events that are, as far as they came through here.
    pub(crate) fn skip_to_head(&mut self, head: Option<Position>) -> u64 {
        record(Metric::Gap);
        self.was_in_window = true;
        self.topic.skip_to_head(&mut self.cursor, head)
    }

    /// Skips the mark of a loss.
    pub(crate) fn skip_mark(&mut self, position: Position) {
        record(Metric::Gap);
        self.topic.skip_mark(&mut self.cursor, position);
    }

    /// Continues with the topic's state, if it has one.
    pub(crate) fn want_snapshot(&mut self) {
        if self.topic.snapshots.exist() {
            self.phase = Phase::Snapshot;
        }
    }

    pub(crate) fn wants_snapshot(&self) -> bool {
        matches!(self.phase, Phase::Snapshot)
    }

    /// Returns what an id has of this topic: nothing before the snapshot, so that a client that
    /// comes back without the snapshot gets it.
    pub(crate) fn id_position(&self) -> Option<(u32, IdPosition)> {
        let after = self.cursor.after;
        let position = match self.phase {
            Phase::Snapshot => return None,
            Phase::Unknown => IdPosition::Unknown(after),
            Phase::Live | Phase::Reading(_) => IdPosition::At(after),
        };
        Some((self.topic.tag(), position))
    }

    /// Reads what follows the cursor from the log. `None` if that takes time; the phase is
    /// [`Phase::Reading`] then.
    pub(crate) fn read_log(&mut self, core: &Arc<Core>) -> Option<LogRead> {
        let answered = core.registry().answered();
        let from = self.topic.begin_log_read(answered.interruptions());
        let (topic, after) = (self.topic.name(), self.cursor.after);
        match core.registry().backend() {
            Backend::Local(log) => Some((log.missing(topic, after), from)),
            Backend::Engine(engine) => {
                let page = retry::read(Arc::clone(engine), Arc::clone(topic), after);
                let core = Arc::clone(core);
                self.phase = Phase::Reading(Box::pin(async move {
                    let page = core.before_deadline(page).await?;
                    Some((page, from))
                }));
                None
            }
        }
    }
}

/// Returns why the log does not have what follows a position, for the hub's log. A client does not learn
/// it, so that it cannot distinguish an id that it has made up from one that is too old.
pub(crate) fn gap_cause(page: &Page) -> Option<&'static str> {
    match page {
        Page::Entries(_) | Page::Last(_) => None,
        Page::Trimmed => Some(NOT_KEPT),
        Page::Unknown => Some("the engine does not know the position"),
    }
}
