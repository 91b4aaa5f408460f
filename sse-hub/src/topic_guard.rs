//! A topic that stays in the registry although nothing subscribes to it.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::log::backend::Backend;
use crate::log::catch_up::catch_up;
use crate::log::local::LocalLog;
use crate::log::{Engine, EngineError};
use crate::registry::Registry;
use crate::sync::reach;
use crate::topic::Topic;
use crate::topic_name::{TopicError, check_name};

/// Why a topic cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The topic cannot be used.
    Topic(TopicError),
    /// The engine failed.
    Engine(EngineError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("topic cannot be opened")
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Topic(error) => Some(error),
            Self::Engine(error) => Some(error),
        }
    }
}

impl From<TopicError> for OpenError {
    fn from(error: TopicError) -> Self {
        Self::Topic(error)
    }
}

impl From<EngineError> for OpenError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

/// Pins a topic: it is not evicted until the guard is dropped.
pub(crate) struct TopicGuard {
    registry: Arc<Registry>,
    topic: Arc<Topic>,
}

impl TopicGuard {
    /// Pins a topic; `None` if it was evicted.
    pub(crate) fn pin(registry: &Arc<Registry>, topic: Arc<Topic>) -> Option<Self> {
        topic.pin().then(|| Self {
            registry: Arc::clone(registry),
            topic,
        })
    }

    /// Opens a topic if it is not in use, and pins it.
    pub(crate) async fn open(registry: &Arc<Registry>, name: &str) -> Result<Self, OpenError> {
        check_name(name)?;
        match registry.backend() {
            Backend::Local(log) => Ok(Self::open_local(registry, log, name)?),
            Backend::Engine(engine) => Self::open_in_engine(registry, &**engine, name).await,
        }
    }

    /// As [`open`](Self::open), on a hub without an engine.
    pub(crate) fn open_local(
        registry: &Arc<Registry>,
        log: &LocalLog,
        name: &str,
    ) -> Result<Self, TopicError> {
        check_name(name)?;
        loop {
            let (topic, _) = registry.open(name, || log.span(name))?;
            // Between the two, it may have been evicted.
            if let Some(guard) = Self::pin(registry, topic) {
                return Ok(guard);
            }
            reach("evicted before the pin");
        }
    }

    /// As [`open`](Self::open), on a hub with an engine, also for a topic of the hub's own.
    pub(crate) async fn open_in_engine(
        registry: &Arc<Registry>,
        engine: &dyn Engine,
        name: &str,
    ) -> Result<Self, OpenError> {
        loop {
            let topic = match registry.get(name) {
                Some(topic) => topic,
                None => {
                    let opening = registry.begin_opening(name)?;
                    let span = engine.open(name).await?;
                    let added = opening.add(span);
                    if !matches!(added, Ok((_, true))) {
                        // Each success is closed once. Another one stands for the topic.
                        engine.close(name);
                    }
                    added?.0
                }
            };
            // Between the two, it may have been evicted.
            let Some(guard) = Self::pin(registry, topic) else {
                continue;
            };
            // Something arrived live before the topic was in the registry, and was dropped. If several
            // open the topic, each reads for itself: a future that others waited for may not be polled
            // again.
            if !guard.is_caught_up() {
                catch_up(engine, &guard, registry.answered()).await?;
                guard.set_caught_up();
            }
            return Ok(guard);
        }
    }

    /// Returns the topic.
    pub(crate) fn topic(&self) -> &Arc<Topic> {
        &self.topic
    }
}

impl Deref for TopicGuard {
    type Target = Topic;

    fn deref(&self) -> &Topic {
        &self.topic
    }
}

impl Drop for TopicGuard {
    fn drop(&mut self) {
        if self.topic.unpin() {
            self.registry.evict(&self.topic);
        }
    }
}
