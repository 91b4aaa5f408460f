//! Telling whoever polls the log that something has happened to the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use async_nats::{Event, Statistics};
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// What the client's events leave behind.
#[derive(Debug, Default)]
pub(super) struct Signal {
    /// How often the stream was given up for another one, as far as was noticed.
    doubts: AtomicU64,
    /// How often live messages were dropped here.
    losses: AtomicU64,
    waker: AtomicWaker,
    /// Notified when there is no connection any more.
    disconnected: Notify,
}

impl Signal {
    /// Takes note of an event of the client's.
    pub(super) fn note(&self, event: &Event) {
        match event {
            Event::SlowConsumer(_) => {
                self.losses.fetch_add(1, Ordering::AcqRel);
            }
            Event::Disconnected => {
                tracing::warn!("connection to NATS lost");
                self.disconnected.notify_waiters();
            }
            Event::Connected => tracing::info!("connected to NATS"),
            other => tracing::debug!(%other, "NATS"),
        }
        self.wake();
    }

    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Resolves when the connection is lost after this was called.
    pub(super) fn disconnected(&self) -> Notified<'_> {
        self.disconnected.notified()
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Makes the number of the session another one, if it is still this one.
    pub(super) fn doubt(&self, statistics: &Statistics, session: u64) {
        let doubts = self.doubts.load(Ordering::Acquire);
        if doubts + connects(statistics) == session {
            let _ = self.doubts.compare_exchange(
                doubts,
                doubts + 1,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            self.wake();
        }
    }

    /// Which session it is: another one after each new connection. The client counts those before
    /// it hands on the first message of a new one.
    pub(super) fn session(&self, statistics: &Statistics) -> u64 {
        self.doubts.load(Ordering::Acquire) + connects(statistics)
    }

    /// As the session, but another one too when live messages were dropped: within one, all have
    /// come.
    pub(super) fn stretch(&self, statistics: &Statistics) -> u64 {
        self.losses.load(Ordering::Acquire) + self.session(statistics)
    }
}

fn connects(statistics: &Statistics) -> u64 {
    statistics.connects.load(Ordering::Acquire)
}

/// A signal, and what is to be called with the client's events.
pub(super) fn signal() -> (
    Arc<Signal>,
    impl Fn(Event) -> std::future::Ready<()> + Send + Sync + 'static,
) {
    let signal = Arc::new(Signal::default());
    let noting = Arc::clone(&signal);
    let note = move |event| {
        noting.note(&event);
        std::future::ready(())
    };
    (signal, note)
}
