//! The newest position that each topic's publishers were answered.
//!
//! An engine that fails may lose entries at the end of a topic, also of one that is not in use here. A
//! node that has published such an entry knows that it was there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::position::Position;

/// The newest position of each of a bounded number of topics; of too many, one is forgotten that was
/// not published to for long.
#[derive(Debug)]
pub(crate) struct Answered {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<Arc<str>, Newest>,
    /// The names of all topics. Those are forgotten first that were not published to since they
    /// were at the front.
    queue: VecDeque<Arc<str>>,
    /// How often the live entries were interrupted.
    interruptions: u64,
    /// The topics whose positions were answered after an interruption, but requested before it.
    late: Vec<Arc<str>>,
}

#[derive(Debug)]
struct Newest {
    position: Position,
    /// Whether it was noted again since the topic was at the front of the queue.
    is_recent: bool,
}

impl Answered {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            state: Mutex::default(),
        }
    }

    /// Returns how often the live entries were interrupted before a request that begins now.
    pub(crate) fn interruptions(&self) -> u64 {
        self.state().interruptions
    }

    /// Notes that a request, which began after so many interruptions, was answered with a position.
    /// Returns whether there was an interruption meanwhile, so that the position is yet to be checked.
    #[must_use]
    pub(crate) fn note(&self, topic: &str, position: Position, interruptions: u64) -> bool {
        let mut state = self.state();
        if let Some(newest) = state.topics.get_mut(topic) {
            newest.position = newest.position.max(position);
            newest.is_recent = true;
        } else {
            state.make_room(self.limit);
            state.add(topic.into(), position);
        }
        let is_late = state.interruptions != interruptions;
        if is_late {
            state.late.push(topic.into());
        }
        is_late
    }

    /// Returns the newest position of a topic.
    pub(crate) fn get(&self, topic: &str) -> Option<Position> {
        let state = self.state();
        let position = state.topics.get(topic).map(|newest| newest.position);
        position.filter(|position| *position != Position::OLDEST)
    }

    /// Forgets the position of a topic if it is one of those after `kept` up to `lost`, which the engine
    /// has lost.
    pub(crate) fn forget(&self, topic: &str, kept: Position, lost: Position) {
        let mut state = self.state();
        if let Some(newest) = state.topics.get_mut(topic)
            && kept < newest.position
            && newest.position <= lost
        {
            // The name stays in the queue, for what is published next.
            newest.position = Position::OLDEST;
        }
    }

    /// Notes an interruption, and returns the topics to check.
    pub(crate) fn interrupt(&self) -> Vec<Arc<str>> {
        let mut state = self.state();
        state.interruptions += 1;
        state.topics.keys().cloned().collect()
    }

    /// Returns the topics whose positions were answered late since the last call.
    pub(crate) fn take_late(&self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.state().late)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, topic: Arc<str>, position: Position) {
        let newest = Newest {
            position,
            is_recent: false,
        };
        self.topics.insert(Arc::clone(&topic), newest);
        self.queue.push_back(topic);
    }

    fn make_room(&mut self, limit: usize) {
        while self.topics.len() >= limit.max(1) {
            let Some(topic) = self.queue.pop_front() else {
                return;
            };
            match self.topics.get_mut(&topic) {
                Some(newest) if newest.is_recent => {
                    newest.is_recent = false;
                    self.queue.push_back(topic);
                }
                _ => {
                    self.topics.remove(&topic);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u64) -> Position {
        Position::new(1, number)
    }

    #[test]
    fn the_topics_that_were_not_published_to_for_long_are_forgotten() {
        let answered = Answered::new(3);
        for (topic, number) in [("a", 1), ("b", 2), ("c", 3), ("a", 5), ("a", 4), ("d", 6)] {
            assert!(!answered.note(topic, at(number), 0));
        }
        let positions = ["a", "b", "c", "d"].map(|topic| answered.get(topic));
        assert_eq!(positions, [Some(at(5)), None, Some(at(3)), Some(at(6))]);
        assert!(!answered.note("e", at(7), 0));
        assert_eq!(answered.get("c"), None);
        let mut topics = answered.interrupt();
        topics.sort();
        assert_eq!(
            topics,
            ["a".into(), "d".into(), "e".into()] as [Arc<str>; 3]
        );
    }

    #[test]
    fn an_answer_to_a_request_from_before_an_interruption_is_late() {
        let answered = Answered::new(3);
        let before = answered.interruptions();
        answered.interrupt();
        assert!(answered.note("a", at(1), before));
        assert!(!answered.note("b", at(1), answered.interruptions()));
        assert_eq!(answered.take_late(), ["a".into()] as [Arc<str>; 1]);
        assert!(answered.take_late().is_empty());
    }

    #[test]
    fn only_a_position_that_was_lost_is_forgotten() {
        let answered = Answered::new(3);
        assert!(!answered.note("a", at(2), 0));
        answered.forget("a", at(0), at(1));
        answered.forget("a", at(2), at(3));
        assert_eq!(answered.get("a"), Some(at(2)));
        answered.forget("a", at(1), at(2));
        assert!(!answered.note("a", at(1), 0));
        assert_eq!(answered.get("a"), Some(at(1)));
    }
}
