//! One topic of a subscription: where its reader is, and what comes next from there.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::core::Core;
use crate::gap::GapReason;
use crate::log::answered::Answered;
use crate::log::backend::Backend;
use crate::log::{Engine, Page, retry};
use crate::metrics::{Metric, record};
use crate::position::Position;
use crate::topic::Topic;
use crate::topic::cursor::Cursor;
use crate::topic::reading::LogReadFrom;

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

    pub(crate) fn after(&self) -> Position {
        self.cursor.after
    }

    /// Whether what follows the cursor is being read from the engine.
    pub(crate) fn is_reading(&self) -> bool {
        matches!(self.phase, Phase::Reading(_))
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
    pub(crate) fn id_position(&self) -> Option<(u32, Position)> {
        (!self.wants_snapshot()).then_some((self.topic.tag(), self.cursor.after))
    }

    /// Moves the cursor back, with a gap, to before what the engine has lost; `false` if its position was not lost as
    /// far as is known here.
    pub(crate) fn set_back(&mut self) -> bool {
        let is_back = self.topic.set_back(&mut self.cursor);
        if is_back {
            record(Metric::Gap);
        }
        is_back
    }

    /// Reads what follows the cursor from the log. `None` if that takes time; the phase is
    /// [`Phase::Reading`] then.
    pub(crate) fn read_log(&mut self, core: &Arc<Core>) -> Option<LogRead> {
        let topic = Arc::clone(&self.topic);
        let after = self.cursor.after;
        match core.registry().backend() {
            Backend::Local(log) => {
                Some((log.missing(topic.name(), after), topic.begin_log_read(0)))
            }
            Backend::Engine(engine) => {
                let (engine, core) = (Arc::clone(engine), Arc::clone(core));
                self.phase = Phase::Reading(Box::pin(async move {
                    let read = read_engine(engine, &topic, after, core.registry().answered());
                    core.before_deadline(read).await
                }));
                None
            }
        }
    }
}

/// Reads what follows a position from an engine. If that is beyond the window, which has not got it yet, the window is
/// brought up to date first: a reader never is where the window was not, or a loss that the window has not seen would
/// be the reader's own.
async fn read_engine(
    engine: Arc<dyn Engine>,
    topic: &Topic,
    after: Position,
    answered: &Answered,
) -> LogRead {
    let is_ahead = after > topic.head();
    if is_ahead {
        retry::catch_up(&*engine, topic, answered).await;
    }
    let from = topic.begin_log_read(answered.interruptions());
    if is_ahead && topic.has(after) {
        return (Page::Last(Vec::new()), from);
    }
    let page = retry::read(engine, Arc::clone(topic.name()), after).await;
    (page, from)
}

/// Returns the reason for a gap, if the log does not have what follows a position.
pub(crate) fn gap_reason(page: &Page) -> Option<GapReason> {
    match page {
        Page::Entries(_) | Page::Last(_) => None,
        Page::Trimmed => Some(GapReason::Trimmed),
        Page::Unknown => Some(GapReason::Unknown),
    }
}
