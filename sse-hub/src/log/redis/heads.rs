//! The newest ids of the topics that a node appends to, as far as it knows them. With the right one, an
//! append costs the server less, as it has no entry to look up.
//!
//! They are forgotten with each new connection, whose server may have another history.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::position::Position;

/// Of how many topics they are kept.
const MAX_TOPICS: usize = 16 * 1024;

#[derive(Default)]
pub(super) struct Heads {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of the connection.
    connection: u64,
    topics: HashMap<String, Position>,
}

impl Heads {
    /// Returns the newest known position of a topic.
    pub(super) fn get(&self, connection: u64, topic: &str) -> Option<Position> {
        let state = self.state();
        let head = state.topics.get(topic).copied();
        head.filter(|_| state.connection == connection)
    }

    /// Notes a position that was answered on a connection.
    pub(super) fn note(&self, connection: u64, topic: &str, position: Position) {
        let mut state = self.state();
        if state.connection > connection {
            return;
        }
        if state.connection < connection || state.topics.len() >= MAX_TOPICS {
            state.topics.clear();
            state.connection = connection;
        }
        match state.topics.get_mut(topic) {
            // Calls are answered in their order, but not noted so.
            Some(head) => *head = position.max(*head),
            None => {
                state.topics.insert(topic.to_owned(), position);
            }
        }
    }

    /// Forgets a topic, with which something is wrong.
    pub(super) fn forget(&self, topic: &str) {
        self.state().topics.remove(topic);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_of_one_connection_and_only_grow() {
        let heads = Heads::default();
        let at = |number| Position::new(1, number);
        heads.note(1, "a", at(5));
        heads.note(1, "a", at(4));
        assert_eq!(heads.get(1, "a"), Some(at(5)));
        assert_eq!(heads.get(1, "b"), None);
        assert_eq!(heads.get(2, "a"), None);
        heads.note(2, "b", at(1));
        heads.note(1, "a", at(6));
        assert_eq!(heads.get(2, "a"), None);
        heads.forget("b");
        assert_eq!(heads.get(2, "b"), None);
    }

    #[test]
    fn heads_are_bounded() {
        let heads = Heads::default();
        for number in 0..=MAX_TOPICS {
            heads.note(1, &number.to_string(), Position::new(1, 1));
        }
        assert_eq!(heads.get(1, "0"), None);
        assert!(heads.get(1, &MAX_TOPICS.to_string()).is_some());
    }
}
