//! How models are run, and tasks that block their threads.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Instant;

use loom::sync::{Condvar, Mutex};
use sse_model_paths::reach;

/// Runs `model` in all interleavings with at most two preemptions. Nearly all that goes wrong at all
/// goes wrong with two; a third one multiplies the time by fifteen. The environment may say otherwise,
/// see `loom::model::Builder`.
///
/// Fails unless each of `paths` is taken in one interleaving at least.
pub(crate) fn check(paths: &[&str], model: impl Fn() + Send + Sync + 'static) {
    const INTERLEAVING: &str = "interleavings";

    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(2);
    let limit = builder.max_duration;
    let begun = Instant::now();
    sse_model_paths::take();
    builder.check(move || {
        reach(INTERLEAVING);
        model();
    });
    let reached = sse_model_paths::take();
    let is_cut = limit.is_some_and(|limit| begun.elapsed() >= limit);
    println!(
        "{}: {} after {:.1} s: {reached:?}",
        thread::current().name().unwrap_or_default(),
        if is_cut { "cut" } else { "complete" },
        begun.elapsed().as_secs_f64(),
    );
    for path in paths {
        assert!(reached.contains_key(path), "no interleaving of: {path}");
    }
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
            reach("a task sleeps");
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
