//! How the entries of an engine come into the window of a topic, and what becomes of the window when
//! the engine has lost some.

use super::{State, Topic};
use crate::entry;
use crate::log::{Entry, Span};
use crate::position::Position;
use crate::sync::Ordering;
use crate::topic::cursor::Insertion;

impl Topic {
    /// Appends an entry of an engine, if it is the next one.
    pub(crate) fn insert(
        &self,
        predecessor: Position,
        position: Position,
        entry: &Entry,
    ) -> Insertion {
        let mut state = self.state();
        let head = state.window.head();
        if position <= head {
            return if state.is_contradicted_by(position, entry) {
                Insertion::Hole
            } else {
                Insertion::Duplicate
            };
        }
        if state.window.end().is_some_and(|end| predecessor >= end) {
            match entry {
                // Of what was lost before the end.
                Entry::Loss => {
                    state.window.mark(position);
                    self.wake_after(state);
                }
                // Another node has appended it when it did not know of the end.
                Entry::Event(_) | Entry::Last(_) => state.window.skip(position),
            }
            return Insertion::Appended;
        }
        if predecessor != head {
            return Insertion::Hole;
        }
        let event = match entry {
            Entry::Event(event) | Entry::Last(event) => event,
            Entry::Loss => {
                state.window.mark(position);
                self.wake_after(state);
                return Insertion::Appended;
            }
        };
        let is_last = matches!(entry, Entry::Last(_));
        if let Err(error) = entry::check(event) {
            // Something else than a hub has written to the engine. The entry is skipped.
            state.window.skip(position);
            if is_last {
                state.window.finish();
            }
            self.wake_after(state);
            tracing::error!(
                topic = &*self.name,
                error = &error as &dyn std::error::Error,
                "invalid entry ignored"
            );
            return Insertion::Appended;
        }
        self.push(&mut state, position, event);
        if is_last {
            state.window.finish();
        }
        self.wake_after(state);
        Insertion::Appended
    }

    /// Whether [`set_caught_up`](Self::set_caught_up) was called.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.is_caught_up.load(Ordering::Acquire)
    }

    /// Notes that the window has everything that the engine had when the topic was opened.
    pub(crate) fn set_caught_up(&self) {
        self.is_caught_up.store(true, Ordering::Release);
    }

    /// Returns the position that no entry follows, as far as is known here.
    pub(crate) fn head(&self) -> Position {
        self.state().window.head()
    }

    /// Discards the window if it still ends at `head`: events before the span are missing. Subscribers that
    /// have not had them get a gap.
    pub(crate) fn restart(&self, head: Position, at: Span) {
        let mut state = self.state();
        if state.window.head() == head {
            state.window.restart(at.head);
            if at.is_finished {
                state.window.finish();
            }
            self.wake_after(state);
        }
    }

    /// Discards the entries after `at` if the window still ends at `head`: the engine has lost them.
    /// Subscribers that have had some of them continue after `at`.
    pub(crate) fn cut(&self, head: Position, at: Position) {
        let mut state = self.state();
        if state.window.head() == head {
            state.window.cut(at);
            self.wake_after(state);
        }
    }

    /// Returns the positions that are certainly of this history, in their order: the floor, those of
    /// the entries, and the head.
    pub(crate) fn positions(&self) -> Vec<Position> {
        self.state().window.positions()
    }

    /// Whether the position is certainly one of this history.
    pub(crate) fn has(&self, position: Position) -> bool {
        self.state().window.has(position)
    }
}

impl State {
    /// Whether the entry is from another history than that of the window.
    fn is_contradicted_by(&mut self, position: Position, entry: &Entry) -> bool {
        let is_after_end = self.window.end().is_some_and(|end| position > end);
        position > self.window.floor()
            && match entry {
                Entry::Event(_) | Entry::Last(_) if is_after_end => false,
                Entry::Event(event) | Entry::Last(event) => {
                    self.window.event_at(position).as_deref() != Some(entry::lines(event))
                        && entry::check(event).is_ok()
                }
                Entry::Loss => !self.window.has_mark(position),
            }
    }
}
