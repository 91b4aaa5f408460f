//! Creating a hub.

use std::fmt;
use std::sync::Arc;

use crate::core::Core;
use crate::hub::Hub;
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
}

impl HubBuilder {
    /// The default limit on the number of topics: 10,000.
    pub const DEFAULT_MAX_TOPICS: usize = 10_000;

    pub(crate) fn new() -> Self {
        Self {
            engine: (),
            options: Box::new(|_| TopicOptions::new()),
            max_topics: Self::DEFAULT_MAX_TOPICS,
        }
    }

    /// Creates the hub, whose topics live in this process.
    #[must_use]
    pub fn build(self) -> Hub {
        let backend = Backend::Local(LocalLog::new());
        Hub::new_on(Arc::new(self.core(backend)))
    }
}

impl HubBuilder<Arc<dyn Engine>> {
    /// Creates the hub, whose topics live in the engine, and its [`Driver`], which must be spawned
    /// or polled.
    pub fn build(self) -> (Hub, Driver) {
        let engine = Arc::clone(&self.engine);
        let backend = Backend::Engine(Arc::clone(&engine));
        let core = Arc::new(self.core(backend));
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
    /// let (hub, driver) = Hub::builder().engine(redis).build();
    /// tokio::spawn(driver);
    /// # Ok(())
    /// # }
    /// ```
    pub fn engine(self, engine: impl Engine) -> HubBuilder<Arc<dyn Engine>> {
        HubBuilder {
            engine: Arc::new(engine),
            options: self.options,
            max_topics: self.max_topics,
        }
    }

    fn core(self, backend: Backend) -> Core {
        Core::new(Registry::new(backend, self.options, self.max_topics))
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
