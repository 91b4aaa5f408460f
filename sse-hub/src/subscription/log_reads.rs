//! What a subscription makes of what was read from the log: events, or a gap.

use std::sync::Arc;

use bytes::Bytes;

use crate::entry;
use crate::gap::{self, Gap, GapReason};
use crate::log::backend::Backend;
use crate::log::{Entry, Page};
use crate::metrics::{Metric, record};
use crate::position::Position;
use crate::subscription::policy::SlowConsumer;
use crate::subscription::topic_reader::{LogRead, Phase, TopicReader, gap_cause};
use crate::subscription::{Extras, Subscription};
use crate::topic::cursor::Oldest;

impl Subscription {
    /// Takes what was read from the log, or a gap. `None` if the topic is to be polled again,
    /// `Some(None)` if the subscription ends.
    pub(super) fn take_read(&mut self, index: usize, read: LogRead) -> Option<Option<Bytes>> {
        if read.is_oldest {
            return self.skip_to_oldest(index, read).map(Some);
        }
        let page = &read.page;
        let reader = &mut self.topics[index];
        if matches!(page, Page::Unknown) && reader.set_back() {
            return Some(Some(self.encode_gap(index, GapReason::Lost, None)));
        }
        let Some(cause) = gap_cause(page) else {
            return self.take_page(index, read).map(Some);
        };
        if !reader.was_in_window {
            reader.log_gap(cause);
            if !reader.begins_with_oldest() {
                return Some(Some(self.skip_to_head(index, GapReason::Unknown)));
            }
            let oldest = reader.read_oldest(&self.core)?;
            return self.take_read(index, oldest);
        }
        if self.slow == SlowConsumer::Disconnect {
            let topic = &**reader.topic.name();
            tracing::debug!(topic, "slow subscriber disconnected");
            return Some(None);
        }
        let is_local = matches!(self.core.registry().backend(), Backend::Local(_));
        let is_known = is_local || matches!(page, Page::Trimmed);
        // A state stands for all that is kept.
        if reader.topic.snapshots.exist() || !is_known {
            return Some(Some(self.skip_to_head(index, GapReason::Slow)));
        }
        let oldest = reader.read_oldest(&self.core)?;
        self.take_read(index, oldest)
    }

    /// Encodes a page of the log, up to the mark of a loss or over one; `None` if there is nothing on
    /// it.
    fn take_page(&mut self, index: usize, read: LogRead) -> Option<Bytes> {
        let LogRead { page, from, .. } = read;
        let (mut entries, is_last) = match page {
            Page::Entries(entries) => (entries, false),
            Page::Last(entries) => (entries, true),
            Page::Finished => {
                self.topics[index].phase = Phase::Finished;
                return None;
            }
            Page::Trimmed | Page::Unknown => return None,
        };
        let TopicReader {
            topic,
            cursor,
            is_window_old,
            ..
        } = &mut self.topics[index];
        if cursor.after > from.head {
            from.continue_at_head(cursor);
            return None;
        }
        let mut meeting = topic.meet(cursor, &from, &entries, is_last);
        if meeting.differs && read.is_window_new {
            meeting = from.continue_at_floor(cursor, &entries);
        }
        *is_window_old = meeting.differs;
        entries.truncate(meeting.taken);
        let marks = entries
            .iter()
            .take_while(|(_, entry)| *entry == Entry::Loss);
        if let Some((position, _)) = marks.last() {
            return Some(self.skip_mark(index, *position));
        }
        // What follows a mark is read again.
        let before_mark = |entry: (Position, Entry)| match entry {
            (position, Entry::Event(event) | Entry::Last(event)) => Some((position, event)),
            (_, Entry::Loss) => None,
        };
        let end = match entries.last() {
            Some((position, Entry::Last(_))) => Some(*position),
            _ => None,
        };
        let mut events: Vec<_> = entries.into_iter().map_while(before_mark).collect();
        let reader = &mut self.topics[index];
        let Some((last, _)) = events.last() else {
            if let Some(after) = meeting.after {
                let after = after.max(reader.cursor.after);
                reader.topic.skip_to(&mut reader.cursor, after, 0);
            }
            return None;
        };
        let last = *last;
        if end == Some(last) {
            reader.phase = Phase::Finished;
        }
        // As with live entries, invalid ones are skipped.
        events.retain(|(_, event)| entry::check(event).is_ok());
        let mut count = events.len() as u64;
        reader.topic.skip_to(&mut reader.cursor, last, count);
        for (_, event) in &mut events {
            *event = event.slice_ref(entry::lines(event));
        }
        if let Some(filter) = Extras::filter(&mut self.extras) {
            count = filter.retain(index, &reader.topic, &mut events);
        }
        record(Metric::Delivered(count));
        (!events.is_empty()).then(|| self.encode(index, &events))
    }

    /// Continues after the mark of a loss. That has nothing to do with the subscriber's slowness.
    pub(super) fn skip_mark(&mut self, index: usize, position: Position) -> Bytes {
        let reader = &mut self.topics[index];
        reader.skip_mark(position);
        self.encode_gap(index, GapReason::Lost, None)
    }

    /// Continues with what comes next, or the topic's state.
    pub(super) fn skip_to_head(&mut self, index: usize, reason: GapReason) -> Bytes {
        let head = self.core.registry().backend().head();
        let missed = self.topics[index].skip_to_head(head);
        let missed = missed.filter(|_| reason == GapReason::Slow);
        self.encode_gap(index, reason, missed)
    }

    /// Continues with the oldest event that is kept: in the window, or on the first page of the log.
    /// `None` if the window was restarted meanwhile, so that the reader's position is to be looked up.
    fn skip_to_oldest(&mut self, index: usize, read: LogRead) -> Option<Bytes> {
        let entries = match &read.page {
            Page::Entries(entries) | Page::Last(entries) => &entries[..],
            Page::Finished | Page::Trimmed | Page::Unknown => &[],
        };
        let reason = if self.topics[index].was_in_window {
            GapReason::Slow
        } else {
            GapReason::Unknown
        };
        let (oldest, missed) = self.topics[index].skip_to_oldest(entries)?;
        let missed = missed.filter(|_| reason == GapReason::Slow);
        // In the log, no position before its oldest entry is known: the gap has the one of before, and
        // a client that is cut off right after it gets another one.
        let gap = self.encode_gap(index, reason, missed);
        if oldest == Oldest::InWindow {
            return Some(gap);
        }
        let events = self.take_page(index, read).unwrap_or_default();
        Some([gap, events].concat().into())
    }

    /// Encodes a gap after which the cursor is. The topic's state follows, if it has one.
    fn encode_gap(&mut self, index: usize, reason: GapReason, missed: Option<u64>) -> Bytes {
        // Otherwise, some of them may have been hidden.
        let missed = missed.filter(|_| Extras::filter(&mut self.extras).is_none());
        self.note_id();
        let reader = &mut self.topics[index];
        reader.want_snapshot();
        let topic = Arc::clone(reader.topic.name());
        let id = self.id();
        let of = |topic| Gap {
            topic,
            reason,
            missed,
        };
        let filter = Extras::filter(&mut self.extras);
        match filter.and_then(|filter| filter.names(index)) {
            Some(names) => {
                let gaps: Vec<_> = names.iter().map(|name| of(&**name)).collect();
                gap::encode(&gaps, &id)
            }
            None => gap::encode(&[of(&*topic)], &id),
        }
    }
}
