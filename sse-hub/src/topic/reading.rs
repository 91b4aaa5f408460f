//! How subscriptions move through a topic, and wait where they have all there is.

use std::task::Context;

use bytes::Bytes;

use super::{State, Topic};
use crate::entry::EventError;
use crate::position::Position;
use crate::topic::cursor::{Cursor, Found};
use crate::topic::window::{Read, Window};

impl Topic {
    /// Takes what follows the cursor, as one piece. If there is nothing, the waker is kept.
    #[inline]
    pub(crate) fn read(&self, cursor: &mut Cursor, cx: &Context<'_>) -> (Found, Bytes) {
        if cursor.place.is_waiting(cx.waker(), &self.round) {
            return (Found::Nothing, Bytes::new());
        }
        self.find(cursor, cx, |window, after| {
            let taken = window.take(after);
            taken.map(|taken| (taken.last, taken.events, taken.bytes))
        })
    }

    /// Takes what follows the cursor event by event and without ids, until it is `enough` bytes.
    pub(crate) fn read_events(
        &self,
        cursor: &mut Cursor,
        cx: &Context<'_>,
        enough: usize,
    ) -> (Found, Vec<(Position, Bytes)>) {
        if cursor.place.is_waiting(cx.waker(), &self.round) {
            return (Found::Nothing, Vec::new());
        }
        self.find(cursor, cx, |window, after| {
            window.read(after).map(|piece| {
                let (mut taken, mut bytes) = (Vec::new(), 0);
                for (position, event) in piece.events() {
                    bytes += event.len();
                    taken.push((position, event));
                    if bytes >= enough {
                        break;
                    }
                }
                let last = taken.last().map_or(after, |(position, _)| *position);
                (last, taken.len() as u64, taken)
            })
        })
    }

    /// Finds what follows the cursor, which then moves to the last position that `take` took, and
    /// over as many events.
    fn find<T: Default>(
        &self,
        cursor: &mut Cursor,
        cx: &Context<'_>,
        take: impl FnOnce(&mut Window, Position) -> Read<(Position, u64, T)>,
    ) -> (Found, T) {
        let mut state = self.state();
        if cursor.generation != state.window.generation() {
            return (Found::Restarted, T::default());
        }
        let (found, taken) = match take(&mut state.window, cursor.after) {
            Read::Piece((last, events, taken)) => {
                state.advance(cursor, last, events);
                (Found::Events(events), taken)
            }
            Read::Behind => return (Found::Behind, T::default()),
            Read::Nothing => (Found::Nothing, T::default()),
        };
        let is_nothing = matches!(found, Found::Nothing);
        // Even if it took some: it will ask for more, and that needs no second lock then.
        let replaced = if is_nothing || cursor.after == state.window.head() {
            state.waiting.wait(&mut cursor.place, cx.waker())
        } else {
            None
        };
        drop(state);
        drop(replaced);
        (found, taken)
    }

    /// Notes that the log is asked about the cursor, whose position is as good as the answer then.
    /// What comes back is where the window begins now.
    pub(crate) fn is_asked_for(&self, cursor: &mut Cursor) -> Position {
        let state = self.state();
        cursor.generation = state.window.generation();
        state.window.floor()
    }

    /// Moves the cursor over events that it got from the log behind the window.
    pub(crate) fn skip_to(&self, cursor: &mut Cursor, position: Position, events: u64) {
        self.state().advance(cursor, position, events);
    }

    /// Moves the cursor to the head, and tells how many events it has missed as far as they came
    /// through here.
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

    /// The topic's state as an event without an id, and the cursor moved to what follows it;
    /// `None` if there is no state.
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
