//! The entries that wait to be appended, so that many of them share a call.
//!
//! While only few calls are under way, each publishing future makes its own, which takes no waiting.
//! Otherwise it puts its entry in the queue, from which the driver takes batches. A batch depends on no
//! publishing future; one that is dropped takes its entry out again, unless a batch has it.
//!
//! Entries are taken in the order in which their futures were first polled. While all calls use one connection, whose
//! server knows the script, they are also appended in that order; a call that has to be made again, with the script,
//! is overtaken by those after it, and of two connections each has an order of its own. The queue has no limit: each
//! entry in it belongs to a future that a caller holds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use futures_util::task::AtomicWaker;
use tokio::sync::oneshot;

use crate::log::EngineError;
use crate::position::Position;

/// How many calls with one entry may be under way.
const MAX_SINGLE: usize = 4;

/// How many calls with a batch may be under way: the server works on one while the other is on its way.
const MAX_BATCHES: usize = 2;

/// How many entries must wait for a batch to begin while another one is under way. Otherwise, batches would
/// become small.
const MIN_SECOND: usize = 24;

/// How many entries a batch has at most. Redis does nothing else meanwhile.
const MAX_ENTRIES: usize = 256;

/// How many bytes the events of a batch have, except for the last one.
const MAX_BYTES: usize = 256 * 1024;

/// An entry that is to be appended.
pub(super) struct ToAppend {
    pub(super) topic: String,
    pub(super) event: Vec<u8>,
    pub(super) key: Option<String>,
    /// Whether it ends the topic.
    pub(super) is_last: bool,
}

type Appended = Result<Position, EngineError>;

/// An entry in a batch, and the future that waits for its position.
pub(super) type Waiting = (ToAppend, oneshot::Sender<Appended>);

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// The task that takes batches. Cloning, waking and dropping a waker may run code of the caller's, so it is not
    /// under the lock.
    driver: AtomicWaker,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<u64, Waiting>,
    /// The number of the next entry that waits.
    next: u64,
    single: usize,
    batches: usize,
    /// Whether there was a batch just before, so that more entries can be expected.
    is_busy: bool,
}

/// How an entry is appended.
pub(super) enum Turn<'a> {
    /// By a call of its own.
    Single(ToAppend, Single<'a>),
    /// By the driver.
    Waits(Place<'a>),
}

/// A call with one entry, which ends when this is dropped.
pub(super) struct Single<'a>(&'a Queue);

/// A place in the queue.
pub(super) struct Place<'a> {
    queue: &'a Queue,
    number: u64,
    answer: oneshot::Receiver<Appended>,
}

impl Queue {
    /// Decides how an entry is appended, and puts it in the queue if it has to wait.
    pub(super) fn enter(&self, entry: ToAppend, is_connected: bool) -> Turn<'_> {
        let mut state = self.state();
        let is_quiet = state.waiting.is_empty() && state.batches == 0 && !state.is_busy;
        if is_quiet && is_connected && state.single < MAX_SINGLE {
            state.single += 1;
            return Turn::Single(entry, Single(self));
        }
        let (sender, answer) = oneshot::channel();
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, (entry, sender));
        let may_begin = state.may_begin();
        drop(state);
        if may_begin {
            self.driver.wake();
        }
        Turn::Waits(Place {
            queue: self,
            number,
            answer,
        })
    }

    /// Takes the next batch, if one may begin; otherwise the waker is woken when that is so because of what is
    /// put in. [`end_batch`](Self::end_batch) must be called after a batch.
    pub(super) fn take_batch(&self, waker: &Waker) -> Option<Vec<Waiting>> {
        // Before the state is looked at, so that no entry is missed that comes meanwhile.
        self.driver.register(waker);
        let mut state = self.state();
        if !state.may_begin() {
            state.is_busy &= state.batches > 0;
            return None;
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < MAX_ENTRIES && bytes < MAX_BYTES {
            let Some((_, (entry, answer))) = state.waiting.pop_first() else {
                break;
            };
            bytes += entry.event.len();
            batch.push((entry, answer));
        }
        state.batches += 1;
        state.is_busy = true;
        Some(batch)
    }

    pub(super) fn end_batch(&self) {
        self.state().batches -= 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a batch may begin.
    fn may_begin(&self) -> bool {
        match self.batches {
            0 => !self.waiting.is_empty(),
            1..MAX_BATCHES => self.waiting.len() >= MIN_SECOND,
            _ => false,
        }
    }
}

impl Drop for Single<'_> {
    fn drop(&mut self) {
        self.0.state().single -= 1;
    }
}

impl Place<'_> {
    /// Waits for the position of the entry.
    pub(super) async fn answer(mut self) -> Appended {
        let answer = (&mut self.answer).await;
        // The engine is gone, and its driver with it.
        answer.unwrap_or(Err(EngineError::Unavailable))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let entry = self.queue.state().waiting.remove(&self.number);
        // Not under the lock.
        drop(entry);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use futures_util::FutureExt as _;
    use futures_util::task::noop_waker_ref;

    use super::*;

    fn entry(event: impl Into<Vec<u8>>) -> ToAppend {
        ToAppend {
            topic: "a".to_owned(),
            event: event.into(),
            key: None,
            is_last: false,
        }
    }

    fn place(queue: &Queue, event: impl Into<Vec<u8>>) -> Place<'_> {
        match queue.enter(entry(event), true) {
            Turn::Waits(place) => place,
            Turn::Single(..) => panic!("it does not wait"),
        }
    }

    fn take(queue: &Queue) -> Vec<Waiting> {
        queue.take_batch(noop_waker_ref()).unwrap_or_default()
    }

    fn events(batch: &[Waiting]) -> Vec<&[u8]> {
        batch.iter().map(|(entry, _)| &*entry.event).collect()
    }

    #[test]
    fn few_are_single_and_more_wait_in_their_order() {
        let queue = Queue::default();
        assert!(matches!(queue.enter(entry("-"), false), Turn::Waits(_)));
        let mut single = Vec::new();
        for _ in 0..MAX_SINGLE {
            match queue.enter(entry("-"), true) {
                Turn::Single(_, turn) => single.push(turn),
                Turn::Waits(_) => panic!("it waits"),
            }
        }
        let _first = place(&queue, "1");
        drop(single);
        // It must not overtake.
        let _second = place(&queue, "2");
        let batch = take(&queue);
        assert_eq!(events(&batch), [b"1", b"2"]);
        let _third = place(&queue, "3");
        assert!(
            take(&queue).is_empty(),
            "few wait for the batch before them"
        );
        queue.end_batch();
        assert_eq!(events(&take(&queue)), [b"3"]);
        // More may come.
        queue.end_batch();
        let last = place(&queue, "4");
        drop(last);
        assert!(take(&queue).is_empty());
        assert!(matches!(queue.enter(entry("-"), true), Turn::Single(..)));
    }

    /// Uses the queue as the waker of an executor might, in whatever is done with it.
    struct UsesQueue(Arc<Queue>);

    impl UsesQueue {
        fn touch(&self) {
            let state = self.0.state.try_lock();
            assert!(state.is_ok(), "the lock is held");
        }
    }

    impl Wake for UsesQueue {
        fn wake(self: Arc<Self>) {
            self.touch();
        }
    }

    impl Drop for UsesQueue {
        fn drop(&mut self) {
            self.touch();
        }
    }

    #[test]
    fn a_waker_is_neither_woken_nor_dropped_under_the_lock() {
        let queue = Arc::new(Queue::default());
        for _ in 0..2 {
            // The last reference is the one that the queue replaces.
            let waker = Waker::from(Arc::new(UsesQueue(Arc::clone(&queue))));
            assert!(queue.take_batch(&waker).is_none());
        }
        let _waits = queue.enter(entry("0"), false);
        assert_eq!(take(&queue).len(), 1);
    }

    #[test]
    fn what_is_dropped_while_it_waits_is_not_appended() {
        let queue = Queue::default();
        let _batch = queue.enter(entry("0"), false);
        let (first, second) = (place(&queue, "1"), place(&queue, "2"));
        drop(first);
        let batch = take(&queue);
        assert_eq!(events(&batch), [b"0", b"2"]);
        // A batch has it.
        drop(second);
        for (_, answer) in batch {
            let _ = answer.send(Ok(Position::OLDEST));
        }
    }

    #[test]
    fn batches_are_bounded_in_number_and_size() {
        let queue = Queue::default();
        let _none = queue.enter(entry("0"), false);
        let _many: Vec<_> = (0..3 * MAX_ENTRIES).map(|_| place(&queue, "1")).collect();
        assert_eq!(take(&queue).len(), MAX_ENTRIES);
        assert_eq!(take(&queue).len(), MAX_ENTRIES);
        assert_eq!(take(&queue).len(), 0);
        queue.end_batch();
        assert_eq!(take(&queue).len(), MAX_ENTRIES);
        queue.end_batch();
        queue.end_batch();
        assert_eq!(take(&queue).len(), 1);
        queue.end_batch();
        let long = vec![b'x'; MAX_BYTES / 2];
        let _long: Vec<_> = (0..3).map(|_| place(&queue, long.clone())).collect();
        assert_eq!(take(&queue).len(), 2);
    }

    #[test]
    fn the_answer_comes_from_the_batch() {
        let queue = Queue::default();
        let _none = queue.enter(entry("0"), false);
        let (first, second) = (place(&queue, "1"), place(&queue, "2"));
        let mut batch = take(&queue);
        let position = Position::new(1, 2);
        assert!(batch.remove(1).1.send(Ok(position)).is_ok());
        assert_eq!(
            first.answer().now_or_never().map(Result::ok),
            Some(Some(position))
        );
        drop(batch);
        let lost = second.answer().now_or_never().expect("at once");
        assert!(matches!(lost, Err(EngineError::Unavailable)));
    }
}
