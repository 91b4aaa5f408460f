//! Events of a topic that a subscription does not get, because its filter hides them.
//!
//! A filter decides on each event outside of the topic's lock, on the memory that all subscribers share. What it hides is
//! passed by the cursor as what is delivered is, so it is no gap. Only the client does not learn of it: its
//! last event ID stays where the last visible event was, and would at some time be older than all that is kept.
//! Therefore the stream's opening is sent again when so much was hidden that this is a part of
//! the retention.

use std::future::Future as _;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};

use crate::group::{self, Selection};
use crate::options::Retention;
use crate::position::Position;
use crate::stored_event::StoredEvent;
use crate::topic::Topic;

/// How many bytes of events are looked at in one poll before other tasks get their turn.
const BUDGET: usize = 64 * 1024;

/// The part of each limit of the retention by which a client's id may be older than what was hidden last.
const PART: u8 = 4;

/// The bounds of the time by which it may be older.
const MIN_BEHIND: Duration = Duration::from_millis(100);
const MAX_BEHIND: Duration = Duration::from_secs(60);

/// About how many bytes the line with the id and the blank line of an event take in a window.
const ID_LINE_LEN: usize = 40;

/// Whether a subscription gets an event.
pub(crate) type Accepts = dyn Fn(&StoredEvent<'_>) -> bool + Send + Sync;

pub(crate) struct Filter {
    accepts: Option<Box<Accepts>>,
    /// What is read of each topic of the subscription; empty if none is in a group.
    selections: Vec<Option<Selection>>,
    limits: Limits,
    /// What was hidden since the client got an id.
    hidden: Amount,
    /// Ends when the client gets an id, if it has none by then that includes what was hidden.
    timer: Option<Pin<Box<Sleep>>>,
    /// How many bytes were looked at in this poll.
    looked_at: usize,
    /// Whether this poll has ended early.
    yields: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    events: u64,
    bytes: usize,
}

/// How much may be hidden before the client gets an id.
#[derive(Clone, Copy, Debug)]
struct Limits {
    hidden: Amount,
    behind: Duration,
}

impl Limits {
    const NONE: Self = Self {
        hidden: Amount {
            events: u64::MAX,
            bytes: usize::MAX,
        },
        behind: MAX_BEHIND,
    };

    /// The limits that are also right for a topic with this retention.
    fn and(self, retention: &Retention) -> Self {
        let events = retention.max_events as u64 / u64::from(PART);
        let bytes = retention.max_bytes / usize::from(PART);
        let age = Duration::from_millis(retention.max_age_millis()) / u32::from(PART);
        Self {
            hidden: Amount {
                events: self.hidden.events.min(events.max(1)),
                bytes: self.hidden.bytes.min(bytes.max(1)),
            },
            behind: self.behind.min(age.max(MIN_BEHIND)),
        }
    }
}

impl Filter {
    /// `None` if nothing is hidden.
    pub(crate) fn new(
        accepts: Option<Box<Accepts>>,
        selections: Vec<Option<Selection>>,
    ) -> Option<Self> {
        let is_part = |selection: &Selection| selection.names().is_some();
        if accepts.is_none() && !selections.iter().flatten().any(is_part) {
            return None;
        }
        Some(Self {
            accepts,
            selections,
            limits: Limits::NONE,
            hidden: Amount::default(),
            timer: None,
            looked_at: 0,
            yields: false,
        })
    }

    /// Returns the names of the topics that are read of the log at this index, if they are a part of a group.
    pub(crate) fn names(&self, index: usize) -> Option<&[Box<str>]> {
        self.selections.get(index)?.as_ref()?.names()
    }

    /// Whether the subscription gets an event of the log at this index.
    #[inline]
    fn accepts(&self, index: usize, topic: &Topic, event: &[u8]) -> bool {
        if let Some(Some(selection)) = self.selections.get(index) {
            let (topic, event) = group::split(event).unwrap_or((topic.name(), event));
            return selection.has(topic) && self.accepts_event(topic, event);
        }
        self.accepts_event(topic.name(), event)
    }

    #[inline]
    fn accepts_event(&self, topic: &str, event: &[u8]) -> bool {
        let accepts = self.accepts.as_ref();
        accepts.is_none_or(|accepts| accepts(&StoredEvent::new(topic, event)))
    }

    /// Notes that it is for this topic, too.
    pub(crate) fn add(&mut self, topic: &Topic) {
        self.limits = self.limits.and(&topic.retention());
    }

    /// Returns the visible ones of the events of a batch of the only topic, and their number.
    #[inline]
    pub(crate) fn batch(&mut self, topic: &Topic, batch: Bytes, events: u64) -> (Bytes, u64) {
        if events == 1 && self.accepts(0, topic, &batch) {
            self.note_id();
            return (batch, 1);
        }
        self.batch_of_several(topic, &batch, events)
    }

    /// As [`batch`](Self::batch), for several events, or one that is hidden.
    fn batch_of_several(&mut self, topic: &Topic, batch: &Bytes, events: u64) -> (Bytes, u64) {
        let (mut visible, mut bytes) = (0, 0);
        let mut runs: Vec<Range<usize>> = Vec::new();
        if events == 1 {
            self.hide(batch.len());
        } else {
            let mut start = 0;
            // A valid entry has its only blank line at its end.
            for blank in memmem::find_iter(batch, b"\n\n") {
                let event = start..blank + 2;
                start = event.end;
                if !self.accepts(0, topic, &batch[event.clone()]) {
                    self.hide(event.len());
                    continue;
                }
                self.note_id();
                visible += 1;
                bytes += event.len();
                match runs.last_mut() {
                    Some(run) if run.end == event.start => run.end = event.end,
                    _ => runs.push(event),
                }
            }
        }
        topic.note_hidden(events - visible);
        self.looked_at += batch.len();
        let piece = match &runs[..] {
            [] => Bytes::new(),
            [run] => batch.slice(run.clone()),
            _ => {
                let mut piece = Vec::with_capacity(bytes);
                for run in runs {
                    piece.extend_from_slice(&batch[run]);
                }
                piece.into()
            }
        };
        (piece, visible)
    }

    /// Discards the hidden ones of some events of the log at this index, of which these are the lines. Returns how many
    /// are left.
    pub(crate) fn retain(
        &mut self,
        index: usize,
        topic: &Topic,
        events: &mut Vec<(Position, Bytes)>,
    ) -> u64 {
        let all = events.len();
        events.retain(|(_, lines)| {
            self.looked_at += lines.len();
            let is_visible = self.accepts(index, topic, lines);
            if is_visible {
                self.note_id();
            } else {
                self.hide(lines.len() + ID_LINE_LEN);
            }
            is_visible
        });
        topic.note_hidden((all - events.len()) as u64);
        events.len() as u64
    }

    fn hide(&mut self, bytes: usize) {
        self.hidden.events += 1;
        self.hidden.bytes = self.hidden.bytes.saturating_add(bytes);
    }

    /// Notes that a poll begins.
    pub(crate) fn begin_poll(&mut self) {
        self.looked_at = 0;
        self.yields = false;
    }

    /// Notes that the client gets something with an id that includes all that was hidden so far.
    pub(crate) fn note_id(&mut self) {
        self.hidden = Amount::default();
    }

    /// Ends the poll if it has looked at enough; the task is woken then.
    pub(crate) fn yield_after_budget(&mut self, cx: &Context<'_>) -> bool {
        if self.looked_at >= BUDGET {
            self.yields = true;
            cx.waker().wake_by_ref();
        }
        self.yields
    }

    /// Whether there may be more, although the last poll has found nothing visible.
    pub(crate) fn yields(&self) -> bool {
        self.yields
    }

    /// Whether the client has no id that includes what was hidden last.
    pub(crate) fn has_hidden(&self) -> bool {
        self.hidden.events > 0
    }

    /// Whether so much was hidden that the client must get an id.
    pub(crate) fn is_over_limits(&self) -> bool {
        let Amount { events, bytes } = self.limits.hidden;
        self.hidden.events >= events || self.hidden.bytes >= bytes
    }

    /// Waits until the client must get an id, as nothing else gives it one.
    pub(crate) fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_hidden() {
            return Poll::Pending;
        }
        if self.timer.is_none() && Handle::try_current().is_err() {
            // Without tokio, nothing wakes the task later.
            return Poll::Ready(());
        }
        let behind = self.limits.behind;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(behind)));
        let polled = timer.as_mut().poll(cx);
        if polled.is_ready() {
            self.timer = None;
        }
        polled
    }
}
