//! The topics in use: added when first needed, evicted when nothing needs them.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, PoisonError};

use crate::clock::Clock;
use crate::log::Span;
use crate::log::answered::Answered;
use crate::log::backend::Backend;
use crate::metrics::Counts;
use crate::options::TopicOptions;
use crate::sync::{AtomicBool, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard, reach};
use crate::topic::Topic;
use crate::topic_name::{TopicError, check_name};

/// How many topics are checked for eviction when one is added, so that idle ones disappear
/// without a timer.
const SWEPT_PER_NEW: usize = 2;

/// How often all topics may be checked because there is no room for a new one, in milliseconds: a
/// request for a topic that is refused must not cost as much as there are topics.
const SWEPT_WHEN_FULL_EVERY: u64 = 1_000;

pub(crate) type MakeOptions = dyn Fn(&str) -> TopicOptions + Send + Sync;

pub(crate) struct Registry {
    backend: Backend,
    options: Box<MakeOptions>,
    max_topics: usize,
    clock: Clock,
    topics: RwLock<Topics>,
    /// What an engine has answered to publishers.
    answered: Answered,
}

/// Topics that were evicted. They are closed, logged and dropped outside of the lock: an engine may
/// wake the driver's task, and this, a subscriber of `tracing`, and what a snapshot function owns may
/// use the hub.
struct Evicted<'a> {
    backend: &'a Backend,
    topics: Vec<Arc<Topic>>,
}

impl Drop for Evicted<'_> {
    fn drop(&mut self) {
        for topic in &self.topics {
            self.backend.close(topic.name());
            tracing::debug!(topic = &**topic.name(), "topic evicted");
        }
    }
}

#[derive(Default)]
struct Topics {
    by_name: HashMap<Arc<str>, Arc<Topic>>,
    /// The topics that an engine is opening.
    opening: HashMap<Box<str>, BeingOpened>,
    /// All names, the one that was checked longest ago first; some may be evicted.
    to_sweep: VecDeque<Arc<str>>,
    /// When all topics may be checked again because there is no room.
    sweep_again_at: u64,
    /// What the evicted topics have counted.
    evicted: Counts,
}

/// A topic that an engine is opening, once or several times.
#[derive(Debug, Default)]
struct BeingOpened {
    openings: usize,
    /// Whether a live entry of it came, or may have been lost, while it had no window.
    has_missed: AtomicBool,
}

/// One opening of a topic by an engine, from before the engine is asked.
pub(crate) struct Opening<'a> {
    registry: &'a Registry,
    name: &'a str,
}

impl Registry {
    pub(crate) fn new(backend: Backend, options: Box<MakeOptions>, max_topics: usize) -> Self {
        Self {
            backend,
            options,
            max_topics,
            clock: Clock::new(),
            topics: RwLock::default(),
            answered: Answered::new(max_topics),
        }
    }

    /// Declared before the lock is taken, it is dropped after that was released.
    fn none_evicted(&self) -> Evicted<'_> {
        Evicted {
            backend: &self.backend,
            topics: Vec::new(),
        }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    pub(crate) fn answered(&self) -> &Answered {
        &self.answered
    }

    /// Returns the topic if it is in use.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.read().by_name.get(name).cloned()
    }

    /// Returns the topic of a live entry if it is in use. One that is being opened is noted to have
    /// missed the entry.
    pub(crate) fn get_for_live(&self, name: &str) -> Option<Arc<Topic>> {
        let topics = self.read();
        let topic = topics.by_name.get(name).cloned();
        if topic.is_none()
            && let Some(opened) = topics.opening.get(name)
        {
            opened.has_missed.store(true, Ordering::Relaxed);
        }
        topic
    }

    /// Returns the topics in use, at an interruption of the live entries. Those that are being opened are
    /// noted to have missed some.
    pub(crate) fn interrupted(&self) -> Vec<Arc<Topic>> {
        let topics = self.read();
        for opened in topics.opening.values() {
            opened.has_missed.store(true, Ordering::Relaxed);
        }
        topics.by_name.values().cloned().collect()
    }

    /// Returns the topic, and whether it was not in use and was added with the given span. The span
    /// is taken under the lock, so that the topic cannot be added and evicted in between.
    pub(crate) fn open(
        &self,
        name: &str,
        span: impl FnOnce() -> Span,
    ) -> Result<(Arc<Topic>, bool), TopicError> {
        self.open_with(name, |_| (span(), false))
    }

    /// As above. What is taken under the lock is also whether the window has all that the engine had.
    fn open_with(
        &self,
        name: &str,
        begin: impl FnOnce(&Topics) -> (Span, bool),
    ) -> Result<(Arc<Topic>, bool), TopicError> {
        if let Some(topic) = self.get(name) {
            return Ok((topic, false));
        }
        check_name(name)?;
        // A function of the user's, so not under the lock.
        let options = (self.options)(name);
        let mut evicted = self.none_evicted();
        let mut topics = self.write();
        if let Some(topic) = topics.by_name.get(name) {
            reach("opened by another thread meanwhile");
            return Ok((Arc::clone(topic), false));
        }
        self.make_room(&mut topics, &mut evicted)?;
        let (span, is_caught_up) = begin(&topics);
        let name: Arc<str> = name.into();
        let topic = Topic::new(Arc::clone(&name), options, span, self.clock);
        if is_caught_up {
            topic.set_caught_up();
        }
        topics.by_name.insert(Arc::clone(&name), Arc::clone(&topic));
        topics.to_sweep.push_back(name);
        Ok((topic, true))
    }

    /// Begins to open a topic, if one of this name could be added.
    pub(crate) fn begin_opening<'a>(&'a self, name: &'a str) -> Result<Opening<'a>, TopicError> {
        check_name(name)?;
        let mut evicted = self.none_evicted();
        let mut topics = self.write();
        self.make_room(&mut topics, &mut evicted)?;
        topics.opening.entry(name.into()).or_default().openings += 1;
        Ok(Opening {
            registry: self,
            name,
        })
    }

    fn make_room(&self, topics: &mut Topics, evicted: &mut Evicted<'_>) -> Result<(), TopicError> {
        self.sweep_some(topics, evicted, SWEPT_PER_NEW);
        let now = self.clock.millis();
        if topics.by_name.len() >= self.max_topics && now >= topics.sweep_again_at {
            topics.sweep_again_at = now.saturating_add(SWEPT_WHEN_FULL_EVERY);
            self.sweep_some(topics, evicted, usize::MAX);
        }
        if topics.by_name.len() >= self.max_topics {
            return Err(TopicError::TooManyTopics {
                limit: self.max_topics,
            });
        }
        Ok(())
    }

    /// Evicts the topic if nothing needs it.
    pub(crate) fn evict(&self, topic: &Arc<Topic>) {
        let mut evicted = self.none_evicted();
        let mut topics = self.write();
        let current = topics.by_name.get(topic.name());
        if current.is_some_and(|current| Arc::ptr_eq(current, topic))
            && self.evict_if_idle(&mut topics, topic)
        {
            evicted.topics.push(Arc::clone(topic));
        }
    }

    fn evict_if_idle(&self, topics: &mut Topics, topic: &Topic) -> bool {
        let Some((floor, counts)) = topic.evict() else {
            return false;
        };
        self.backend.note_evicted(topic.name(), floor);
        topics.evicted += counts;
        topics.by_name.remove(topic.name());
        // Another opening began with the span of before.
        if let Some(opened) = topics.opening.get(&**topic.name()) {
            opened.has_missed.store(true, Ordering::Relaxed);
        }
        true
    }

    /// Checks up to `count` topics in turn. The evicted ones are added to `evicted`.
    fn sweep_some(&self, topics: &mut Topics, evicted: &mut Evicted<'_>, count: usize) {
        for _ in 0..count.min(topics.to_sweep.len()) {
            let Some(name) = topics.to_sweep.pop_front() else {
                return;
            };
            // A name may be listed twice if its topic was evicted and added again.
            let Some(topic) = topics.by_name.get(&name).cloned() else {
                continue;
            };
            if !Arc::ptr_eq(topic.name(), &name) {
                continue;
            }
            if self.evict_if_idle(topics, &topic) {
                evicted.topics.push(topic);
            } else {
                topics.to_sweep.push_back(name);
            }
        }
    }

    /// Discards all events that are too old, and evicts all topics that nothing needs.
    pub(crate) fn sweep(&self) {
        let mut evicted = self.none_evicted();
        let mut topics = self.write();
        self.sweep_some(&mut topics, &mut evicted, usize::MAX);
    }

    pub(crate) fn topics(&self) -> Vec<Arc<Topic>> {
        self.read().by_name.values().cloned().collect()
    }

    /// Returns what the evicted topics have counted.
    pub(crate) fn evicted(&self) -> Counts {
        self.read().evicted
    }

    fn read(&self) -> RwLockReadGuard<'_, Topics> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Topics> {
        self.topics.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opening<'_> {
    /// Returns the topic, and whether it was not in use and was added, with the span that the engine has
    /// answered. If no live entry came meanwhile, all that follow will find the topic.
    pub(crate) fn add(self, span: Span) -> Result<(Arc<Topic>, bool), TopicError> {
        self.registry.open_with(self.name, |topics| {
            let opened = topics.opening.get(self.name);
            let has_missed = opened.is_none_or(|it| it.has_missed.load(Ordering::Relaxed));
            (span, !has_missed)
        })
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut topics = self.registry.write();
        if let Some(opened) = topics.opening.get_mut(self.name) {
            opened.openings -= 1;
            if opened.openings == 0 {
                topics.opening.remove(self.name);
            }
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("backend", &self.backend)
            .field("max_topics", &self.max_topics)
            .finish_non_exhaustive()
    }
}
