//! The newest position of each topic that the engine has answered to a publisher.
//!
//! An engine that fails may lose entries at the end of a topic, also of one that is not in use here. A
//! node that has published such an entry knows that it was there.
//!
//! An answer takes the place of an earlier one only when the driver has seen that there was no
//! interruption in between: the earlier one may have been lost by then, and the later one not.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::position::Position;

/// How many answers wait for the driver until it is woken again.
const WAKE_EVERY: usize = 64;

/// How many topics that were published to again are passed over to find one that was not: all publishers
/// wait meanwhile.
const MAX_SPARED: usize = 16;

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
    /// What was found to be lost, until its mark is certain.
    lost: HashSet<(Arc<str>, Position)>,
    /// How often the live entries were interrupted.
    interruptions: u64,
}

#[derive(Debug)]
struct Newest {
    /// The greatest position that was answered.
    greatest: Noted,
    /// The one that was answered last. That is another one if answers come in another order, or if an engine with a
    /// clock that is behind has lost the greatest one.
    latest: Noted,
    /// The last mark of a loss that is known, or a later entry: a loss of the mark alone would hide the first one.
    mark: Option<Position>,
    /// Whether it was noted again since the topic was at the front of the queue.
    is_recent: bool,
}

/// A position, and how often the live entries were interrupted before it was requested.
#[derive(Clone, Copy, Debug)]
struct Noted {
    position: Position,
    interruptions: u64,
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
        let mut state = self.state();
        let name = state.topics.get_key_value(topic);
        let answer = Answer {
            topic: name.map_or_else(|| topic.into(), |(name, _)| Arc::clone(name)),
            position,
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
                interruptions,
            })
        });
        let lost = state.lost.iter().map(|(topic, position)| Answer {
            topic: Arc::clone(topic),
            position: *position,
            interruptions,
        });
        answers.chain(lost).collect()
    }

    /// Returns what is to be checked of a topic that was evicted at `head` without being read.
    pub(crate) fn left(&self, topic: &Arc<str>, head: Position) -> Vec<Answer> {
        let state = self.state();
        let newest = state.topics.get(topic);
        let others = newest.into_iter().flat_map(Newest::distinct);
        let positions = std::iter::once(head).chain(others.filter(|it| *it != head));
        let answer = |position| Answer {
            topic: Arc::clone(topic),
            position,
            interruptions: state.interruptions,
        };
        positions.map(answer).collect()
    }

    /// Notes that the loss of a position is about to be marked. Returns how often the live entries were
    /// interrupted before.
    pub(crate) fn begin_mark(&self, topic: &str, position: Position) -> u64 {
        let mut state = self.state();
        if state.lost.len() < self.limit {
            state.lost.insert((topic.into(), position));
        }
        state.interruptions
    }

    /// Notes that the loss of a position is marked, if that is needed. If there was an interruption since it
    /// [began](Self::begin_mark), the mark may be lost, and the position is checked again.
    pub(crate) fn end_mark(
        &self,
        topic: &str,
        position: Position,
        interruptions: u64,
        mark: Option<Position>,
    ) {
        let is_told = |noted: &Noted| noted.position == position;
        self.end(topic, position, interruptions, mark, is_told);
    }

    /// As [`end_mark`](Self::end_mark), if the log was then read up to `end`: that is not before anything that was
    /// requested before the interruption and is left.
    pub(crate) fn end_repair(
        &self,
        topic: &str,
        position: Position,
        interruptions: u64,
        end: Position,
    ) {
        let is_told = |noted: &Noted| noted.interruptions < interruptions;
        self.end(topic, position, interruptions, Some(end), is_told);
    }

    fn end(
        &self,
        topic: &str,
        position: Position,
        interruptions: u64,
        mark: Option<Position>,
        is_told: impl Fn(&Noted) -> bool,
    ) {
        let mut state = self.state();
        if state.interruptions != interruptions {
            drop(state);
            if let Some(mark) = mark {
                let _ = self.note(topic, mark, interruptions);
            }
            return;
        }
        state.lost.remove(&(topic.into(), position));
        let Some(mark) = mark else {
            return;
        };
        // It may be lost later, when the topic is not in use here.
        if let Some(newest) = state.topics.get_mut(topic) {
            newest.set_marked(mark, interruptions, is_told);
        } else {
            let answer = Answer {
                topic: topic.into(),
                position: mark,
                interruptions,
            };
            state.add(answer, self.limit);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Newest {
    fn distinct(&self) -> impl Iterator<Item = Position> + use<> {
        let [greatest, latest] = [self.greatest.position, self.latest.position];
        let latest = Some(latest).filter(|latest| *latest != greatest);
        let mark = self
            .mark
            .filter(|mark| ![Some(greatest), latest].contains(&Some(*mark)));
        std::iter::once(greatest).chain(latest).chain(mark)
    }

    /// Notes the mark of a loss in place of the positions whose loss it tells.
    fn set_marked(&mut self, mark: Position, interruptions: u64, is_told: impl Fn(&Noted) -> bool) {
        let noted = Noted {
            position: mark,
            interruptions,
        };
        match [&self.greatest, &self.latest].map(is_told) {
            [true, true] => (self.greatest, self.latest) = (noted, noted),
            [true, false] => self.greatest = self.latest,
            [false, true] => self.latest = self.greatest,
            [false, false] => {}
        }
        self.mark = Some(mark);
    }
}

impl State {
    fn add(&mut self, answer: Answer, limit: usize) {
        let noted = Noted {
            position: answer.position,
            interruptions: answer.interruptions,
        };
        if let Some(newest) = self.topics.get_mut(&answer.topic) {
            if newest.greatest.position <= noted.position {
                newest.greatest = noted;
            }
            newest.latest = noted;
            newest.is_recent = true;
            return;
        }
        self.make_room(limit);
        let newest = Newest {
            greatest: noted,
            latest: noted,
            mark: None,
            is_recent: false,
        };
        self.topics.insert(Arc::clone(&answer.topic), newest);
        self.queue.push_back(answer.topic);
    }

    fn make_room(&mut self, limit: usize) {
        let mut spared = 0;
        while self.topics.len() >= limit {
            let Some(topic) = self.queue.pop_front() else {
                return;
            };
            match self.topics.get_mut(&topic) {
                Some(newest) if newest.is_recent && spared < MAX_SPARED => {
                    spared += 1;
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
    fn if_all_were_published_to_again_one_is_forgotten_without_going_through_all() {
        let limit = 1_000;
        let answered = Answered::new(limit);
        for _ in 0..2 {
            for number in 0..limit {
                note(&answered, &number.to_string(), 1);
            }
        }
        note(&answered, "new", 1);
        assert_eq!(interrupt(&answered).len(), limit);
        let state = answered.state();
        let spared = state.topics.values().filter(|newest| !newest.is_recent);
        assert_eq!(spared.count(), MAX_SPARED + 1);
        assert!(!state.topics.contains_key(&*MAX_SPARED.to_string()));
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
    fn a_position_whose_loss_is_marked_is_not_checked_again_but_its_mark_is() {
        let marked = |number, mark, notes: &[u64]| {
            let answered = Answered::new(3);
            for number in notes {
                note(&answered, "a", *number);
            }
            let _ = interrupt(&answered);
            let interruptions = answered.begin_mark("a", at(number));
            answered.end_mark("a", at(number), interruptions, mark);
            interrupt(&answered)
        };
        let of = |numbers: &[u64]| {
            let numbers = numbers.iter().map(|number| ("a".to_owned(), *number));
            numbers.collect::<Vec<_>>()
        };
        // With a clock that is behind, the lost position is the greatest one for long.
        assert_eq!(marked(9, Some(at(4)), &[9]), of(&[4]));
        assert_eq!(marked(9, Some(at(4)), &[9, 3]), of(&[3, 4]));
        assert_eq!(marked(3, Some(at(12)), &[9, 3]), of(&[9, 12]));
        assert_eq!(marked(5, Some(at(12)), &[9, 3]), of(&[3, 9, 12]));
        assert_eq!(marked(9, None, &[9]), of(&[9]));
        assert_eq!(marked(9, Some(at(4)), &[]), of(&[4]));
    }

    #[test]
    fn what_was_answered_before_the_log_was_read_to_its_end_is_not_checked_again() {
        let answered = Answered::new(3);
        for number in [9, 7] {
            note(&answered, "a", number);
        }
        let _ = interrupt(&answered);
        let interruptions = answered.begin_mark("a", at(8));
        note(&answered, "a", 3);
        answered.end_repair("a", at(8), interruptions, at(4));
        let both = [3, 4].map(|number| ("a".to_owned(), number));
        assert_eq!(interrupt(&answered), both);
    }

    #[test]
    fn a_mark_that_may_be_lost_is_checked_with_the_position_that_it_tells_of() {
        let answered = Answered::new(3);
        note(&answered, "a", 9);
        let _ = interrupt(&answered);
        let interruptions = answered.begin_mark("a", at(9));
        let _ = interrupt(&answered);
        answered.end_mark("a", at(9), interruptions, Some(at(12)));
        let late = answered.take_recent().pop().expect("the mark");
        assert!(answered.add(late).is_some());
        let all = [9, 12].map(|number| ("a".to_owned(), number));
        let mut left = interrupt(&answered);
        left.dedup();
        assert_eq!(left, all);
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
