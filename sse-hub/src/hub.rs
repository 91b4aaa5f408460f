//! The hub: the handle that everything begins with.

use std::fmt;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select;
use sse_codec::Encode;
use sse_session::second_look::SECOND_LOOK;

use crate::builder::HubBuilder;
use crate::core::Core;
use crate::group::Place;
use crate::id::IdPosition;
use crate::log::backend::Backend;
use crate::metrics::{HubMetrics, TopicMetrics};
use crate::position::Position;
use crate::presence::Presence;
use crate::publish::{Publish, PublishError};
use crate::shutdown::{Reason, Shutdown};
use crate::subscription::builder::Subscribe;
use crate::subscription::topics::IntoTopics;
use crate::topic::Topic;
use crate::topic_guard::{OpenError, TopicGuard};
use crate::topic_name::{TopicError, is_reserved};

/// Topics to publish to and to subscribe to.
///
/// A hub is cheap to clone; all clones are the same hub. When the last clone is dropped, the
/// subscriptions end after what was published.
///
/// ```
/// use sse_hub::{Event, Hub, Json};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = Hub::new();
/// // Text, an event, JSON, or a `Frame` that was encoded before.
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

/// What all clones of a hub share, as opposed to its subscriptions: its end is the end of the hub.
struct Handle(Arc<Core>);

impl Hub {
    /// Creates a hub whose topics live in this process, with the defaults of [`HubBuilder`].
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a hub with options.
    pub fn builder() -> HubBuilder {
        HubBuilder::new()
    }

    pub(crate) fn new_on(core: Arc<Core>) -> Self {
        Self {
            handle: Arc::new(Handle(core)),
        }
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.handle.0
    }

    /// Publishes an event to all subscribers of `topic`, and to those that come back later.
    ///
    /// The event is encoded once, at the call. It is appended to the topic's log when the future
    /// is polled; then the subscribers that wait are woken. Its id is its position, so it must not
    /// have an id of its own.
    ///
    /// Without an engine, this never waits: see [`publish_now`](Self::publish_now) for code that is
    /// not async.
    ///
    /// # Errors
    ///
    /// [`PublishError::Event`] if the event cannot be encoded, is empty or has an id;
    /// [`PublishError::Topic`] if the topic cannot be used; [`PublishError::TooLong`] if the event
    /// is longer than the topic's history may be; [`PublishError::Finished`] if the topic is
    /// [finished](Self::finish); [`PublishError::Shutdown`] when the hub has shut
    /// down; [`PublishError::Engine`] if the engine failed. Only after an error of the engine, the
    /// event may be published nevertheless.
    ///
    /// # Cancel safety
    ///
    /// Without an engine, the event is published by the first poll or not at all. With an engine,
    /// the event may or may not be published if the future is dropped after its first poll; with a
    /// [key](Publish::key), it can safely be published again.
    pub fn publish<'a>(&'a self, topic: &'a str, event: impl Encode) -> Publish<'a> {
        Publish::new(self.core(), topic, &event)
    }

    /// Publishes the event that ends `topic`, for instance that an answer is complete or a job is done.
    ///
    /// Subscribers get everything up to this event, and then their streams end in order; a stream of
    /// several topics ends when all of them are finished. A client that comes back gets what it has missed, up to this
    /// event, and its stream ends again. When it has everything,
    /// [`Subscribe::open`](crate::Subscribe::open) is [`SubscribeError::Finished`](crate::SubscribeError::Finished), which
    /// the adapters' `refused` answers with 204 (No Content), so that an `EventSource` does not come back
    /// (HTML § 9.2.2). Nothing can be published to the topic, and it cannot be finished again. With a [key](Publish::key), this can safely be repeated.
    ///
    /// When the event is older than what is [kept](crate::Retention) (on an engine: than the maximal age that the engine's
    /// options have), the topic is gone, and its name can be used anew. Idempotency keys may be remembered for longer: what
    /// is published or finished anew within this time needs other keys, or nothing is done and the earlier position returned.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    /// use sse_hub::{Event, Hub, PublishError, SubscribeError};
    ///
    /// let hub = Hub::new();
    /// let mut answer = hub.subscribe("answer-17").from_start().await?;
    /// hub.publish("answer-17", "Hello").await?;
    /// let done = Event::new().event("done").data("");
    /// let position = hub.finish("answer-17", done).key("done").await?;
    ///
    /// let mut all = Vec::new();
    /// while let Some(piece) = answer.next().await {
    ///     all.extend_from_slice(&piece?);
    /// }
    /// let all = String::from_utf8(all)?;
    /// assert!(all.contains("data: Hello\n") && all.contains("event: done\n"));
    ///
    /// let id = hub.id_of("answer-17", position);
    /// let again = hub.subscribe("answer-17").resume(Some(&id)).open().await;
    /// assert!(matches!(again, Err(SubscribeError::Finished)));
    /// let more = hub.publish("answer-17", "more").await;
    /// assert!(matches!(more, Err(PublishError::Finished)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), and [`PublishError::Topic`] for a topic of a [group](HubBuilder::group).
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](Self::publish).
    pub fn finish<'a>(&'a self, topic: &'a str, event: impl Encode) -> Publish<'a> {
        Publish::new(self.core(), topic, &event).last()
    }

    /// Returns whether a topic is [finished](Self::finish), and not yet gone.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the topic cannot be opened.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn is_finished(&self, topic: &str) -> Result<bool, OpenError> {
        let registry = self.core().registry();
        let topic = TopicGuard::open(registry, registry.groups().log_of(topic)).await?;
        Ok(topic.is_finished())
    }

    /// Publishes an event without waiting, for code that is not async.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), and [`PublishError::WouldWait`] if the hub has an engine;
    /// nothing is published then.
    pub fn publish_now(&self, topic: &str, event: impl Encode) -> Result<Position, PublishError> {
        Publish::new(self.core(), topic, &event).now()
    }

    /// Changes a state and publishes the event about the change, as one step for snapshots: a
    /// [snapshot](crate::TopicOptions::snapshot) of the topic has either both or neither.
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
    /// As [`publish_now`](Self::publish_now). `change` was called then, unless the hub has shut
    /// down or has an engine, or the topic cannot be opened or was [finished](Self::finish) before the call.
    pub fn publish_with<E: Encode>(
        &self,
        topic: &str,
        change: impl FnOnce() -> E,
    ) -> Result<Position, PublishError> {
        let core = self.core();
        if core.shutdown().is_some() {
            return Err(PublishError::Shutdown);
        }
        let Backend::Local(log) = core.registry().backend() else {
            return Err(PublishError::WouldWait);
        };
        let name = core.registry().groups().log_of(topic);
        let guard = TopicGuard::open_local(core.registry(), log, name)?;
        let publish = || {
            if guard.is_finished() {
                // A state would have the change, of which no event can tell.
                return Err(PublishError::Finished);
            }
            Publish::new(core, topic, &change()).append_now()
        };
        let published = guard.snapshots.exclude(publish)?;
        Ok(published.announce())
    }

    /// Returns the id that an event at this position of `topic` has, for subscribers to this one
    /// topic. Other subscribers get other ids with the same position.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let position = hub.publish("news", "first").await?;
    /// hub.publish("news", "second").await?;
    ///
    /// let id = hub.id_of("news", position);
    /// assert_eq!(hub.position_of("news", &id), Some(position));
    /// let mut news = hub.subscribe(["news"]).resume(Some(&id)).await?;
    /// let opening = news.next().await.expect("a block")?;
    /// assert!(opening.starts_with(b"id: "));
    /// let missed = news.next().await.expect("an event")?;
    /// assert!(missed.starts_with(b"data: second\nid: "));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn id_of(&self, topic: &str, position: Position) -> String {
        let registry = self.core().registry();
        let topic = registry.groups().log_of(topic);
        registry.ids().of_event(topic, position)
    }

    /// Returns the position in `topic` that a client's last event ID says; `None` if it says none, or if
    /// no hub with the [keys](HubBuilder::id_key) of this one has made it. Events that follow the
    /// position may no longer be kept.
    #[must_use]
    pub fn position_of(&self, topic: &str, last_event_id: &str) -> Option<Position> {
        let registry = self.core().registry();
        let topic = registry.groups().log_of(topic);
        match registry.ids().parse(last_event_id)?.of(topic)? {
            IdPosition::At(position) => Some(position),
            IdPosition::Unknown(_) => None,
        }
    }

    /// Returns those of the `candidates` that a client's last event ID includes: the topics that it was subscribed
    /// to, of which it had got an id. None, if no hub with the [keys](HubBuilder::id_key) of this one has made it.
    ///
    /// For a server that learns from nothing but the id which stream a client resumes, as a server of the Model
    /// Context Protocol does. An id does not have the names of its topics, so they must be known.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let position = hub.publish("call 2", "progress").await?;
    /// let id = hub.id_of("call 2", position);
    ///
    /// let calls = ["call 1", "call 2", "call 3"];
    /// assert!(hub.topics_of(&id, calls).eq(["call 2"]));
    /// assert!(hub.topics_of("made up", calls).eq([""; 0]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn topics_of<T: AsRef<str>>(
        &self,
        last_event_id: &str,
        candidates: impl IntoIterator<Item = T>,
    ) -> impl Iterator<Item = T> {
        let registry = self.core().registry();
        let positions = registry.ids().parse(last_event_id);
        candidates.into_iter().filter(move |topic| {
            let log = registry.groups().log_of(topic.as_ref());
            let positions = positions.as_ref();
            positions.is_some_and(|positions| positions.of(log).is_some())
        })
    }

    /// Subscribes to one or several topics, from now on unless the returned [`Subscribe`] is
    /// changed. Await it to get a [`Subscription`](crate::Subscription), or
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
    pub fn subscribe<M>(&self, topics: impl IntoTopics<M>) -> Subscribe {
        Subscribe::new(Arc::clone(self.core()), topics.into_topics())
    }

    /// Returns whether a name stands for all topics of a [group](HubBuilder::group), so that it is no topic to
    /// grant to a request that says its name.
    ///
    /// ```
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::builder().group("orders/").build();
    /// assert!(hub.is_group("orders/*"));
    /// assert!(!hub.is_group("orders/17"));
    /// ```
    #[must_use]
    pub fn is_group(&self, topic: &str) -> bool {
        self.core().registry().groups().is_log(topic)
    }

    /// Returns how many subscribers a topic has in this process; for a topic of a
    /// [group](HubBuilder::group), those of the group.
    #[must_use]
    pub fn subscribers(&self, topic: &str) -> usize {
        let topic = self.in_use(topic);
        topic.map_or(0, |topic| topic.subscribers())
    }

    /// Returns the subscribers of a topic on all nodes, and a stream of the changes from then on.
    ///
    /// Those of this process are there at once, and those of other nodes a moment later: see [`Presence`].
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the topic cannot be opened, or is in a [group](HubBuilder::group): only the whole group has
    /// a presence.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn presence(&self, topic: &str) -> Result<Presence, OpenError> {
        if let Place::InGroup { .. } = self.core().registry().groups().place(topic) {
            return Err(TopicError::InGroup.into());
        }
        let topic = TopicGuard::open(self.core().registry(), topic).await?;
        Presence::begin(Arc::clone(self.core()), topic).await
    }

    /// Returns the hub's metrics. This goes through all topics, a few at a time, and all their
    /// subscribers. An event of a topic that is evicted meanwhile counts once.
    #[must_use]
    pub fn metrics(&self) -> HubMetrics {
        let core = self.core();
        // In this order, so that a topic that is evicted meanwhile counts once.
        let topics = core.registry().topics();
        let evicted = core.registry().evicted();
        let mut metrics = HubMetrics {
            published: evicted.counts.published,
            delivered: evicted.counts.delivered,
            gaps: evicted.counts.gaps,
            subscriptions: core.subscriptions(),
            ..HubMetrics::default()
        };
        for topic in topics.iter().filter(|topic| !is_reserved(topic.name())) {
            if let Some(topic) = topic.metrics_after(evicted.topics) {
                metrics.add(&topic);
            }
        }
        metrics
    }

    /// Returns the metrics of one topic; `None` if it is not in use. For a topic of a [group](HubBuilder::group),
    /// they are those of the group.
    #[must_use]
    pub fn topic_metrics(&self, topic: &str) -> Option<TopicMetrics> {
        self.in_use(topic).map(|topic| topic.metrics())
    }

    /// Returns the topic, or its group, if it is in use.
    pub(crate) fn in_use(&self, topic: &str) -> Option<Arc<Topic>> {
        let registry = self.core().registry();
        registry.get(registry.groups().log_of(topic))
    }

    /// Discards history that is too old, and evicts topics without history and subscribers. All topics are
    /// gone through, a few at a time, so that nothing else waits for it.
    ///
    /// A topic is also swept when it is used, and two more for each new topic. Call this from a
    /// timer if the memory of quiet topics must be freed although nothing else happens.
    pub fn sweep(&self) {
        self.core().registry().sweep();
    }

    /// Shuts down: nothing more can be published or subscribed to, and the subscriptions end after
    /// what was published before. Each ends with a reconnection time (HTML § 9.2.6) drawn from
    /// `retry`, so that not all clients come back in the same moment.
    ///
    /// When `within` has passed, and a moment in which what clients have taken meanwhile counts (50
    /// milliseconds: the process may have been stopped), the subscriptions that have not delivered
    /// everything end at their next poll nevertheless. Returns how many are left at that point: their clients take
    /// nothing, so they are not polled. It is up to the server to close their connections.
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
    /// The shutdown begins at the first poll and cannot be undone; dropping the future only ends
    /// the waiting. A further call waits again, with a limit of its own, for the first one's deadline.
    /// A hub that has shut down because its [`Driver`](crate::Driver) was dropped takes the deadline
    /// and the `retry` of the call.
    pub async fn shutdown(&self, within: Duration, retry: RangeInclusive<Duration>) -> usize {
        let core = self.core();
        core.begin_shutdown(Reason::Requested, Shutdown::new(within, Some(retry)));
        let limit = async {
            tokio::time::sleep(within).await;
            // Begins the second look, if it is the deadline.
            let _ = core.shutdown().is_some_and(Shutdown::is_overdue);
            tokio::time::sleep(SECOND_LOOK.min(within)).await;
        };
        select(pin!(core.all_ended()), pin!(limit)).await;
        core.subscriptions()
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
            .field("registry", self.core().registry())
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0
            .begin_shutdown(Reason::Unused, Shutdown::new(Duration::MAX, None));
    }
}
