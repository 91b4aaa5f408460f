//! Polling several shards in turn, and of those only the ones that have woken the task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// What is needed to poll so many shards.
#[derive(Debug)]
pub(super) struct Turns {
    shards: Vec<(Arc<Ready>, Waker)>,
    /// The task that polls them all.
    task: Arc<AtomicWaker>,
    /// The shard that is polled first.
    next: AtomicUsize,
}

/// Whether a shard is to be polled: it was woken, or was not pending before.
#[derive(Debug)]
struct Ready {
    is_ready: AtomicBool,
    task: Arc<AtomicWaker>,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_ready.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Turns {
    pub(super) fn new(shards: usize) -> Self {
        let task = Arc::new(AtomicWaker::new());
        let ready = || {
            let ready = Arc::new(Ready {
                is_ready: AtomicBool::new(true),
                task: Arc::clone(&task),
            });
            (Arc::clone(&ready), Waker::from(ready))
        };
        Self {
            shards: std::iter::repeat_with(ready).take(shards).collect(),
            task,
            next: AtomicUsize::new(0),
        }
    }

    /// Polls the shards until one of them yields something, whose number is returned as well; the
    /// next call begins with the one after it. Each is polled at most once.
    pub(super) fn poll<T>(
        &self,
        cx: &Context<'_>,
        mut poll: impl FnMut(usize, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<(usize, T)> {
        // First this: a shard that is woken after it was looked at wakes the task.
        self.task.register(cx.waker());
        let first = self.next.load(Ordering::Relaxed);
        let count = self.shards.len();
        for number in (first..count).chain(0..first) {
            let (ready, waker) = &self.shards[number];
            if !ready.is_ready.swap(false, Ordering::AcqRel) {
                continue;
            }
            if let Poll::Ready(it) = poll(number, &mut Context::from_waker(waker)) {
                ready.is_ready.store(true, Ordering::Release);
                self.next.store((number + 1) % count, Ordering::Relaxed);
                return Poll::Ready((number, it));
            }
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn shards_that_have_something_take_turns_and_one_that_has_nothing_is_not_polled_again() {
        let turns = Turns::new(3);
        let cx = Context::from_waker(Waker::noop());
        let polled = RefCell::new(Vec::new());
        let poll = || {
            turns.poll(&cx, |shard, _| {
                polled.borrow_mut().push(shard);
                if shard == 1 {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            })
        };
        for expected in [0, 2, 0, 2, 0] {
            assert_eq!(poll(), Poll::Ready((expected, ())));
        }
        assert_eq!(*polled.borrow(), [0, 1, 2, 0, 2, 0]);
    }

    #[test]
    fn a_shard_that_is_woken_wakes_the_task_and_is_polled_alone() {
        let turns = Turns::new(3);
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&woken));
        let cx = Context::from_waker(&waker);
        let mut wakers = vec![Waker::noop().clone(); 3];
        let pending = turns.poll(&cx, |shard, cx| {
            wakers[shard] = cx.waker().clone();
            Poll::<()>::Pending
        });
        assert!(pending.is_pending());
        let nothing = turns.poll(&cx, |shard, _| Poll::Ready(shard));
        assert!(nothing.is_pending(), "nothing was woken");

        wakers[1].wake_by_ref();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        let polled = turns.poll(&cx, |shard, _| Poll::Ready(shard));
        assert_eq!(polled, Poll::Ready((1, 1)));
    }
}
