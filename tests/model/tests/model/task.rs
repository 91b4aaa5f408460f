//! How models are run, and tasks that block their threads.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::{Condvar, Mutex};

/// Runs `model` in all interleavings with at most two preemptions. Nearly all that goes wrong at all
/// goes wrong with two; a third one multiplies the time by fifteen.
pub(crate) fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(model);
}

/// A task that blocks its thread until it is woken.
#[derive(Default)]
pub(crate) struct Task {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Task {
    pub(crate) fn sleep(&self) {
        let mut woken = self.woken.lock().expect("not poisoned");
        while !*woken {
            woken = self.changed.wait(woken).expect("not poisoned");
        }
        *woken = false;
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().expect("not poisoned") = true;
        self.changed.notify_one();
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let task = Arc::new(Task::default());
    let waker = Waker::from(Arc::clone(&task));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        task.sleep();
    }
}
