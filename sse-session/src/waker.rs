//! The stream's own waker, with which it polls its handler and its timer.
//!
//! Servers poll a body more often than there is something new: hyper polls again after each piece,
//! and once more when it has written. A poll of the handler then finds nothing, and takes several
//! locks for it. All that can bring something new wakes the stream first, and the stream its task,
//! so a stream that was not woken knows without those locks that there is nothing.
//!
//! ```text
//!                     begin_poll
//!          +-----------------------------+
//!          v                             |
//!     +---------+        wake        +-------+
//!     | Polling | -----------------> | Woken |
//!     +---------+                    +-------+
//!        |   ^                           ^
//!   wait |   | begin_poll                | wake: wakes the task
//!        v   |                           |
//!     +---------+                        |
//!     | Waiting | -----------------------+
//!     +---------+
//! ```

use std::sync::Arc;
use std::task::{Context, Waker};

use futures_util::task::{ArcWake, WakerRef, waker_ref};

use crate::sync::{AtomicU8, Ordering, reach};

/// Wakes one task for one stream, and records that it was called.
///
/// The task never changes: another task gets another waker. So waking takes no lock, and a late
/// call of an old waker reaches the old task alone.
#[derive(Debug)]
pub(crate) struct StreamWaker {
    state: AtomicU8,
    task: Waker,
}

/// The stream is being polled, or is about to be: it need not be woken.
const POLLING: u8 = 0;
/// The stream has found nothing: the task waits until it is woken.
const WAITING: u8 = 1;
/// There may be something new.
const WOKEN: u8 = 2;

impl StreamWaker {
    pub(crate) fn new(task: &Waker) -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(POLLING),
            task: task.clone(),
        })
    }

    /// Whether it wakes the task of this context.
    pub(crate) fn is_for(&self, task: &Context<'_>) -> bool {
        self.task.will_wake(task.waker())
    }

    /// Whether the stream waits and was not woken since.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state.load(Ordering::Acquire) == WAITING
    }

    /// Begins a poll. What happened before the last wake is visible to it, so this cannot be a
    /// plain store.
    pub(crate) fn begin_poll(&self) {
        self.state.swap(POLLING, Ordering::AcqRel);
    }

    /// Ends a poll that has found nothing. Returns `false` if the stream was woken meanwhile.
    #[must_use]
    pub(crate) fn wait(&self) -> bool {
        let waits = (self.state)
            .compare_exchange(POLLING, WAITING, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if !waits {
            reach("woken during its poll");
        }
        waits
    }

    /// Records that there may be something new. Only the first such call wakes the task.
    pub(crate) fn wake(&self) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == WAITING {
            reach("task woken");
            self.task.wake_by_ref();
        }
    }

    /// Returns this as a `Waker`, without counting another owner.
    pub(crate) fn by_ref(self: &Arc<Self>) -> WakerRef<'_> {
        waker_ref(self)
    }
}

impl ArcWake for StreamWaker {
    fn wake_by_ref(this: &Arc<Self>) {
        Self::wake(this);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waker() -> (Arc<Task>, Arc<StreamWaker>) {
        let task = Arc::new(Task::default());
        let waker = StreamWaker::new(&Waker::from(Arc::clone(&task)));
        (task, waker)
    }

    fn calls(task: &Task) -> usize {
        task.0.load(Ordering::Relaxed)
    }

    #[test]
    fn a_task_is_woken_once_and_only_while_the_stream_waits() {
        let (task, waker) = waker();
        StreamWaker::wake(&waker);
        assert_eq!(calls(&task), 0);
        waker.begin_poll();
        assert!(waker.wait());
        assert!(waker.is_waiting());
        waker.by_ref().wake_by_ref();
        let clone = waker.by_ref().clone();
        clone.wake();
        assert_eq!(calls(&task), 1);
        assert!(!waker.is_waiting());
    }

    #[test]
    fn a_stream_that_is_woken_during_its_poll_does_not_wait() {
        let (task, waker) = waker();
        waker.begin_poll();
        StreamWaker::wake(&waker);
        assert!(!waker.wait());
        // The next poll has not begun.
        assert!(!waker.wait());
        waker.begin_poll();
        assert!(waker.wait());
        assert_eq!(calls(&task), 0);
    }

    #[test]
    fn it_recognizes_its_task_and_its_clones() {
        let (task, waker) = waker();
        let (other, _) = self::waker();
        let (task, other) = (Waker::from(task), Waker::from(other));
        assert!(waker.is_for(&Context::from_waker(&task.clone())));
        assert!(!waker.is_for(&Context::from_waker(&other)));
        let clone = waker.by_ref().clone();
        assert!(clone.will_wake(&waker.by_ref()));
    }
}
