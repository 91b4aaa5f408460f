//! Where a page of the log and a topic's window meet, so that a reader goes on from the one to the other.
//!
//! The two may be of different histories for a moment: the engine has lost something, and one of them is of before that.
//! So the window continues a page only if it has an entry of it.

use super::Topic;
use crate::log::Entry;
use crate::position::Position;
use crate::topic::cursor::Cursor;

/// What the window was when the log was asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogReadFrom {
    /// Where it began.
    floor: Position,
    /// Where it ended.
    pub(crate) head: Position,
    has_entries: bool,
    generation: u32,
}

/// How a reader takes a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meeting {
    /// How many of the entries it takes.
    pub(crate) taken: usize,
    /// Where it is then, if no entry lies between the last one and the window.
    pub(crate) after: Option<Position>,
    /// Whether the window is not known to continue the page, although it should.
    pub(crate) differs: bool,
}

impl Topic {
    /// Notes that the log is asked for what follows a cursor: the answer is as good as what the window
    /// is now.
    pub(crate) fn begin_log_read(&self) -> LogReadFrom {
        let state = self.state();
        let window = &state.window;
        LogReadFrom {
            floor: window.floor(),
            head: window.head(),
            has_entries: window.has_entries(),
            generation: window.generations().current(),
        }
    }

    /// Finds out how a reader takes a page of what follows its cursor, whose position the log knows. The page goes up to
    /// the end of the log if it `is_last`.
    pub(crate) fn meet(
        &self,
        cursor: &mut Cursor,
        from: &LogReadFrom,
        entries: &[(Position, Entry)],
        is_last: bool,
    ) -> Meeting {
        let state = self.state();
        let window = &state.window;
        let current = window.generations().current();
        cursor.generation = current;
        if window.has(cursor.after) {
            return Meeting::default();
        }
        let before = entries.partition_point(|(position, _)| *position < window.floor());
        let mut following = entries[before..].iter();
        if let Some(met) = following.position(|(position, _)| window.has(*position)) {
            return Meeting {
                taken: before + met + 1,
                ..Meeting::default()
            };
        }
        cursor.generation = from.generation;
        let reaches_window = is_last || before < entries.len();
        let is_of_window = entries.iter().any(|(position, _)| *position == from.head);
        if !reaches_window || is_of_window {
            // The next page is after these.
            return Meeting {
                taken: before,
                ..Meeting::default()
            };
        }
        if from.has_entries {
            cursor.generation = window.generations().none();
            return Meeting {
                taken: before,
                differs: true,
                ..Meeting::default()
            };
        }
        from.continue_at_floor(cursor, entries)
    }
}

impl LogReadFrom {
    /// Takes the entries up to where the window began. It had none, so those that follow come to it, or have come.
    pub(crate) fn continue_at_floor(
        &self,
        cursor: &mut Cursor,
        entries: &[(Position, Entry)],
    ) -> Meeting {
        cursor.generation = self.generation;
        Meeting {
            taken: entries.partition_point(|(position, _)| *position <= self.floor),
            after: Some(self.floor),
            differs: false,
        }
    }

    /// Moves the cursor to the head of the window, which was brought up to date: the log knows the cursor's position, and
    /// has no entry between the two.
    pub(crate) fn continue_at_head(&self, cursor: &mut Cursor) {
        cursor.generation = self.generation;
        cursor.after = self.head;
    }
}
