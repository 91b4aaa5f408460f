//! Pieces that are compressed once for all subscribers whose streams are compressed.

use std::sync::Arc;
use std::task::{Context, Poll};

use sse_session::gzip::SharedPiece;

use crate::metrics::{Metric, record};
use crate::subscription::topic_reader::Phase;
use crate::subscription::{Extras, Piece, Subscription};
use crate::topic::cursor::Next;

impl Subscription {
    /// Has pieces shared in their compressed form, where that is possible: those of a single topic, without a filter.
    pub(super) fn share(&mut self) {
        if self.topics.len() == 1 && Extras::filter(&mut self.extras).is_none() {
            self.is_usual = false;
            self.extras.get_or_insert_default().shares = true;
        }
    }

    /// Polls one topic that is live, as [`poll_single`](Self::poll_single) does. `None` if it is another case, or nothing
    /// is shared.
    pub(super) fn poll_shared(&mut self, cx: &Context<'_>) -> Option<Poll<Option<Piece>>> {
        let extras = self.extras.as_mut().filter(|extras| extras.shares)?;
        let [reader] = &mut self.topics[..] else {
            return None;
        };
        let is_live = matches!(reader.phase, Phase::Live) && self.first.is_empty();
        if !is_live || self.core.shutdown().is_some() {
            return None;
        }
        match reader.topic.read_shared(&mut reader.cursor, cx) {
            Next::Events(piece, events) => {
                reader.was_in_window = true;
                record(Metric::Delivered(events));
                let plain = piece.plain().clone();
                extras.shared = Some(piece);
                Some(Poll::Ready(Some(Ok(plain))))
            }
            // As there, a shutdown may have begun before this one waited.
            Next::UpToDate if self.core.shutdown().is_none() => {
                reader.was_in_window = true;
                Some(Poll::Pending)
            }
            _ => None,
        }
    }

    /// Takes the shared form of the piece that was yielded last, if it has one.
    pub(super) fn take_shared(&mut self) -> Option<Arc<SharedPiece>> {
        self.extras.as_mut()?.shared.take()
    }
}
