//! Making a hub.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::hub::Hub;
use crate::log::Log;
use crate::log::local::Embedded;
use crate::options::TopicOptions;
use crate::registry::Registry;

/// Makes a [`Hub`] with options.
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
pub struct HubBuilder {
    log: Arc<dyn Log>,
    options: Box<dyn Fn(&str) -> TopicOptions + Send + Sync>,
    max_topics: usize,
}

impl HubBuilder {
    /// The default limit on the number of topics: 10,000.
    pub const DEFAULT_MAX_TOPICS: usize = 10_000;

    pub(crate) fn new() -> Self {
        Self {
            log: Arc::new(Embedded::new()),
            options: Box::new(|_| TopicOptions::new()),
            max_topics: Self::DEFAULT_MAX_TOPICS,
        }
    }

    /// Sets the function that gives a topic's options by its name. It is called when the topic
    /// comes into being, and now and then for nothing; it must not use the hub.
    pub fn topics<F>(mut self, options: F) -> Self
    where
        F: Fn(&str) -> TopicOptions + Send + Sync + 'static,
    {
        self.options = Box::new(options);
        self
    }

    /// Sets how many topics there may be at a time; by default 10,000. Together with what each
    /// one's [`Retention`](crate::Retention) allows, that bounds the hub's memory.
    pub const fn max_topics(mut self, topics: usize) -> Self {
        self.max_topics = topics;
        self
    }

    /// Sets the log behind the topics; by default they live in this process. See
    /// [`Hub::drive`](crate::Hub::drive), which such a hub needs.
    pub fn log(mut self, log: impl Log) -> Self {
        self.log = Arc::new(log);
        self
    }

    /// Makes the hub.
    #[must_use]
    pub fn build(self) -> Hub {
        let clock = Clock::new();
        Hub::from_registry(Registry::new(
            self.log,
            self.options,
            self.max_topics,
            clock,
        ))
    }
}

impl fmt::Debug for HubBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubBuilder")
            .field("log", &self.log)
            .field("max_topics", &self.max_topics)
            .finish_non_exhaustive()
    }
}
