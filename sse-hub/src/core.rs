//! What a hub shares with its subscriptions and its driver.

use std::future::Future;
use std::ops::Deref;
use std::panic::{catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Context;
use std::thread;

use futures_core::future::BoxFuture;
use futures_util::future::{Either, select};
use futures_util::task::AtomicWaker;
use tokio::sync::Notify;

use crate::log::Engine;
use crate::log::backend::Backend;
use crate::metrics::{Metric, record};
use crate::peers::Peers;
use crate::registry::Registry;
use crate::shutdown::{Reason, Shutdown, ShutdownCell};
use crate::topic_guard::OpenError;

pub(crate) struct Core {
    registry: Arc<Registry>,
    /// What an engine's nodes tell each other; `None` without an engine.
    peers: Option<Peers>,
    shutdown: ShutdownCell,
    /// Notified when the shutdown has begun, and when its deadline has changed.
    shutdown_begun: Notify,
    subscriptions: AtomicUsize,
    /// Notified when there are no subscriptions left.
    all_ended: Notify,
    driver: AtomicWaker,
    /// Whether the driver, if there is one, was polled, or the lack of that was logged.
    driver_is_noted: AtomicBool,
}

impl Core {
    pub(crate) fn new(registry: Registry) -> Self {
        Self {
            peers: matches!(registry.backend(), Backend::Engine(_)).then(Peers::default),
            registry: Arc::new(registry),
            shutdown: ShutdownCell::default(),
            shutdown_begun: Notify::new(),
            subscriptions: AtomicUsize::new(0),
            all_ended: Notify::new(),
            driver: AtomicWaker::new(),
            driver_is_noted: AtomicBool::new(false),
        }
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Returns the engine, and what its nodes tell each other, if there is one.
    pub(crate) fn peers(&self) -> Option<(&Peers, &Arc<dyn Engine>)> {
        match self.registry.backend() {
            Backend::Local(_) => None,
            Backend::Engine(engine) => Some((self.peers.as_ref()?, engine)),
        }
    }

    /// Begins to hear what other nodes say of members; `None` if there are none, or that is so already. Boxed, as it would
    /// make all futures that open topics larger.
    pub(crate) fn hear_peers(&self) -> Option<BoxFuture<'_, Result<(), OpenError>>> {
        let (peers, engine) = self.peers().filter(|(peers, _)| !peers.is_open())?;
        Some(Box::pin(async move {
            if peers.open(&self.registry, &**engine).await? {
                self.driver.wake();
            }
            Ok(())
        }))
    }

    /// Notes that a subscriber of a topic has joined or left, which other nodes may watch.
    pub(crate) fn note_member(&self, topic: &str, member: Option<&Arc<str>>) {
        let peers = self.peers.as_ref();
        if peers.is_some_and(|peers| peers.note_change(topic, member)) {
            self.driver.wake();
        }
    }

    /// Returns the shutdown if it has begun.
    pub(crate) fn shutdown(&self) -> Option<&Shutdown> {
        self.shutdown.get()
    }

    /// Begins the shutdown, unless it has begun already for this reason.
    pub(crate) fn begin_shutdown(&self, reason: Reason, shutdown: Shutdown) {
        if self.shutdown.set(reason, shutdown) {
            self.shutdown_begun.notify_waiters();
            self.wake_all();
            self.driver.wake();
        }
    }

    /// Wakes all subscriptions that wait.
    pub(crate) fn wake_all(&self) {
        self.registry.for_each(|topic| topic.wake_all());
    }

    /// Has the driver polled.
    pub(crate) fn wake_driver(&self) {
        self.driver.wake();
    }

    /// Returns the number of subscriptions.
    pub(crate) fn subscriptions(&self) -> usize {
        self.subscriptions.load(Ordering::Acquire)
    }

    /// Counts a subscription, from when its topics are being opened.
    pub(crate) fn begin_subscription(self: &Arc<Self>) -> Begun {
        self.subscriptions.fetch_add(1, Ordering::AcqRel);
        // If the recorder panics, the subscription ends.
        let begun = Begun(Arc::clone(self));
        record(Metric::Subscribed);
        begun
    }

    /// Waits until there are no subscriptions.
    pub(crate) async fn all_ended(&self) {
        loop {
            let all_ended = self.all_ended.notified();
            if self.subscriptions() == 0 {
                return;
            }
            all_ended.await;
        }
    }

    /// Waits for an engine, but not beyond the deadline of a shutdown: `None` if that has passed.
    pub(crate) async fn before_deadline<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let overdue = async {
            loop {
                let begun = self.shutdown_begun.notified();
                let Some(shutdown) = self.shutdown() else {
                    begun.await;
                    continue;
                };
                if let Either::Left(_) = select(pin!(shutdown.overdue()), pin!(begun)).await {
                    return;
                }
            }
        };
        match select(pin!(answer), pin!(overdue)).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }

    /// Notes that the engine has answered. A driver that was spawned was polled by then: otherwise,
    /// that is logged once.
    pub(crate) fn note_answer(&self) {
        if !self.driver_is_noted.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "driver was not polled yet, and subscribers get no new events until it is spawned or polled"
            );
        }
    }

    /// Whether nothing can happen on this hub anymore. Otherwise the driver's task is woken when
    /// that may have changed.
    pub(crate) fn poll_is_over(&self, cx: &Context<'_>) -> bool {
        self.driver.register(cx.waker());
        self.driver_is_noted.store(true, Ordering::Relaxed);
        self.shutdown().is_some() && self.subscriptions() == 0
    }
}

/// A subscription that has begun and not ended: a shutdown waits for it.
pub(crate) struct Begun(Arc<Core>);

impl Deref for Begun {
    type Target = Arc<Core>;

    fn deref(&self) -> &Arc<Core> {
        &self.0
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if self.subscriptions.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all_ended.notify_waiters();
            self.driver.wake();
        }
        // A second panic during an unwinding would end the process.
        let recorded = catch_unwind(|| record(Metric::Unsubscribed));
        if let Err(panic) = recorded
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}
