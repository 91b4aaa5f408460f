//! How subscriptions move through a topic, and wait when they are up to date.

use std::task::Context;

use bytes::Bytes;

use super::{State, Topic};
use crate::entry::EventError;
use crate::position::Position;
use crate::topic::cursor::{Cursor, Next, WindowRead};
use crate::topic::window::Window;

impl Topic {
    /// Takes what follows the cursor, as one piece. If there is nothing, the task is woken when
    /// there is.
    #[inline]
    pub(crate) fn read(&self, cursor: &mut Cursor, cx: &Context<'_>) -> Next<Bytes> {
        if cursor.slot.is_waiting(cx.waker(), &self.wait_epoch) {
            return Next::UpToDate;
        }
        self.take(cursor, cx, |window, after| {
            let batch = window.batch(after);
            batch.map(|batch| (batch.last, batch.events, batch.bytes))
        })
    }

    /// Takes what follows the cursor as the lines of events, without ids and blank lines, until they
    /// have at least `target_len` bytes.
    pub(crate) fn read_events(
        &self,
        cursor: &mut Cursor,
        cx: &Context<'_>,
        target_len: usize,
    ) -> Next<Vec<(Position, Bytes)>> {
        if cursor.slot.is_waiting(cx.waker(), &self.wait_epoch) {
            return Next::UpToDate;
        }
        self.take(cursor, cx, |window, after| {
            window.read(after).map(|piece| {
                let (mut taken, mut bytes) = (Vec::new(), 0);
                for (position, event) in piece.events() {
                    bytes += event.len();
                    taken.push((position, event));
                    if bytes >= target_len {
                        break;
                    }
                }
                let last = taken.last().map_or(after, |(position, _)| *position);
                (last, taken.len() as u64, taken)
            })
        })
    }

    /// Moves the cursor over what `take` returns: the position of the last event, and their
    /// number.
    #[inline]
    fn take<T>(
        &self,
        cursor: &mut Cursor,
        cx: &Context<'_>,
        take: impl FnOnce(&mut Window, Position) -> WindowRead<(Position, u64, T)>,
    ) -> Next<T> {
        // Before the lock, as it is code of the caller's.
        let waker = cx.waker().clone();
        let mut state = self.state();
        if cursor.generation != state.window.generation() {
            return Next::Restarted;
        }
        let next = match take(&mut state.window, cursor.after) {
            WindowRead::Piece((last, events, taken)) => {
                state.advance(cursor, last, events);
                Next::Events(taken, events)
            }
            WindowRead::Trimmed => return Next::Trimmed,
            WindowRead::UpToDate => Next::UpToDate,
        };
        // Also after events: the subscription will ask for more, which needs no second lock then.
        let is_up_to_date = matches!(next, Next::UpToDate);
        let unneeded = if is_up_to_date || cursor.after == state.window.head() {
            state.waiting.wait(&mut cursor.slot, waker)
        } else {
            Some(waker)
        };
        drop(state);
        drop(unneeded);
        next
    }

    /// Notes that the log is asked for what follows the cursor, whose position is as good as the
    /// answer then. Returns where the window begins now.
    pub(crate) fn begin_log_read(&self, cursor: &mut Cursor) -> Position {
        let state = self.state();
        cursor.generation = state.window.generation();
        state.window.floor()
    }

    /// Moves the cursor over events that were read from the log.
    pub(crate) fn skip_to(&self, cursor: &mut Cursor, position: Position, events: u64) {
        self.state().advance(cursor, position, events);
    }

    /// Moves the cursor to the head. Returns how many events it has missed, as far as they were
    /// appended to the window.
    pub(crate) fn skip_to_head(&self, cursor: &mut Cursor, head: Option<Position>) -> u64 {
        let mut state = self.state();
        if let Some(head) = head {
            state.window.advance(head);
        }
        let seen = state.readers.get(cursor.key).map(|reader| reader.seen);
        let missed = state
            .window
            .appended()
            .saturating_sub(seen.unwrap_or_default());
        state.move_to_head(cursor);
        state.counts.gaps += 1;
        missed
    }

    /// Returns the topic's state as an event without an id, and moves the cursor to what follows
    /// it; `None` if there is no state.
    pub(crate) fn take_snapshot(&self, cursor: &mut Cursor) -> Result<Option<Bytes>, EventError> {
        self.snapshots.take(|| {
            let mut state = self.state();
            state.move_to_head(cursor);
            cursor.after
        })
    }
}

impl State {
    fn advance(&mut self, cursor: &mut Cursor, last: Position, events: u64) {
        cursor.after = last;
        self.counts.delivered += events;
        if let Some(reader) = self.readers.get_mut(cursor.key) {
            reader.seen += events;
        }
    }

    fn move_to_head(&mut self, cursor: &mut Cursor) {
        cursor.after = self.window.head();
        cursor.generation = self.window.generation();
        if let Some(reader) = self.readers.get_mut(cursor.key) {
            reader.seen = self.window.appended();
        }
    }
}
