//! The tasks that wait for a topic's next event, or for a change among its members.
//!
//! Publishing takes the whole list in one step and wakes the tasks outside of the topic's lock, so
//! the time under the lock does not grow with the number of subscribers. A subscriber that is
//! polled again in the same epoch needs no lock to learn that there is still nothing.

use std::ptr;
use std::task::Waker;

use crate::sync::{AtomicU64, Ordering, reach};

#[derive(Debug)]
pub(crate) struct WaitList {
    /// Counts how often the list was taken; a slot is valid in one epoch.
    epoch: u64,
    wakers: Vec<Option<Waker>>,
    /// Slots that were left in this epoch.
    free: Vec<usize>,
    /// The emptied list of the last epoch, whose memory is used again.
    spare: Vec<Option<Waker>>,
}

/// Wakers that were taken from a list. Calling them runs code of the caller's.
#[derive(Debug, Default)]
#[must_use = "the tasks sleep until they are woken"]
pub(crate) struct Wakers(Vec<Option<Waker>>);

/// The epoch of the list, for readers without the lock. It may be seen late: a task that takes the
/// previous epoch for the current one is about to be woken.
#[derive(Debug)]
pub(crate) struct WaitEpoch(AtomicU64);

/// One subscriber's slot in the list.
#[derive(Debug, Default)]
pub(crate) struct WaitSlot {
    epoch: u64,
    index: usize,
    waker: Identity,
}

/// Tells wakers apart. The identity of a waker in the list is unique, as the list keeps alive what
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

impl Wakers {
    /// Wakes all tasks. Returns the emptied list, if it had any.
    pub(crate) fn wake(mut self) -> Option<Vec<Option<Waker>>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.drain(..).flatten().for_each(Waker::wake);
        Some(self.0)
    }
}

impl WaitEpoch {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(FIRST))
    }

    /// Notes that the list was taken.
    pub(crate) fn follow(&self, list: &WaitList) {
        self.0.store(list.epoch, Ordering::Release);
    }
}

impl WaitSlot {
    /// Whether `waker` is in the list, which was not taken since.
    pub(crate) fn is_waiting(&self, waker: &Waker, epoch: &WaitEpoch) -> bool {
        let is_waiting =
            self.epoch == epoch.0.load(Ordering::Acquire) && self.waker == Identity::of(waker);
        if is_waiting {
            reach("nothing new, without the lock");
        }
        is_waiting
    }
}

const FIRST: u64 = 1;

impl WaitList {
    pub(crate) const fn new() -> Self {
        Self {
            epoch: FIRST,
            wakers: Vec::new(),
            free: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Puts `waker` into the list, in place of the one that this subscriber has there. The waker that
    /// is not needed is returned, to be dropped outside of the lock: it may be the last owner of a
    /// task.
    #[inline]
    #[must_use]
    pub(crate) fn wait(&mut self, slot: &mut WaitSlot, waker: Waker) -> Option<Waker> {
        slot.waker = Identity::of(&waker);
        if slot.epoch == self.epoch
            && let Some(current) = self.wakers.get_mut(slot.index)
        {
            let same = current.as_ref().is_some_and(|it| it.will_wake(&waker));
            return if same {
                Some(waker)
            } else {
                reach("waker replaced");
                current.replace(waker)
            };
        }
        slot.epoch = self.epoch;
        if let Some(index) = self.free.pop() {
            reach("slot taken that another one has left");
            slot.index = index;
            self.wakers[index] = Some(waker);
        } else {
            slot.index = self.wakers.len();
            self.wakers.push(Some(waker));
        }
        None
    }

    /// Leaves a slot. Its waker is returned, to be dropped outside of the lock.
    #[must_use]
    pub(crate) fn leave(&mut self, slot: &mut WaitSlot) -> Option<Waker> {
        if slot.epoch != self.epoch {
            reach("left without a slot");
            return None;
        }
        reach("left with a slot");
        slot.epoch = 0;
        self.free.push(slot.index);
        self.wakers.get_mut(slot.index).and_then(Option::take)
    }

    /// Takes all wakers, to be woken outside of the lock.
    pub(crate) fn take(&mut self) -> Wakers {
        if self.wakers.is_empty() {
            return Wakers::default();
        }
        self.epoch += 1;
        self.free.clear();
        let spare = std::mem::take(&mut self.spare);
        Wakers(std::mem::replace(&mut self.wakers, spare))
    }

    /// Returns the memory of an emptied list.
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

    fn wake_all(waiting: &mut WaitList) {
        if let Some(emptied) = waiting.take().wake() {
            waiting.reuse(emptied);
        }
    }

    #[test]
    fn each_task_is_woken_once_by_its_latest_waker() {
        let mut waiting = WaitList::new();
        let counts: [Arc<Count>; 3] = Default::default();
        let wakers = counts.clone().map(Waker::from);
        let mut slots: [WaitSlot; 3] = Default::default();
        for (slot, waker) in slots.iter_mut().zip(&wakers) {
            assert!(waiting.wait(slot, waker.clone()).is_none());
            assert!(waiting.wait(slot, waker.clone()).is_some());
        }
        // The second one leaves, the first one moves to the task of the third one.
        assert!(waiting.leave(&mut slots[1]).is_some());
        assert!(waiting.leave(&mut slots[1]).is_none());
        assert!(waiting.wait(&mut slots[0], wakers[2].clone()).is_some());
        wake_all(&mut waiting);
        wake_all(&mut waiting);
        let counts = counts.map(|count| count.0.load(Ordering::Relaxed));
        assert_eq!(counts, [0, 0, 2]);
    }

    #[test]
    fn a_slot_knows_that_it_waits_until_the_list_is_taken() {
        let (mut waiting, epoch) = (WaitList::new(), WaitEpoch::new());
        let mut slot = WaitSlot::default();
        let wakers: [_; 2] = std::array::from_fn(|_| Waker::from(Arc::new(Count::default())));
        assert!(!slot.is_waiting(&wakers[0], &epoch));
        assert!(waiting.wait(&mut slot, wakers[0].clone()).is_none());
        assert!(slot.is_waiting(&wakers[0], &epoch));
        assert!(slot.is_waiting(&wakers[0].clone(), &epoch));
        assert!(!slot.is_waiting(&wakers[1], &epoch));
        wake_all(&mut waiting);
        epoch.follow(&waiting);
        assert!(!slot.is_waiting(&wakers[0], &epoch));

        assert!(waiting.wait(&mut slot, wakers[0].clone()).is_none());
        assert!(waiting.leave(&mut slot).is_some());
        assert!(!slot.is_waiting(&wakers[0], &epoch));
    }

    #[test]
    fn slots_that_are_left_are_used_again() {
        let mut waiting = WaitList::new();
        for _ in 0..100 {
            let mut slot = WaitSlot::default();
            assert!(waiting.wait(&mut slot, Waker::noop().clone()).is_none());
            assert!(waiting.leave(&mut slot).is_some());
        }
        assert_eq!(waiting.wakers.len(), 1);
    }
}
