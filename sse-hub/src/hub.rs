//! The hub: the handle that everything begins with.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sse_codec::Encode;
use tokio::sync::Notify;

use crate::builder::HubBuilder;
use crate::log::LogError;
use crate::log::driver;
use crate::metrics::{Happening, HubMetrics, TopicMetrics, tell};
use crate::position::Position;
use crate::presence::Presence;
use crate::publish::{Publish, PublishError};
use crate::registry::{Registry, TopicRef};
use crate::shutdown::Closing;
use crate::subscription::builder::Subscribe;
use crate::topic_guard::Held;

/// Topics to publish to and to subscribe to.
///
/// It is cheap to clone; all clones are the same hub. When the last one is gone, nothing can be
/// published any more, and the subscriptions end after what was.
///
/// ```
/// use sse_hub::{Event, Hub, Json};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = Hub::new();
/// // text, an event, JSON, a `Frame` encoded before
/// hub.publish("news", "hello").await?;
/// hub.publish("news", Event::new().event("greeting").data("hello")).await?;
/// hub.publish("news", Json(["a", "b"])).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Hub {
    handle: Arc<Handle>,
}

/// What all clones of a hub share, and subscriptions do not: its end is the hub's.
struct Handle(Arc<Core>);

/// What subscriptions share with the hub.
pub(crate) struct Core {
    registry: Registry,
    subscriptions: AtomicUsize,
    all_gone: Notify,
}

impl Hub {
    /// A hub whose topics live in this process, with the defaults of [`HubBuilder`].
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A hub with options.
    pub fn builder() -> HubBuilder {
        HubBuilder::new()
    }

    pub(crate) fn from_registry(registry: Registry) -> Self {
        Self {
            handle: Arc::new(Handle(Arc::new(Core {
                registry,
                subscriptions: AtomicUsize::new(0),
                all_gone: Notify::new(),
            }))),
        }
    }

    fn core(&self) -> &Arc<Core> {
        &self.handle.0
    }

    /// Publishes an event to all who subscribe to `topic`, and to those who come back later.
    ///
    /// The event is encoded once, at the call, and appended to the topic's log once, when the
    /// future is polled; then the subscribers that wait are woken. Its id is its position, so it
    /// must not have one of its own.
    ///
    /// The embedded log never waits: see [`publish_now`](Self::publish_now) for code that is not
    /// async.
    ///
    /// # Errors
    ///
    /// [`PublishError::Event`] if the event cannot be encoded, is empty or has an id,
    /// [`PublishError::Closed`] when the hub shuts down, [`PublishError::Log`] if the topic cannot
    /// be opened, the event is longer than the topic's history may be, or an engine has failed.
    /// Nothing was published then, unless an engine's answer got lost.
    ///
    /// # Cancel safety
    ///
    /// With the embedded log, the event is published by the first poll or not at all. With an
    /// engine, dropping the future leaves open whether it is, as does an error of the engine; with
    /// a [key](Publish::key), it can be published again without harm.
    pub fn publish<'a>(&'a self, topic: &'a str, event: impl Encode) -> Publish<'a> {
        Publish::new(self.core(), topic, &event)
    }

    /// Publishes an event without waiting, for code that is not async.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), and [`PublishError::WouldWait`] if the hub has an engine
    /// that must be waited for; nothing is published then.
    pub fn publish_now(&self, topic: &str, event: impl Encode) -> Result<Position, PublishError> {
        Publish::new(self.core(), topic, &event).now()
    }

    /// Changes a state and publishes the event that tells of it, as one step as far as snapshots
    /// go: a [snapshot](crate::TopicOptions::snapshot) of the topic has either both or neither.
    ///
    /// `change` must not use the hub.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// use sse_hub::{Event, Hub, TopicOptions};
    ///
    /// let messages = Arc::new(Mutex::new(Vec::new()));
    /// let state = Arc::clone(&messages);
    /// let hub = Hub::builder()
    ///     .topics(move |_| {
    ///         let state = Arc::clone(&state);
    ///         TopicOptions::new().snapshot(move || {
    ///             Event::new().event("history").json(state.lock().unwrap().clone())
    ///         })
    ///     })
    ///     .build();
    ///
    /// hub.publish_with("room", || {
    ///     messages.lock().unwrap().push("hello");
    ///     Event::new().event("message").data("hello")
    /// })?;
    /// # Ok::<(), sse_hub::PublishError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish_now`](Self::publish_now). `change` was run then, unless the hub shuts down, has
    /// an engine, or the topic cannot be opened.
    pub fn publish_with<E: Encode>(
        &self,
        topic: &str,
        change: impl FnOnce() -> E,
    ) -> Result<Position, PublishError> {
        let core = self.core();
        if core.closing().is_some() {
            return Err(PublishError::Closed);
        }
        if core.registry.log().oldest().is_some() {
            // An engine, which must be waited for. Known before anything has changed.
            return Err(PublishError::WouldWait);
        }
        let window = TopicRef::new(&core.registry, topic);
        let held = loop {
            let opened = window.window().map_err(PublishError::Log)?;
            if let Some(held) = Held::new(core, opened) {
                break held;
            }
        };
        held.snapshots.exclude(|| self.publish_now(topic, change()))
    }

    /// Subscribes to one or several topics: from now on, unless the [`Subscribe`] that this gives
    /// is told otherwise. Await it to get a [`Subscription`](crate::Subscription), or
    /// [serve](Subscribe::serve) it.
    ///
    /// ```
    /// use sse_hub::Hub;
    /// use sse_session::{BoxError, Sse};
    ///
    /// // A handler for any of the adapters.
    /// async fn news<R>(hub: Hub, _request: R, sse: Sse) -> Result<(), BoxError> {
    ///     hub.subscribe(["news", "weather"]).serve(sse).await
    /// }
    /// ```
    pub fn subscribe<T>(&self, topics: impl IntoIterator<Item = T>) -> Subscribe
    where
        T: Into<String>,
    {
        let topics = topics.into_iter().map(Into::into).collect();
        Subscribe::new(Arc::clone(self.core()), topics)
    }

    /// How many subscribers a topic has in this process.
    #[must_use]
    pub fn subscribers(&self, topic: &str) -> usize {
        let topic = self.core().registry.get(topic);
        topic.map_or(0, |topic| topic.subscribers())
    }

    /// Who subscribes to a topic in this process, and the joins and leaves from then on.
    ///
    /// # Errors
    ///
    /// If the topic cannot be opened.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and called again at any time.
    pub async fn presence(&self, topic: &str) -> Result<Presence, LogError> {
        let core = self.core();
        loop {
            let topic = core.registry.open(topic).await?;
            if let Some(held) = Held::new(core, topic) {
                return Ok(Presence::new(held));
            }
        }
    }

    /// The hub's numbers. It goes through all topics and, for the lag, all their subscribers.
    #[must_use]
    pub fn metrics(&self) -> HubMetrics {
        let core = self.core();
        let retired = core.registry.retired();
        let mut metrics = HubMetrics {
            published: retired.published,
            delivered: retired.delivered,
            gaps: retired.gaps,
            subscriptions: core.subscriptions.load(Ordering::Acquire),
            ..HubMetrics::default()
        };
        for topic in core.registry.topics() {
            metrics.add(&topic.metrics());
        }
        metrics
    }

    /// The numbers of one topic, `None` if it is not in use.
    #[must_use]
    pub fn topic_metrics(&self, topic: &str) -> Option<TopicMetrics> {
        self.core().registry.get(topic).map(|topic| topic.metrics())
    }

    /// Lets go of history that is too old, and of topics without history and subscribers.
    ///
    /// Topics do that by themselves when they are used, and each new topic looks at two others.
    /// Call this now and then from a timer of yours if the memory of quiet topics shall be given
    /// back although nothing else happens.
    pub fn sweep(&self) {
        self.core().registry.sweep();
    }

    /// Shuts down: nothing is published and nobody subscribes any more, and the subscriptions end
    /// after what was published before. Each ends with a reconnection time (HTML § 9.2.6) drawn
    /// from `retry`, so that not all clients come back in the same moment.
    ///
    /// A subscription that has not got through what was published when `within` has passed ends
    /// at its next poll all the same. The answer is how many are left at that point: clients that
    /// take nothing, so that their streams are not polled. Their connections are the server's to
    /// drop.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use futures_util::StreamExt as _;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let mut news = hub.subscribe(["news"]).await?;
    /// let client = tokio::spawn(async move {
    ///     let mut all = Vec::new();
    ///     while let Some(Ok(bytes)) = news.next().await {
    ///         all.extend_from_slice(&bytes);
    ///     }
    ///     String::from_utf8(all)
    /// });
    /// let retry = Duration::from_secs(1)..=Duration::from_secs(10);
    /// assert_eq!(hub.shutdown(Duration::from_secs(5), retry).await, 0);
    /// assert!(client.await??.contains("retry: "));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// The shutdown begins at the first poll and is not taken back; dropping the future only ends
    /// the waiting. Calling it again waits again.
    pub async fn shutdown(&self, within: Duration, retry: RangeInclusive<Duration>) -> usize {
        let core = self.core();
        core.close(Closing::new(within, Some(retry)));
        let all_gone = async {
            loop {
                let gone = core.all_gone.notified();
                if core.subscriptions.load(Ordering::Acquire) == 0 {
                    return;
                }
                gone.await;
            }
        };
        let _ = tokio::time::timeout(within, all_gone).await;
        let left = core.subscriptions.load(Ordering::Acquire);
        if left > 0 {
            // Those that wait for a slow log rather than for their client.
            core.wake_all();
        }
        left
    }

    /// Brings what an engine yields to the topics' windows; to be spawned or polled beside the
    /// server by those who have set a [`Log`](crate::Log) of their own. With the embedded log
    /// there is nothing to bring, and the future resolves at once. With an engine it goes on as long
    /// as it is polled, also when the hub has shut down: abort its task then.
    ///
    /// # Errors
    ///
    /// None: a failing engine is waited for, and told through `tracing`.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and called again; what came meanwhile is then read.
    pub async fn drive(&self) {
        driver::drive(self.core()).await;
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("log", self.core().registry.log())
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close(Closing::new(Duration::MAX, None));
    }
}

impl Core {
    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn closing(&self) -> Option<&Closing> {
        self.registry.closing().get()
    }

    fn close(&self, closing: Closing) {
        if self.registry.closing().set(closing) {
            self.wake_all();
        }
    }

    fn wake_all(&self) {
        for topic in self.registry.topics() {
            topic.wake_all();
        }
    }

    pub(crate) fn subscription_begins(&self) {
        self.subscriptions.fetch_add(1, Ordering::AcqRel);
        tell(Happening::Subscribed);
    }

    pub(crate) fn subscription_ends(&self) {
        tell(Happening::Unsubscribed);
        if self.subscriptions.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all_gone.notify_waiters();
        }
    }
}
