//! The state of the connection, and waking the task that polls the engine when it changes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use async_nats::{Event, Statistics};
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// What the client's events have changed.
#[derive(Debug, Default)]
pub(super) struct Signal {
    /// How often what was known of the stream was invalidated.
    invalidations: AtomicU64,
    /// How often live messages were dropped here.
    losses: AtomicU64,
    /// Whether the server has said that it is going to end.
    ends: AtomicBool,
    waker: AtomicWaker,
    /// Notified when the connection is lost.
    disconnected: Notify,
}

impl Signal {
    /// Notes an event of the client.
    pub(super) fn note(&self, event: &Event) {
        match event {
            Event::SlowConsumer(_) => {
                self.losses.fetch_add(1, Ordering::AcqRel);
            }
            Event::Disconnected => self.disconnected.notify_waiters(),
            Event::LameDuckMode => self.ends.store(true, Ordering::Release),
            _ => {}
        }
        self.wake();
    }

    /// Whether the server has said that it is going to end, since this was called last.
    pub(super) fn take_end(&self) -> bool {
        self.ends.swap(false, Ordering::AcqRel)
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Completes when the connection is lost after this call.
    pub(super) fn disconnected(&self) -> Notified<'_> {
        self.disconnected.notified()
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Begins another session, if this one is still the current one.
    pub(super) fn invalidate(&self, statistics: &Statistics, session: u64) {
        let invalidations = self.invalidations.load(Ordering::Acquire);
        if invalidations + connects(statistics) == session {
            let _ = self.invalidations.compare_exchange(
                invalidations,
                invalidations + 1,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            self.wake();
        }
    }

    /// Returns the number of the session, which changes with each connection. The client counts a
    /// connection before it yields the first message of it.
    pub(super) fn session(&self, statistics: &Statistics) -> u64 {
        self.invalidations.load(Ordering::Acquire) + connects(statistics)
    }

    /// Returns the number of the live epoch, which changes with the session and when live messages
    /// were dropped: within one epoch, all have arrived.
    pub(super) fn live_epoch(&self, statistics: &Statistics) -> u64 {
        self.losses.load(Ordering::Acquire) + self.session(statistics)
    }
}

fn connects(statistics: &Statistics) -> u64 {
    statistics.connects.load(Ordering::Acquire)
}
