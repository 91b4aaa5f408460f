//! How a subscription with a filter is polled, and when its client gets an id for what was hidden.

use std::task::{Context, Poll};

use bytes::Bytes;

use crate::metrics::{Metric, record};
use crate::subscription::topic_reader::Phase;
use crate::subscription::{Extras, Piece, Subscription};
use crate::topic::cursor::Next;

impl Subscription {
    /// Begins a poll of a subscription with a filter, and is its fast path, as [`poll_live`](Self::poll_live): its one topic is live. What was
    /// hidden is left to [`poll_hidden`](Self::poll_hidden).
    #[inline]
    pub(super) fn poll_filtered(&mut self, cx: &mut Context<'_>) -> Option<Poll<Option<Piece>>> {
        let filter = Extras::filter(&mut self.extras)?;
        filter.begin_poll();
        let [reader] = &mut self.topics[..] else {
            return None;
        };
        let is_live = matches!(reader.phase, Phase::Live) && self.first.is_empty();
        if !is_live || self.core.shutdown().is_some() {
            return None;
        }
        match reader.topic.read(&mut reader.cursor, cx) {
            Next::Events(batch, events) => {
                reader.was_in_window = true;
                let (piece, events) = filter.batch(&reader.topic, batch, events);
                if events == 0 {
                    return None;
                }
                record(Metric::Delivered(events));
                Some(Poll::Ready(Some(Ok(piece))))
            }
            // A shutdown wakes the tasks that wait; it may have begun before this one waited.
            Next::UpToDate if !filter.has_hidden() && self.core.shutdown().is_none() => {
                reader.was_in_window = true;
                Some(Poll::Pending)
            }
            _ => None,
        }
    }

    /// Notes that the client gets something with the present id.
    pub(super) fn note_id(&mut self) {
        if let Some(filter) = Extras::filter(&mut self.extras) {
            filter.note_id();
        }
    }

    /// What a poll returns after something was hidden; `None` if it goes on with what follows.
    pub(super) fn after_hidden(&mut self, cx: &Context<'_>) -> Option<Poll<Option<Piece>>> {
        let filter = Extras::filter(&mut self.extras)?;
        if filter.is_over_limits()
            && let Some(piece) = self.encode_current_id()
        {
            return Some(Poll::Ready(Some(Ok(piece))));
        }
        let filter = Extras::filter(&mut self.extras)?;
        filter.yield_after_budget(cx).then_some(Poll::Pending)
    }

    /// What a poll returns when the subscription has nothing visible.
    pub(super) fn poll_hidden(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let Some(filter) = Extras::filter(&mut self.extras) else {
            return Poll::Pending;
        };
        if filter.yields() || !filter.is_over_limits() && filter.poll_timer(cx).is_pending() {
            return Poll::Pending;
        }
        match self.encode_current_id() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None => Poll::Pending,
        }
    }

    /// Returns what has the id after what was hidden last, if the client has none such: the last of a stream, so that
    /// the client does not come back for what is hidden.
    pub(super) fn take_hidden(&mut self) -> Option<Bytes> {
        let filter = Extras::filter(&mut self.extras)?;
        if !filter.has_hidden() {
            return None;
        }
        self.encode_current_id()
    }

    /// Encodes what brings the client's last event ID to where the subscription is: what the stream began
    /// with. `None` if that was nothing.
    fn encode_current_id(&mut self) -> Option<Bytes> {
        self.note_id();
        let piece = self.encode_opening();
        (!piece.is_empty()).then_some(piece)
    }
}
