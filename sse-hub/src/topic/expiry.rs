//! When the topics that nothing uses have no history left, so that the registry finds one to evict
//! without looking at all others.
//!
//! The time of a topic is noted under the topic's lock, and that of the queue is taken last. Publishing
//! postpones it, but not each time: it may be noted as earlier than it is, never as later. (An engine
//! that loses what it had makes it earlier, which the next look at the topic finds.)

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Publishing postpones a noted time by at least an eighth of the time that is left, and by this many
/// milliseconds: the lock of the queue is one for all topics.
const MIN_POSTPONEMENT: u64 = 1_000;

/// The topics that nothing but their history needs, by the time from which they have none. They are named
/// by their slots in the registry.
#[derive(Debug, Default)]
pub(crate) struct ExpiryQueue(Mutex<BTreeSet<(u64, usize)>>);

impl ExpiryQueue {
    /// Returns the slot of the topic that has expired first by `now`.
    pub(crate) fn first(&self, now: u64) -> Option<usize> {
        let (at, slot) = *self.lock().first()?;
        (at <= now).then_some(slot)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(u64, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A topic's place in the queue; it is in none once it is evicted.
#[derive(Debug)]
pub(crate) struct Expiry {
    queue: Option<Arc<ExpiryQueue>>,
    slot: usize,
    noted: Option<u64>,
}

impl Expiry {
    pub(crate) fn new(queue: Arc<ExpiryQueue>, slot: usize) -> Self {
        Self {
            queue: Some(queue),
            slot,
            noted: None,
        }
    }

    pub(crate) fn slot(&self) -> usize {
        self.slot
    }

    /// Notes that the topic expires at `at`, unless that is little later than what is noted.
    #[inline]
    pub(crate) fn postpone(&mut self, at: u64, now: u64) {
        let step = (at.saturating_sub(now) / 8).max(MIN_POSTPONEMENT);
        let is_little = |noted: u64| at < noted.saturating_add(step);
        if !self.noted.is_some_and(is_little) {
            self.note(Some(at));
        }
    }

    /// Notes when the topic expires; `None` if it is in use.
    #[inline]
    pub(crate) fn set(&mut self, at: Option<u64>) {
        if self.noted != at {
            self.note(at);
        }
    }

    /// Takes the topic out of the queue, as it is evicted.
    pub(crate) fn end(&mut self) {
        self.note(None);
        self.queue = None;
    }

    #[cold]
    fn note(&mut self, at: Option<u64>) {
        let Some(queue) = &self.queue else {
            return;
        };
        let mut queue = queue.lock();
        if let Some(noted) = self.noted {
            queue.remove(&(noted, self.slot));
        }
        if let Some(at) = at {
            queue.insert((at, self.slot));
        }
        self.noted = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_that_has_expired_first_is_found() {
        let queue = Arc::new(ExpiryQueue::default());
        let [mut first, mut second] = [7, 3].map(|slot| Expiry::new(Arc::clone(&queue), slot));
        assert_eq!(queue.first(u64::MAX), None);
        first.set(Some(10));
        second.set(Some(20));
        assert_eq!((queue.first(9), queue.first(10)), (None, Some(7)));
        first.set(Some(30));
        assert_eq!((queue.first(19), queue.first(20)), (None, Some(3)));
        second.set(None);
        assert_eq!((queue.first(29), queue.first(30)), (None, Some(7)));
        first.end();
        // An entry of an engine came late.
        first.postpone(100_000, 0);
        assert_eq!(queue.first(u64::MAX), None);
    }

    #[test]
    fn a_time_is_postponed_in_steps_and_never_noted_as_later_than_it_is() {
        let queue = Arc::new(ExpiryQueue::default());
        let mut expiry = Expiry::new(Arc::clone(&queue), 0);
        let mut notes = 0;
        for now in 0..80_000 {
            let at = now + 80_000;
            let noted = expiry.noted;
            expiry.postpone(at, now);
            notes += u32::from(expiry.noted != noted);
            let noted = expiry.noted.expect("noted");
            assert!((at - 10_000..=at).contains(&noted), "{noted} {at}");
        }
        assert_eq!(notes, 8);
    }
}
