//! One topic of a subscription: where its reader is, and what comes next from there.

use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::core::Core;
use crate::id::IdPosition;
use crate::log::answered::Answered;
use crate::log::backend::Backend;
use crate::log::{Engine, Entry, Page, retry};
use crate::metrics::{Metric, record};
use crate::position::Position;
use crate::topic::Topic;
use crate::topic::cursor::{Cursor, Oldest};
use crate::topic::meeting::LogReadFrom;

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
    /// Whether the window is to be brought up to date before the log is read: the two have contradicted each other.
    pub(crate) is_window_old: bool,
    /// Whether a client that comes back too late goes on with the oldest event that is kept.
    pub(crate) wants_oldest: bool,
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
    /// Nothing more comes: the topic is finished.
    Finished,
}

/// What was read from the log.
pub(crate) struct LogRead {
    pub(crate) page: Page,
    /// What the window was when the log was asked.
    pub(crate) from: LogReadFrom,
    /// Whether the page begins with the oldest entry that is kept, rather than after the cursor.
    pub(crate) is_oldest: bool,
    /// Whether the window was brought up to date before.
    pub(crate) is_window_new: bool,
}

impl TopicReader {
    pub(crate) fn new(topic: Arc<Topic>, cursor: Cursor, is_in_window: bool) -> Self {
        Self {
            topic,
            cursor,
            phase: Phase::Live,
            was_in_window: is_in_window,
            is_window_old: false,
            wants_oldest: false,
        }
    }

    /// Whether a client that cannot resume goes on with the oldest event that is kept, before which its cursor is then.
    /// In a topic that goes on, it gets what comes next otherwise, but one that is finished has nothing else.
    pub(crate) fn begins_with_oldest(&mut self) -> bool {
        let begins =
            (self.wants_oldest || self.topic.is_finished()) && !self.topic.snapshots.exist();
        if begins {
            self.topic.move_to_beginning(&mut self.cursor);
        }
        begins
    }

    /// Whether what follows the cursor is being read from the engine.
    pub(crate) fn is_reading(&self) -> bool {
        matches!(self.phase, Phase::Reading(_))
    }

    /// Logs why a client cannot resume, which it does not learn.
    pub(crate) fn log_gap(&self, cause: &str) {
        tracing::debug!(topic = &**self.topic.name(), cause, "client cannot resume");
    }

    /// Skips what is missing and what follows it. Returns how many events these are, if that is known.
    pub(crate) fn skip_to_head(&mut self, head: Option<Position>) -> Option<u64> {
        record(Metric::Gap);
        self.was_in_window = true;
        self.topic.skip_to_head(&mut self.cursor, head)
    }

    /// Skips what is missing, unless the oldest events that are kept are those of the log. Returns how
    /// many events are missing, if that is known; `None` if the window was restarted meanwhile.
    pub(crate) fn skip_to_oldest(
        &mut self,
        log: &[(Position, Entry)],
    ) -> Option<(Oldest, Option<u64>)> {
        let skipped = self.topic.skip_to_oldest(&mut self.cursor, log);
        if skipped.is_some() {
            record(Metric::Gap);
        }
        skipped
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
            Phase::Live | Phase::Reading(_) | Phase::Finished => IdPosition::At(after),
        };
        Some((self.topic.tag(), position))
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
        self.read_log_after(core, self.cursor.after, false)
    }

    /// As [`read_log`](Self::read_log), for the oldest entries that the log has.
    pub(crate) fn read_oldest(&mut self, core: &Arc<Core>) -> Option<LogRead> {
        self.read_log_after(core, Position::OLDEST, true)
    }

    fn read_log_after(
        &mut self,
        core: &Arc<Core>,
        after: Position,
        is_oldest: bool,
    ) -> Option<LogRead> {
        match core.registry().backend() {
            Backend::Local(log) => Some(LogRead {
                page: if is_oldest {
                    // All that it has is in the window.
                    Page::Last(Vec::new())
                } else {
                    log.missing(self.topic.name(), after)
                },
                from: self.topic.begin_log_read(),
                is_oldest,
                is_window_new: false,
            }),
            Backend::Engine(engine) => {
                let (engine, core) = (Arc::clone(engine), Arc::clone(core));
                let topic = Arc::clone(&self.topic);
                let is_window_old = std::mem::take(&mut self.is_window_old);
                self.phase = Phase::Reading(Box::pin(async move {
                    let answered = core.registry().answered();
                    let read = read_engine(engine, &topic, after, is_window_old, answered);
                    let read = core.before_deadline(read).await?;
                    Some(LogRead { is_oldest, ..read })
                }));
                None
            }
        }
    }
}

/// Reads what follows a position from an engine. If that is beyond the window, which has not got it yet, the window is
/// brought up to there first: a reader never is where the window was not, or a loss that the window has not seen would
/// be the reader's own.
async fn read_engine(
    engine: Arc<dyn Engine>,
    topic: &Topic,
    after: Position,
    is_window_old: bool,
    answered: &Answered,
) -> LogRead {
    let read = |after| retry::read(Arc::clone(&engine), Arc::clone(topic.name()), after);
    let mut from = topic.begin_log_read();
    let is_window_new = is_window_old || after > from.head;
    let mut page = read(after).await;
    if is_window_new && matches!(page, Page::Entries(_) | Page::Last(_)) {
        // No further: the end of a busy topic moves on.
        let until = after.max(from.head);
        retry::catch_up_until(&*engine, topic, answered, until).await;
        from = topic.begin_log_read();
        page = if topic.has(after) {
            Page::Last(Vec::new())
        } else {
            read(after).await
        };
    }
    LogRead {
        page,
        from,
        is_oldest: false,
        is_window_new,
    }
}

/// Returns why the log does not have what follows a position, for the hub's log. A client does not learn
/// it, so that it cannot distinguish an id that it has made up from one that is too old.
pub(crate) fn gap_cause(page: &Page) -> Option<&'static str> {
    match page {
        Page::Entries(_) | Page::Last(_) | Page::Finished => None,
        Page::Trimmed => Some(NOT_KEPT),
        Page::Unknown => Some("the engine does not know the position"),
    }
}
