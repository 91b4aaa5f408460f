//! The topics in use: made when first needed, let go of when nobody needs them.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures_core::future::BoxFuture;

use crate::clock::Clock;
use crate::log::driver;
use crate::log::{Log, LogError, Span};
use crate::metrics::Counts;
use crate::options::TopicOptions;
use crate::shutdown::ClosingCell;
use crate::topic::Topic;

/// The longest name of a topic, in bytes.
pub(crate) const MAX_NAME_LEN: usize = 512;

/// How many old topics each new one looks at, so that those without use go without a timer.
const SWEPT_PER_NEW: usize = 2;

/// What a log is still finding out about a topic.
type Opening = BoxFuture<'static, Result<Span, LogError>>;

type MakeOptions = dyn Fn(&str) -> TopicOptions + Send + Sync;

pub(crate) struct Registry {
    log: Arc<dyn Log>,
    options: Box<MakeOptions>,
    max_topics: usize,
    clock: Clock,
    closing: ClosingCell,
    topics: RwLock<Topics>,
}

#[derive(Default)]
struct Topics {
    by_name: HashMap<Arc<str>, Arc<Topic>>,
    /// All names, the one that was looked at longest ago first; some may be gone.
    to_sweep: VecDeque<Arc<str>>,
    /// What the topics that are gone have counted.
    retired: Counts,
}

/// Why a topic cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicError {
    /// The name is empty.
    EmptyName,
    /// The name is too long.
    NameTooLong {
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The topic would be new, and the hub has as many as it may have.
    TooManyTopics {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyName => f.write_str("topic name is empty"),
            Self::NameTooLong { len, limit } => {
                write!(
                    f,
                    "topic name of {len} bytes is longer than the limit of {limit}"
                )
            }
            Self::TooManyTopics { limit } => {
                write!(f, "there are as many topics as the limit of {limit} allows")
            }
        }
    }
}

impl Error for TopicError {}

impl Registry {
    pub(crate) fn new(
        log: Arc<dyn Log>,
        options: Box<MakeOptions>,
        max_topics: usize,
        clock: Clock,
    ) -> Self {
        Self {
            log,
            options,
            max_topics,
            clock,
            closing: ClosingCell::default(),
            topics: RwLock::default(),
        }
    }

    pub(crate) const fn closing(&self) -> &ClosingCell {
        &self.closing
    }

    pub(crate) fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// The topic if it is in use.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.read().by_name.get(name).cloned()
    }

    /// The topic, opened if it is not in use.
    pub(crate) async fn open(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        let later = match self.open_now(name)? {
            Ok(topic) => return Ok(topic),
            Err(later) => later,
        };
        let span = later.await?;
        let options = (self.options)(name);
        let topic = {
            let mut topics = self.write();
            if let Some(topic) = topics.by_name.get(name).cloned() {
                self.log.close(name, span.head);
                return Ok(topic);
            }
            if let Err(error) = self.make_room(&mut topics) {
                self.log.close(name, span.head);
                return Err(error.into());
            }
            self.add(&mut topics, name, options, span)
        };
        if let Err(error) = driver::catch_up(&*self.log, &topic).await {
            // Whoever comes next opens it anew, and does not take it for complete.
            self.retire(&topic);
            return Err(error);
        }
        Ok(topic)
    }

    /// The topic, or what its opening waits for.
    fn open_now(&self, name: &str) -> Result<Result<Arc<Topic>, Opening>, LogError> {
        if let Some(topic) = self.get(name) {
            return Ok(Ok(topic));
        }
        check_name(name)?;
        // A function of the user's, so not under the lock.
        let options = (self.options)(name);
        let mut topics = self.write();
        if let Some(topic) = topics.by_name.get(name) {
            return Ok(Ok(Arc::clone(topic)));
        }
        self.make_room(&mut topics)?;
        // Asked under the lock, so that the topic cannot come and go between answer and use.
        match self.log.open(name).now_or_later() {
            Ok(span) => Ok(Ok(self.add(&mut topics, name, options, span?))),
            Err(later) => Ok(Err(later)),
        }
    }

    fn make_room(&self, topics: &mut Topics) -> Result<(), TopicError> {
        self.sweep_some(topics, SWEPT_PER_NEW);
        if topics.by_name.len() >= self.max_topics {
            self.sweep_some(topics, usize::MAX);
        }
        if topics.by_name.len() >= self.max_topics {
            return Err(TopicError::TooManyTopics {
                limit: self.max_topics,
            });
        }
        Ok(())
    }

    fn add(
        &self,
        topics: &mut Topics,
        name: &str,
        options: TopicOptions,
        span: Span,
    ) -> Arc<Topic> {
        let name: Arc<str> = name.into();
        let topic = Topic::new(Arc::clone(&name), options, span, self.clock);
        topics.by_name.insert(Arc::clone(&name), Arc::clone(&topic));
        topics.to_sweep.push_back(name);
        topic
    }

    /// Lets go of the topic if it is of no more use.
    pub(crate) fn retire(&self, topic: &Arc<Topic>) {
        let mut topics = self.write();
        let current = topics.by_name.get(topic.name());
        if current.is_some_and(|current| Arc::ptr_eq(current, topic)) {
            self.retire_if_idle(&mut topics, topic);
        }
    }

    fn retire_if_idle(&self, topics: &mut Topics, topic: &Topic) -> bool {
        let Some((last, counts)) = topic.retire() else {
            return false;
        };
        self.log.close(topic.name(), last);
        topics.retired += counts;
        topics.by_name.remove(topic.name());
        tracing::debug!(topic = &**topic.name(), "topic let go of");
        true
    }

    /// Looks at up to `most` topics in turn.
    fn sweep_some(&self, topics: &mut Topics, most: usize) {
        for _ in 0..most.min(topics.to_sweep.len()) {
            let Some(name) = topics.to_sweep.pop_front() else {
                return;
            };
            // A name whose topic has gone may stand twice, if the topic came again.
            let Some(topic) = topics.by_name.get(&name).cloned() else {
                continue;
            };
            if Arc::ptr_eq(topic.name(), &name) && !self.retire_if_idle(topics, &topic) {
                topics.to_sweep.push_back(name);
            }
        }
    }

    /// Lets go of all that is too old, and of all topics that are of no more use.
    pub(crate) fn sweep(&self) {
        self.sweep_some(&mut self.write(), usize::MAX);
    }

    pub(crate) fn topics(&self) -> Vec<Arc<Topic>> {
        self.read().by_name.values().cloned().collect()
    }

    pub(crate) fn retired(&self) -> Counts {
        self.read().retired
    }

    fn read(&self) -> RwLockReadGuard<'_, Topics> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Topics> {
        self.topics.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a topic may have this name.
pub(crate) const fn check_name(name: &str) -> Result<(), TopicError> {
    if name.is_empty() {
        return Err(TopicError::EmptyName);
    }
    if name.len() > MAX_NAME_LEN {
        return Err(TopicError::NameTooLong {
            len: name.len(),
            limit: MAX_NAME_LEN,
        });
    }
    Ok(())
}

/// A topic as a log is given it: by name, and opened only if the log asks for its window.
#[derive(Clone, Copy)]
pub struct TopicRef<'a> {
    registry: &'a Registry,
    name: &'a str,
}

impl<'a> TopicRef<'a> {
    pub(crate) const fn new(registry: &'a Registry, name: &'a str) -> Self {
        Self { registry, name }
    }

    /// The topic's name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Whether nothing is to be appended any more. Asked under the topic's lock, it excludes that a
    /// subscription ends just before an event that is still taken.
    pub(crate) fn is_closing(&self) -> bool {
        self.registry.closing.get().is_some()
    }

    /// The topic's window, for a log that opens topics at once.
    pub(crate) fn window(&self) -> Result<Arc<Topic>, LogError> {
        match self.registry.open_now(self.name)? {
            Ok(topic) => Ok(topic),
            Err(_) => Err(LogError::Engine("topics cannot be opened at once".into())),
        }
    }
}

impl fmt::Debug for TopicRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicRef").field(&self.name).finish()
    }
}
