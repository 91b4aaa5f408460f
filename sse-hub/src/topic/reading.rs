//! How subscriptions move through a topic, and wait when they are up to date.

#[cfg(feature = "gzip")]
use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
#[cfg(feature = "gzip")]
use sse_session::gzip::SharedPiece;

use super::{State, Topic};
use crate::entry::{self, EventError};
use crate::log::Entry;
use crate::position::Position;
use crate::topic::cursor::{Cursor, Next, Oldest, WindowRead};
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

    /// As [`read`](Self::read), as a piece that is compressed once for all readers.
    #[cfg(feature = "gzip")]
    pub(crate) fn read_shared(
        &self,
        cursor: &mut Cursor,
        cx: &Context<'_>,
    ) -> Next<Arc<SharedPiece>> {
        if cursor.slot.is_waiting(cx.waker(), &self.wait_epoch) {
            return Next::UpToDate;
        }
        self.take(cursor, cx, |window, after| window.shared(after, self.text))
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
        if cursor.generation != state.window.generations().current() {
            if cursor.is_at_end {
                return Next::Finished;
            }
            if !state.resume(cursor) {
                cursor.is_counted = false;
                return Next::Restarted;
            }
        }
        let next = match take(&mut state.window, cursor.after) {
            WindowRead::Piece((last, events, taken)) => {
                state.advance(cursor, last, events);
                if !cursor.is_counted {
                    state.count(cursor);
                }
                Next::Events(taken, events)
            }
            WindowRead::Mark(position) => return Next::Mark(position),
            WindowRead::Trimmed => return Next::Trimmed,
            WindowRead::UpToDate => Next::UpToDate,
        };
        // Also after events: the subscription will ask for more, which needs no second lock then.
        let is_up_to_date = matches!(next, Next::UpToDate);
        if is_up_to_date && !cursor.is_counted {
            state.count(cursor);
        }
        let unneeded = if is_up_to_date || cursor.after == state.window.head() {
            if state.window.is_finished() {
                cursor.is_at_end = true;
                cursor.generation = state.window.generations().none();
                return if is_up_to_date { Next::Finished } else { next };
            }
            state.waiting.wait(&mut cursor.slot, waker)
        } else {
            Some(waker)
        };
        drop(state);
        drop(unneeded);
        next
    }

    /// Moves the cursor over events that were read from the log.
    pub(crate) fn skip_to(&self, cursor: &mut Cursor, position: Position, events: u64) {
        let mut state = self.state();
        state.advance(cursor, position, events);
        if !cursor.is_counted {
            state.count(cursor);
        }
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

    /// Moves the cursor to the head. Returns how many events it has missed, if that is known.
    pub(crate) fn skip_to_head(&self, cursor: &mut Cursor, head: Option<Position>) -> Option<u64> {
        let mut state = self.state();
        if let Some(head) = head {
            state.window.advance(head);
        }
        let seen = state.seen(cursor);
        let head = state.window.head();
        state.move_to(cursor, head);
        state.counts.gaps += 1;
        seen.map(|seen| state.window.appended().saturating_sub(seen))
    }

    /// Moves the cursor over events that are no longer kept, if the oldest one that is kept is in the
    /// window. It may be in the log instead, of which `oldest` are the first entries. Returns how many
    /// events the reader has missed, if that is known; `None` if the window was restarted meanwhile.
    pub(crate) fn skip_to_oldest(
        &self,
        cursor: &mut Cursor,
        oldest: &[(Position, Entry)],
    ) -> Option<(Oldest, Option<u64>)> {
        let mut state = self.state();
        if cursor.generation != state.window.generations().current() {
            return None;
        }
        state.counts.gaps += 1;
        let seen = state.seen(cursor);
        let floor = state.window.floor().max(cursor.after);
        let held = state.window.count_after(floor);
        if oldest.first().is_none_or(|(first, _)| *first > floor) {
            state.move_to(cursor, floor);
            let skipped = state.window.appended() - held;
            let missed = seen.map(|seen| skipped.saturating_sub(seen));
            return Some((Oldest::InWindow, missed));
        }
        // The window has had all events that are kept, if the entries go up to where it begins.
        let is_whole = oldest.last().is_some_and(|(last, _)| *last >= floor);
        let is_event = |entry: &Entry| matches!(entry, Entry::Event(it) | Entry::Last(it) if entry::check(it).is_ok());
        let before = oldest.iter().take_while(|(position, _)| *position <= floor);
        let before = before.filter(|(_, entry)| is_event(entry)).count() as u64;
        let skipped = state.window.appended().checked_sub(held + before);
        let counted = seen.zip(skipped).filter(|_| is_whole);
        cursor.is_counted = counted.is_some();
        let missed = counted.map(|(seen, skipped)| {
            let missed = skipped.saturating_sub(seen);
            state.set_seen(cursor, seen + missed);
            missed
        });
        Some((Oldest::InLog, missed))
    }

    /// Returns the topic's state as an event without an id, and moves the cursor to what follows
    /// it; `None` if there is no state, and the cursor is where it was.
    pub(crate) fn take_snapshot(&self, cursor: &mut Cursor) -> Result<Option<Bytes>, EventError> {
        let mut at_head = None;
        let event = self.snapshots.take(|| {
            let state = self.state();
            let generation = state.window.generations().current();
            let head = state.window.head();
            // A reader that comes from the log may be beyond what the window has.
            if cursor.generation == generation && cursor.after > head {
                return cursor.after;
            }
            at_head = Some((head, generation, state.window.appended()));
            head
        })?;
        if event.is_some()
            && let Some((head, generation, appended)) = at_head
        {
            // What was appended meanwhile follows the snapshot.
            cursor.after = head;
            cursor.generation = generation;
            cursor.is_counted = true;
            self.state().set_seen(cursor, appended);
        }
        Ok(event)
    }
}

impl State {
    fn advance(&mut self, cursor: &mut Cursor, last: Position, events: u64) {
        cursor.after = last;
        self.counts.delivered += events;
        if cursor.is_counted
            && let Some(reader) = self.readers.get_mut(cursor.key)
        {
            reader.seen += events;
        }
    }

    /// Counts the events up to a cursor, if the window has what follows it.
    #[cold]
    fn count(&mut self, cursor: &mut Cursor) {
        if (self.window.floor()..=self.window.head()).contains(&cursor.after) {
            cursor.is_counted = true;
            let seen = self.window.appended() - self.window.count_after(cursor.after);
            self.set_seen(cursor, seen);
        }
    }

    /// Returns how many of the topic's events a reader has taken or skipped, if that is known.
    fn seen(&self, cursor: &Cursor) -> Option<u64> {
        let reader = self.readers.get(cursor.key).filter(|_| cursor.is_counted);
        reader.map(|reader| reader.seen)
    }

    fn set_seen(&mut self, cursor: &Cursor, seen: u64) {
        if let Some(reader) = self.readers.get_mut(cursor.key) {
            reader.seen = seen;
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
        cursor.is_counted = (self.window.floor()..=self.window.head()).contains(&position);
        let seen = self.window.appended() - self.window.count_after(position);
        self.set_seen(cursor, seen);
    }
}
