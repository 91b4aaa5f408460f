//! Creating a hub.

use std::fmt;
use std::sync::Arc;

use crate::core::Core;
use crate::group::Groups;
use crate::hub::Hub;
use crate::id::{IdKey, Ids};
use crate::log::Engine;
use crate::log::backend::Backend;
use crate::log::driver::Driver;
use crate::log::local::LocalLog;
use crate::options::TopicOptions;
use crate::registry::{MakeOptions, Registry};

/// Creates a [`Hub`] with options.
///
/// `E` is `()` until an [engine](Self::engine) is set, and `Arc<dyn Engine>` after that.
///
/// ```
/// use sse_hub::{Hub, Retention, TopicOptions};
///
/// let hub = Hub::builder()
///     .max_topics(1_000)
///     .topics(|name| {
///         let events = if name.starts_with("room:") { 500 } else { 50 };
///         TopicOptions::new().retention(Retention::new().max_events(events))
///     })
///     .build();
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct HubBuilder<E = ()> {
    engine: E,
    options: Box<MakeOptions>,
    max_topics: usize,
    /// The first one makes ids; all are accepted.
    id_keys: Vec<IdKey>,
    groups: Groups,
}

impl HubBuilder {
    /// The default limit on the number of topics: 10,000.
    pub const DEFAULT_MAX_TOPICS: usize = 10_000;

    pub(crate) fn new() -> Self {
        Self {
            engine: (),
            options: Box::new(|_| TopicOptions::new()),
            max_topics: Self::DEFAULT_MAX_TOPICS,
            id_keys: Vec::new(),
            groups: Groups::default(),
        }
    }

    /// Creates the hub, whose topics live in this process.
    #[must_use]
    pub fn build(self) -> Hub {
        let log = LocalLog::new();
        // An earlier run had other positions.
        let ids = match &self.id_keys[..] {
            [key, others @ ..] => Ids::new(key, others, log.epoch()),
            [] => Ids::new(&IdKey::random(), &[], log.epoch()),
        };
        Hub::new_on(Arc::new(self.core(Backend::Local(log), ids)))
    }
}

impl HubBuilder<Arc<dyn Engine>> {
    /// Creates the hub, whose topics live in the engine, and its [`Driver`], which must be spawned
    /// or polled.
    pub fn build(self) -> (Hub, Driver) {
        let engine = Arc::clone(&self.engine);
        let ids = match &self.id_keys[..] {
            [key, others @ ..] => Ids::new(key, others, 0),
            [] => {
                tracing::warn!(
                    "hub on an engine has no key of ids, so that anybody can make some: set the same one on all nodes"
                );
                Ids::new(&IdKey::PUBLIC, &[], 0)
            }
        };
        let backend = Backend::Engine(Arc::clone(&engine));
        let core = Arc::new(self.core(backend, ids));
        (Hub::new_on(Arc::clone(&core)), Driver::new(core, engine))
    }
}

impl<E> HubBuilder<E> {
    /// Sets the function that returns the options of a topic by its name. It may be
    /// called more than once when a topic is opened, and must not use the hub.
    pub fn topics<F>(mut self, options: F) -> Self
    where
        F: Fn(&str) -> TopicOptions + Send + Sync + 'static,
    {
        self.options = Box::new(options);
        self
    }

    /// Sets how many topics there may be at a time; by default 10,000. Together with the
    /// [`Retention`](crate::Retention) of each, this bounds the memory of the hub.
    ///
    /// A full hub refuses new topics, unless a topic can be evicted: one that nothing subscribes to, and
    /// whose history and idempotency keys are too old. It is found without looking at others, so that
    /// requests for unknown topics do not cost more the more topics there are. It may be found an eighth
    /// of [`Retention::max_age`](crate::Retention::max_age) late if many others are about to become too old.
    ///
    /// [`Subscribe::open`](crate::Subscribe::open) shows how to answer a request that is refused.
    pub fn max_topics(mut self, topics: usize) -> Self {
        self.max_topics = topics;
        self
    }

    /// Makes the topics whose names begin with `prefix` a group: they share one log, and a subscription to the prefix
    /// and `*` gets them all, those that do not exist yet too. It may be called several times; a topic
    /// is in the group with the longest prefix.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::builder().group("orders/").build();
    /// let mut all = hub.subscribe("orders/*").await?;
    /// hub.publish("orders/17", "paid").await?;
    /// hub.publish("orders/18", "paid").await?;
    /// all.next().await.expect("a block")?;
    /// let both = all.next().await.expect("events")?;
    /// assert!(both.starts_with(b": orders/17\ndata: paid\nid: "));
    ///
    /// // Its id resumes one of them, and the other way round.
    /// let id = all.id();
    /// hub.publish("orders/17", "sent").await?;
    /// hub.publish("orders/18", "sent").await?;
    /// let mut one = hub.subscribe("orders/18").resume(Some(&id)).await?;
    /// one.next().await.expect("a block")?;
    /// let missed = one.next().await.expect("an event")?;
    /// assert!(missed.starts_with(b": orders/18\ndata: sent\nid: "));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A group is one topic for the hub's limits, for [metrics](crate::Hub::metrics) and for an engine, named as
    /// its wildcard is: [`topics`](Self::topics) returns its options by that name, and its history is shared. The
    /// topics of a group have no presence and no end of their own ([`TopicError::InGroup`](crate::TopicError::InGroup)) and
    /// no snapshot, their names have no line breaks, and an idempotency key may be as long as usual less
    /// the rest of the topic's name and a byte. Each subscriber is woken for each event of the group, and looks at it:
    /// see the [crate's documentation](crate#groups-of-topics) for the costs, and for what the events look like.
    ///
    /// All nodes on an engine need the same groups. Without a group of this prefix, `orders/*` is the name of a topic.
    pub fn group(mut self, prefix: &str) -> Self {
        self.groups.add(prefix);
        self
    }

    /// Sets the key with which ids are made and recognized.
    ///
    /// Nodes that share an engine need the same key, so that a client may come back to any of them. A
    /// hub on an engine without a key takes one that everybody knows, and warns about that in the log:
    /// ids are then only protected against damage. Without an engine, a hub draws a key of its own:
    /// its ids end with it in any case.
    ///
    /// ```no_run
    /// # #[cfg(feature = "redis")]
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use sse_hub::Hub;
    /// use sse_hub::redis::RedisEngine;
    ///
    /// // As `openssl rand -hex 32` prints it, the same on all nodes.
    /// let key = std::env::var("ID_KEY")?.parse()?;
    /// let redis = RedisEngine::connect("redis://127.0.0.1/").await?;
    /// let (hub, driver) = Hub::builder().engine(redis).id_key(key).build();
    /// # Ok(())
    /// # }
    /// ```
    pub fn id_key(self, key: IdKey) -> Self {
        self.id_keys([key])
    }

    /// Sets several keys, to change the key while clients have ids that were made with another one.
    /// The first one makes ids, and ids that were made with any of them are accepted.
    ///
    /// With several nodes, that takes three steps, each of which is done when all nodes have it:
    ///
    /// 1. `[old, new]`: all nodes accept the new key.
    /// 2. `[new, old]`: each node makes ids with the new key.
    /// 3. `[new]`, when no client comes back with an older id: later than the retention of
    ///    the topics, such an id would be a gap in any case.
    ///
    /// A node that begins with the second step makes ids that the others do not know yet. A client that comes
    /// with an id of a key that is not listed gets a gap. An id that comes back is tried with one key after the
    /// other. Without any key, this does nothing.
    ///
    /// ```
    /// use sse_hub::{Hub, IdKey};
    ///
    /// # let (old, new) = (IdKey::new([1; 32]), IdKey::new([2; 32]));
    /// let builder = Hub::builder().id_keys([new, old]);
    /// ```
    pub fn id_keys(mut self, keys: impl IntoIterator<Item = IdKey>) -> Self {
        self.id_keys = keys.into_iter().collect();
        self
    }

    /// Sets the engine in which the topics live, so that several processes share them.
    ///
    /// The hub is then built together with its [`Driver`].
    ///
    /// ```no_run
    /// # #[cfg(feature = "redis")]
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use sse_hub::Hub;
    /// use sse_hub::redis::RedisEngine;
    ///
    /// let redis = RedisEngine::connect("redis://127.0.0.1/").await?;
    /// let key = std::env::var("ID_KEY")?.parse()?; // the same on all nodes
    /// let (hub, driver) = Hub::builder().engine(redis).id_key(key).build();
    /// tokio::spawn(driver);
    /// # Ok(())
    /// # }
    /// ```
    pub fn engine(self, engine: impl Engine) -> HubBuilder<Arc<dyn Engine>> {
        HubBuilder {
            engine: Arc::new(engine),
            options: self.options,
            max_topics: self.max_topics,
            id_keys: self.id_keys,
            groups: self.groups,
        }
    }

    fn core(self, backend: Backend, ids: Ids) -> Core {
        let registry = Registry::new(backend, ids, self.options, self.max_topics, self.groups);
        Core::new(registry)
    }
}

impl<E: fmt::Debug> fmt::Debug for HubBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubBuilder")
            .field("engine", &self.engine)
            .field("max_topics", &self.max_topics)
            .finish_non_exhaustive()
    }
}
