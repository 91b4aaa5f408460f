//! The primitives through which threads meet: those of the standard library and tokio, or, with
//! `--cfg sse_model`, those of loom, with which `tests/model` tries all interleavings.

#[cfg(sse_model)]
pub(crate) use self::model::*;
#[cfg(sse_model)]
pub(crate) use sse_model_paths::reach;
#[cfg(not(sse_model))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, Ordering},
};
#[cfg(not(sse_model))]
pub(crate) use tokio::sync::Notify;

/// Notes that a path was taken on which threads meet: a model fails if none of its runs takes it.
#[cfg(not(sse_model))]
#[inline(always)]
pub(crate) fn reach(_path: &'static str) {}

#[cfg(sse_model)]
mod model {
    use loom::sync::atomic::AtomicUsize;
    pub(crate) use loom::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU8, Ordering},
    };
    use tokio::sync::futures::Notified;

    /// tokio's `Notify`, whose uses loom orders by those of the counter.
    #[derive(Debug)]
    pub(crate) struct Notify {
        inner: tokio::sync::Notify,
        calls: AtomicUsize,
    }

    impl Notify {
        pub(crate) fn new() -> Self {
            Self {
                inner: tokio::sync::Notify::new(),
                calls: AtomicUsize::new(0),
            }
        }

        pub(crate) fn notified(&self) -> Notified<'_> {
            self.calls.load(Ordering::SeqCst);
            self.inner.notified()
        }

        pub(crate) fn notify_waiters(&self) {
            self.calls.fetch_add(1, Ordering::SeqCst);
            self.inner.notify_waiters();
        }
    }
}
