//! How subscriptions move through a topic, and wait when they are up to date.

use std::task::Context;

use bytes::Bytes;

use super::{State, Topic};
use crate::entry::EventError;
use crate::position::Position;
use crate::topic::cursor::{Cursor, Next, WindowRead};
use crate::topic::generations::Resumption;
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
        if cursor.generation != state.window.generations().current() && !state.resume(cursor) {
            return Next::Restarted;
        }
        let next = match take(&mut state.window, cursor.after) {
            WindowRead::Piece((last, events, taken)) => {
                state.advance(cursor, last, events);
                Next::Events(taken, events)
            }
            WindowRead::Mark(position) => return Next::Mark(position),
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

    /// Notes that the log is asked for what follows a cursor: the answer is as good as what the window
    /// is now.
    pub(crate) fn begin_log_read(&self, interruptions: u64) -> LogReadFrom {
        let state = self.state();
        LogReadFrom {
            floor: state.window.floor(),
            head: state.window.head(),
            generation: state.window.generations().current(),
            interruptions,
        }
    }

    /// Moves the cursor over events that were read from the log.
    pub(crate) fn skip_to(&self, cursor: &mut Cursor, position: Position, events: u64) {
        self.state().advance(cursor, position, events);
    }

    /// Moves the cursor, whose position the log does not know, back to before what the engine has
    /// lost; `false` if the position was not lost as far as is known here. What follows may have been delivered before,
    /// so the subscriber gets a gap.
    pub(crate) fn set_back(&self, cursor: &mut Cursor) -> bool {
        let mut state = self.state();
        let generations = state.window.generations();
        let before_loss = match generations.resumption(cursor.generation, cursor.after) {
            Resumption::At(position) => Some(position),
            Resumption::Unknown(position) => position,
        };
        match before_loss.filter(|position| *position < cursor.after) {
            Some(position) => {
                state.move_to(cursor, position);
                state.counts.gaps += 1;
                true
            }
            None => false,
        }
    }

    /// Moves the cursor over the mark of a loss.
    pub(crate) fn skip_mark(&self, cursor: &mut Cursor, position: Position) {
        self.state().counts.gaps += 1;
        cursor.after = position;
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
            // A reader that comes from the log may be beyond what the window has.
            let is_beyond = cursor.generation == state.window.generations().current()
                && cursor.after > state.window.head();
            if !is_beyond {
                state.move_to_head(cursor);
            }
            cursor.after
        })
    }
}

/// What the window was when the log was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogReadFrom {
    /// Where it began.
    pub(crate) floor: Position,
    /// Where it ended.
    pub(crate) head: Position,
    generation: u32,
    /// How often the live entries had been interrupted.
    pub(crate) interruptions: u64,
}

impl LogReadFrom {
    /// Notes that the log knew the position of the cursor.
    pub(crate) fn confirm(self, cursor: &mut Cursor) {
        cursor.generation = self.generation;
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

    /// Moves the cursor into the present generation; `false` if only the log knows where that is.
    #[cold]
    fn resume(&mut self, cursor: &mut Cursor) -> bool {
        let generations = self.window.generations();
        match generations.resumption(cursor.generation, cursor.after) {
            Resumption::At(position) => {
                self.move_to(cursor, position);
                true
            }
            Resumption::Unknown(_) => false,
        }
    }

    fn move_to(&mut self, cursor: &mut Cursor, position: Position) {
        cursor.after = position;
        cursor.generation = self.window.generations().current();
        let seen = self.window.appended() - self.window.count_after(position);
        if let Some(reader) = self.readers.get_mut(cursor.key) {
            reader.seen = seen;
        }
    }

    fn move_to_head(&mut self, cursor: &mut Cursor) {
        cursor.after = self.window.head();
        cursor.generation = self.window.generations().current();
        if let Some(reader) = self.readers.get_mut(cursor.key) {
            reader.seen = self.window.appended();
        }
    }
}
