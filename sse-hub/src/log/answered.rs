//! The newest position of each topic that the engine has answered, to a publisher or to a reader that
//! was beyond the window.
//!
//! An engine that fails may lose entries at the end of a topic, also of one that is not in use here. A
//! node that has published or read such an entry knows that it was there.
//!
//! An answer takes the place of an earlier one only when the driver has seen that there was no
//! interruption in between: the earlier one may have been lost by then, and the later one not.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::position::Position;

/// How many answers wait for the driver until it is woken again.
const WAKE_EVERY: usize = 64;

/// The newest positions of each of a bounded number of topics; of too many, one is forgotten that was
/// not published to for long.
#[derive(Debug)]
pub(crate) struct Answered {
    limit: usize,
    state: Mutex<State>,
}

/// A position that the engine has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) topic: Arc<str>,
    pub(crate) position: Position,
    /// Whether a reader is there, or was.
    pub(crate) is_read: bool,
    /// How often the live entries were interrupted before the request.
    interruptions: u64,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<Arc<str>, Newest>,
    /// The names of all topics. Those are forgotten first that were not published to since they
    /// were at the front.
    queue: VecDeque<Arc<str>>,
    /// What was answered since the driver has taken the answers.
    recent: Vec<Answer>,
    /// How often the live entries were interrupted.
    interruptions: u64,
}

#[derive(Debug)]
struct Newest {
    /// The greatest position and the one that was answered last. That is another one if answers come in
    /// another order, or if an engine with a clock that is behind has lost the greatest one.
    positions: [Position; 2],
    /// Whether a reader was ever given a position beyond the window.
    is_read: bool,
    /// Whether it was noted again since the topic was at the front of the queue.
    is_recent: bool,
}

impl Answered {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            state: Mutex::default(),
        }
    }

    /// Returns how often the live entries were interrupted before a request that begins now.
    pub(crate) fn interruptions(&self) -> u64 {
        self.state().interruptions
    }

    /// Notes that a publisher, whose request began after so many interruptions, was answered a position.
    /// Returns whether to wake the driver, which takes it.
    #[must_use]
    pub(crate) fn note(&self, topic: &str, position: Position, interruptions: u64) -> bool {
        self.put(topic, position, interruptions, false)
    }

    /// As [`note`](Self::note), for a reader.
    #[must_use]
    pub(crate) fn note_read(&self, topic: &str, position: Position, interruptions: u64) -> bool {
        self.put(topic, position, interruptions, true)
    }

    fn put(&self, topic: &str, position: Position, interruptions: u64, is_read: bool) -> bool {
        let mut state = self.state();
        let name = state.topics.get_key_value(topic);
        let answer = Answer {
            topic: name.map_or_else(|| topic.into(), |(name, _)| Arc::clone(name)),
            position,
            is_read,
            interruptions,
        };
        if state.recent.len() == self.limit {
            // The driver is not polled.
            state.add(answer, self.limit);
            return false;
        }
        state.recent.push(answer);
        state.recent.len() % WAKE_EVERY == 1
    }

    /// Takes what was answered since the last call. The driver then takes the live entries that are
    /// there, before it [adds](Self::add) the answers.
    pub(crate) fn take_recent(&self) -> Vec<Answer> {
        std::mem::take(&mut self.state().recent)
    }

    /// Adds an answer. Returns it if there was an interruption since the request, so that it is to be
    /// checked.
    pub(crate) fn add(&self, answer: Answer) -> Option<Answer> {
        let mut state = self.state();
        let is_late = answer.interruptions != state.interruptions;
        let late = is_late.then(|| answer.clone());
        state.add(answer, self.limit);
        late
    }

    /// Notes an interruption. Returns the answers to check.
    pub(crate) fn interrupt(&self) -> Vec<Answer> {
        let mut state = self.state();
        state.interruptions += 1;
        let interruptions = state.interruptions;
        let topics = state.topics.iter();
        let answers = topics.flat_map(|(topic, newest)| {
            newest.distinct().map(move |position| Answer {
                topic: Arc::clone(topic),
                position,
                is_read: newest.is_read,
                interruptions,
            })
        });
        answers.collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Newest {
    fn distinct(&self) -> impl Iterator<Item = Position> + use<> {
        let [greatest, latest] = self.positions;
        let other = (latest != greatest).then_some(latest);
        std::iter::once(greatest).chain(other)
    }
}

impl State {
    fn add(&mut self, answer: Answer, limit: usize) {
        if let Some(newest) = self.topics.get_mut(&answer.topic) {
            let [greatest, _] = newest.positions;
            newest.positions = [greatest.max(answer.position), answer.position];
            newest.is_read |= answer.is_read;
            newest.is_recent = true;
            return;
        }
        self.make_room(limit);
        let newest = Newest {
            positions: [answer.position; 2],
            is_read: answer.is_read,
            is_recent: false,
        };
        self.topics.insert(Arc::clone(&answer.topic), newest);
        self.queue.push_back(answer.topic);
    }

    fn make_room(&mut self, limit: usize) {
        while self.topics.len() >= limit {
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

    /// Notes an answer as a publisher and the driver do.
    fn note(answered: &Answered, topic: &str, number: u64) {
        assert!(answered.note(topic, at(number), answered.interruptions()));
        for answer in answered.take_recent() {
            assert_eq!(answered.add(answer), None);
        }
    }

    fn interrupt(answered: &Answered) -> Vec<(String, u64)> {
        let answers = answered.interrupt().into_iter();
        let answers = answers.map(|it| (it.topic.to_string(), it.position.minor()));
        let mut answers: Vec<_> = answers.collect();
        answers.sort();
        answers
    }

    #[test]
    fn the_topics_that_were_not_published_to_for_long_are_forgotten() {
        let answered = Answered::new(3);
        for (topic, number) in [("a", 1), ("b", 2), ("c", 3), ("a", 5), ("a", 5), ("d", 6)] {
            note(&answered, topic, number);
        }
        let left = [("a", 5), ("c", 3), ("d", 6)].map(|(topic, at)| (topic.to_owned(), at));
        assert_eq!(interrupt(&answered), left);
        note(&answered, "e", 7);
        let left = [("a", 5), ("d", 6), ("e", 7)].map(|(topic, at)| (topic.to_owned(), at));
        assert_eq!(interrupt(&answered), left);
    }

    #[test]
    fn an_answer_takes_no_place_before_the_driver_has_looked_for_an_interruption() {
        let answered = Answered::new(3);
        note(&answered, "a", 5);
        assert!(answered.note("a", at(7), answered.interruptions()));
        assert!(!answered.note("a", at(8), answered.interruptions()));
        let recent = answered.take_recent();
        assert_eq!(interrupt(&answered), [("a".to_owned(), 5)]);
        // They may have been lost as well.
        for answer in recent {
            assert!(answered.add(answer).is_some());
        }
        assert_eq!(interrupt(&answered), [("a".to_owned(), 8)]);
    }

    #[test]
    fn what_a_driver_that_is_not_polled_does_not_take_is_bounded() {
        let answered = Answered::new(3);
        for number in 0..10 {
            let _ = answered.note("a", at(number), 0);
        }
        assert_eq!(answered.take_recent().len(), 3);
    }

    #[test]
    fn the_greatest_position_and_the_last_one_are_kept() {
        let answered = Answered::new(3);
        for number in [3, 5, 4] {
            note(&answered, "a", number);
        }
        let both = [4, 5].map(|number| ("a".to_owned(), number));
        assert_eq!(interrupt(&answered), both);
    }
}
