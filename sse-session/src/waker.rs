//! The stream's own waker, with which it polls its handler and its timer.
//!
//! Servers poll a body more often than there is something new: hyper asks again after each piece,
//! and once more when it has written. A poll of the handler finds nothing then, but takes locks to
//! learn it. As all that can bring something new wakes the stream first, and the stream its task,
//! a stream that was not woken knows without them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Waker};

use futures_util::task::{ArcWake, WakerRef, waker_ref};

/// Wakes one task for one stream, and knows whether it was called.
///
/// The task never changes: for another one, there is another waker. So waking needs no lock, and
/// a late call of an old waker is to the old task and to nobody else.
#[derive(Debug)]
pub(crate) struct StreamWaker {
    state: AtomicU8,
    task: Waker,
}

/// The stream looks at what there is, or is about to: it need not be woken.
const LOOKS: u8 = 0;
/// The stream has found nothing: the task sleeps until it is woken.
const WAITS: u8 = 1;
/// There is something to look at.
const WOKEN: u8 = 2;

impl StreamWaker {
    pub(crate) fn new(task: &Waker) -> Arc<Self> {
        Arc::new(Self {
            state: AtomicU8::new(LOOKS),
            task: task.clone(),
        })
    }

    /// Whether it is this task that it wakes.
    pub(crate) fn is_for(&self, task: &Context<'_>) -> bool {
        self.task.will_wake(task.waker())
    }

    /// Whether the stream waits and was not woken since.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state.load(Ordering::Acquire) == WAITS
    }

    /// The stream looks from now on. What happened before it was woken is to be seen then, so this
    /// must be more than a store.
    pub(crate) fn look(&self) {
        self.state.swap(LOOKS, Ordering::AcqRel);
    }

    /// The stream has looked everywhere and found nothing. `false` if it was woken meanwhile.
    #[must_use]
    pub(crate) fn wait(&self) -> bool {
        self.state
            .compare_exchange(LOOKS, WAITS, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// There is something to look at. Only the first to say so wakes the task.
    pub(crate) fn wake(&self) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == WAITS {
            self.task.wake_by_ref();
        }
    }

    /// The stream is gone or has another waker from now on: this one must not be taken for one
    /// that waits.
    pub(crate) fn retire(&self) {
        self.state.store(LOOKS, Ordering::Release);
    }

    /// This as a `Waker`, without counting another owner.
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
    use std::sync::atomic::AtomicUsize;
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
        waker.look();
        assert!(waker.wait());
        assert!(waker.is_waiting());
        waker.by_ref().wake_by_ref();
        let clone = waker.by_ref().clone();
        clone.wake();
        assert_eq!(calls(&task), 1);
        assert!(!waker.is_waiting());
    }

    #[test]
    fn a_stream_that_is_woken_while_it_looks_does_not_wait() {
        let (task, waker) = waker();
        waker.look();
        StreamWaker::wake(&waker);
        assert!(!waker.wait());
        // It still has not looked.
        assert!(!waker.wait());
        waker.look();
        assert!(waker.wait());
        assert_eq!(calls(&task), 0);
    }

    #[test]
    fn it_knows_its_task_and_is_known_by_its_clones() {
        let (task, waker) = waker();
        let (other, _) = self::waker();
        let (task, other) = (Waker::from(task), Waker::from(other));
        assert!(waker.is_for(&Context::from_waker(&task.clone())));
        assert!(!waker.is_for(&Context::from_waker(&other)));
        let clone = waker.by_ref().clone();
        assert!(clone.will_wake(&waker.by_ref()));
    }
}
