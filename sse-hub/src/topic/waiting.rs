//! Who waits for a topic's next event.
//!
//! Publishing takes the whole list away in one step and wakes it outside of the topic's lock, so
//! what is held under the lock does not grow with the number of subscribers. A subscriber that
//! asks again in the same round needs no lock to learn that there is still nothing.

use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

#[derive(Debug)]
pub(crate) struct Waiting {
    /// Counts how often the list was taken; a place is good for one round.
    round: u64,
    wakers: Vec<Option<Waker>>,
    /// Places given up in this round.
    free: Vec<usize>,
    /// The list of the last round, emptied, so that its memory is used again.
    spare: Vec<Option<Waker>>,
}

/// The round that goes on, for those who do not have the lock. It may be seen late: who takes the
/// round before for the present one is about to be woken.
#[derive(Debug)]
pub(crate) struct Round(AtomicU64);

/// One subscriber's place in the list.
#[derive(Debug, Default)]
pub(crate) struct Place {
    round: u64,
    index: usize,
    waker: Identity,
}

/// What tells wakers apart. That of one which is in the list stays its own, as the list keeps what
/// it points to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Identity {
    data: usize,
    vtable: usize,
}

impl Identity {
    fn of(waker: &Waker) -> Self {
        Self {
            data: waker.data().addr(),
            vtable: ptr::from_ref(waker.vtable()).addr(),
        }
    }
}

impl Round {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(FIRST))
    }

    /// Notes that the list was taken.
    pub(crate) fn follow(&self, waiting: &Waiting) {
        self.0.store(waiting.round, Ordering::Release);
    }
}

impl Place {
    /// Whether `waker` is in the list, which was not taken since.
    pub(crate) fn is_waiting(&self, waker: &Waker, round: &Round) -> bool {
        self.round == round.0.load(Ordering::Acquire) && self.waker == Identity::of(waker)
    }
}

const FIRST: u64 = 1;

impl Waiting {
    pub(crate) const fn new() -> Self {
        Self {
            round: FIRST,
            wakers: Vec::new(),
            free: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Puts `waker` into the list, in place of the one that this subscriber had there. That one
    /// is handed back to be dropped outside of the lock, for it may hold the last of a task.
    #[must_use]
    pub(crate) fn wait(&mut self, place: &mut Place, waker: &Waker) -> Option<Waker> {
        place.waker = Identity::of(waker);
        if place.round == self.round
            && let Some(there) = self.wakers.get_mut(place.index)
        {
            let same = there.as_ref().is_some_and(|there| there.will_wake(waker));
            return if same {
                None
            } else {
                there.replace(waker.clone())
            };
        }
        place.round = self.round;
        if let Some(index) = self.free.pop() {
            place.index = index;
            self.wakers[index] = Some(waker.clone());
        } else {
            place.index = self.wakers.len();
            self.wakers.push(Some(waker.clone()));
        }
        None
    }

    /// Gives a place up.
    #[must_use]
    pub(crate) fn leave(&mut self, place: &mut Place) -> Option<Waker> {
        if place.round != self.round {
            return None;
        }
        place.round = 0;
        self.free.push(place.index);
        self.wakers.get_mut(place.index).and_then(Option::take)
    }

    /// Takes all that wait, to be woken outside of the lock.
    #[must_use]
    pub(crate) fn take(&mut self) -> Vec<Option<Waker>> {
        if self.wakers.is_empty() {
            return Vec::new();
        }
        self.round += 1;
        self.free.clear();
        std::mem::replace(&mut self.wakers, std::mem::take(&mut self.spare))
    }

    /// Gives an emptied list back.
    pub(crate) fn reuse(&mut self, emptied: Vec<Option<Waker>>) {
        if emptied.capacity() > self.spare.capacity() {
            self.spare = emptied;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wake_all(waiting: &mut Waiting) {
        let mut all = waiting.take();
        all.drain(..).flatten().for_each(Waker::wake);
        waiting.reuse(all);
    }

    #[test]
    fn each_is_woken_once_by_its_latest_waker() {
        let mut waiting = Waiting::new();
        let counts: [Arc<Count>; 3] = Default::default();
        let wakers = counts.clone().map(Waker::from);
        let mut places: [Place; 3] = Default::default();
        for (place, waker) in places.iter_mut().zip(&wakers) {
            assert!(waiting.wait(place, waker).is_none());
            assert!(waiting.wait(place, waker).is_none());
        }
        // The second one leaves, the first one moves to the third one's task.
        assert!(waiting.leave(&mut places[1]).is_some());
        assert!(waiting.leave(&mut places[1]).is_none());
        assert!(waiting.wait(&mut places[0], &wakers[2]).is_some());
        wake_all(&mut waiting);
        wake_all(&mut waiting);
        let counts = counts.map(|count| count.0.load(Ordering::Relaxed));
        assert_eq!(counts, [0, 0, 2]);
    }

    #[test]
    fn one_that_waits_knows_it_until_the_list_is_taken() {
        let (mut waiting, round) = (Waiting::new(), Round::new());
        let mut place = Place::default();
        let wakers: [_; 2] = std::array::from_fn(|_| Waker::from(Arc::new(Count::default())));
        assert!(!place.is_waiting(&wakers[0], &round));
        assert!(waiting.wait(&mut place, &wakers[0]).is_none());
        assert!(place.is_waiting(&wakers[0], &round));
        assert!(place.is_waiting(&wakers[0].clone(), &round));
        assert!(!place.is_waiting(&wakers[1], &round));
        wake_all(&mut waiting);
        round.follow(&waiting);
        assert!(!place.is_waiting(&wakers[0], &round));

        assert!(waiting.wait(&mut place, &wakers[0]).is_none());
        assert!(waiting.leave(&mut place).is_some());
        assert!(!place.is_waiting(&wakers[0], &round));
    }

    #[test]
    fn subscribers_that_come_and_go_leave_nothing_behind() {
        let mut waiting = Waiting::new();
        for _ in 0..100 {
            let mut place = Place::default();
            assert!(waiting.wait(&mut place, Waker::noop()).is_none());
            assert!(waiting.leave(&mut place).is_some());
        }
        assert_eq!(waiting.wakers.len(), 1);
    }
}
