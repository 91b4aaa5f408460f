//! The topics in use: added when first needed, evicted when nothing needs them.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use slab::Slab;

use crate::clock::Clock;
use crate::group::Groups;
use crate::id::Ids;
use crate::log::Span;
use crate::log::answered::Answered;
use crate::log::backend::Backend;
use crate::metrics::Counts;
use crate::options::{Retention, TopicOptions};
use crate::sync::{AtomicBool, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard, reach};
use crate::topic::Topic;
use crate::topic::expiry::{Expiry, ExpiryQueue};
use crate::topic_name::{TopicError, check_any_name, is_reserved};

/// How many topics are checked for eviction when one is added, so that idle ones disappear
/// without a timer.
const SWEPT_PER_NEW: usize = 2;

/// How many of the topics that have expired first are checked when there is no room for a new one. In
/// most cases the first one can be evicted; others were published to, or pinned, since they were noted.
const CHECKED_WHEN_FULL: usize = 8;

/// How many topics are taken from the table under its lock, when all are gone through.
const PIECE: usize = 64;

/// What the windows of the hub's own topics keep: what arrives at once from many nodes.
const OWN: Retention = Retention::new()
    .max_bytes(16 * 1024 * 1024)
    .max_events(1_024)
    .max_age(Duration::from_secs(60));

pub(crate) type MakeOptions = dyn Fn(&str) -> TopicOptions + Send + Sync;

/// The lock of the table is held for a moment only, whatever the number of topics: what is done with all
/// of them takes a few at a time. A request that is refused only reads how many there are.
pub(crate) struct Registry {
    backend: Backend,
    ids: Arc<Ids>,
    options: Box<MakeOptions>,
    max_topics: usize,
    groups: Groups,
    clock: Clock,
    topics: RwLock<Topics>,
    expiring: Arc<ExpiryQueue>,
    /// The slot up to which topics were checked for eviction.
    swept: AtomicUsize,
    /// What an engine has answered to publishers.
    answered: Answered,
}

#[derive(Default)]
struct Topics {
    by_name: HashMap<Arc<str>, Arc<Topic>>,
    /// The same topics, to go through them in pieces.
    slots: Slab<Arc<Topic>>,
    /// After the last slot that was ever used.
    slots_end: usize,
    /// The topics that an engine is opening.
    opening: HashMap<Box<str>, BeingOpened>,
    evicted: Evicted,
}

/// The topics that were evicted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evicted {
    pub(crate) topics: u64,
    pub(crate) counts: Counts,
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
    pub(crate) fn new(
        backend: Backend,
        ids: Ids,
        options: Box<MakeOptions>,
        max_topics: usize,
        groups: Groups,
    ) -> Self {
        Self {
            backend,
            ids: Arc::new(ids),
            options,
            max_topics,
            groups,
            clock: Clock::new(),
            topics: RwLock::default(),
            expiring: Arc::default(),
            swept: AtomicUsize::new(0),
            answered: Answered::new(max_topics),
        }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    pub(crate) fn ids(&self) -> &Arc<Ids> {
        &self.ids
    }

    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
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
        for opened in self.read().opening.values() {
            opened.has_missed.store(true, Ordering::Relaxed);
        }
        self.topics()
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
        check_any_name(name)?;
        let mut options = None;
        let mut topics = loop {
            self.make_room()?;
            // A function of the user's, so not under the lock.
            let options = options.get_or_insert_with(|| self.options_of(name));
            if options.snapshot.is_some() && self.groups.is_log(name) {
                return Err(TopicError::SnapshotOfGroup);
            }
            let topics = self.write();
            if let Some(topic) = topics.by_name.get(name) {
                reach("opened by another thread meanwhile");
                return Ok((Arc::clone(topic), false));
            }
            // Otherwise, another one has taken the room.
            if topics.by_name.len() < self.max_topics {
                break topics;
            }
            reach("room taken by another topic meanwhile");
        };
        let (span, is_caught_up) = begin(&topics);
        let name: Arc<str> = name.into();
        let slot = topics.slots.vacant_key();
        let expiry = Expiry::new(Arc::clone(&self.expiring), slot);
        let options = options.unwrap_or_default();
        let ids = Arc::clone(&self.ids);
        let topic = Topic::new(
            Arc::clone(&name),
            options,
            span,
            matches!(self.backend, Backend::Local(_)),
            self.clock,
            expiry,
            ids,
        );
        if is_caught_up {
            topic.set_caught_up();
        }
        topics.slots.insert(Arc::clone(&topic));
        topics.slots_end = topics.slots_end.max(slot + 1);
        topics.by_name.insert(name, Arc::clone(&topic));
        Ok((topic, true))
    }

    fn options_of(&self, name: &str) -> TopicOptions {
        if is_reserved(name) {
            TopicOptions::new().retention(OWN)
        } else {
            (self.options)(name)
        }
    }

    /// Begins to open a topic, if one of this name could be added.
    pub(crate) fn begin_opening<'a>(&'a self, name: &'a str) -> Result<Opening<'a>, TopicError> {
        check_any_name(name)?;
        self.make_room()?;
        let mut topics = self.write();
        topics.opening.entry(name.into()).or_default().openings += 1;
        Ok(Opening {
            registry: self,
            name,
        })
    }

    /// Evicts a topic that nothing needs if there is no room for another one.
    fn make_room(&self) -> Result<(), TopicError> {
        if self.has_room() {
            let from = self.swept.load(Ordering::Relaxed);
            let (topics, next) = self.piece(from, SWEPT_PER_NEW);
            self.swept.store(next.unwrap_or(0), Ordering::Relaxed);
            for topic in &topics {
                self.evict(topic);
            }
            return Ok(());
        }
        for _ in 0..CHECKED_WHEN_FULL {
            let Some(slot) = self.expiring.first(self.clock.millis()) else {
                break;
            };
            let topic = self.read().slots.get(slot).cloned();
            if topic.is_some_and(|topic| self.evict(&topic)) {
                break;
            }
        }
        if self.has_room() {
            return Ok(());
        }
        Err(TopicError::TooManyTopics {
            limit: self.max_topics,
        })
    }

    fn has_room(&self) -> bool {
        self.read().by_name.len() < self.max_topics
    }

    /// Evicts the topic if nothing needs it. Returns whether it was.
    pub(crate) fn evict(&self, topic: &Arc<Topic>) -> bool {
        // What is too old is discarded before the lock of all topics is taken.
        let is_evicted = topic.trim() && self.write().evict(&self.backend, topic);
        if is_evicted {
            // The lock is released: an engine may wake the driver's task, and this and a subscriber of
            // `tracing` may use the hub. So may what the snapshot's function owns, which the caller drops.
            self.backend.close(topic.name());
            tracing::debug!(topic = &**topic.name(), "topic evicted");
        }
        is_evicted
    }

    /// Discards all events that are too old, and evicts all topics that nothing needs.
    pub(crate) fn sweep(&self) {
        self.for_each(|topic| {
            self.evict(topic);
        });
    }

    /// Returns the topics in use. Those that are added meanwhile may be left out.
    pub(crate) fn topics(&self) -> Vec<Arc<Topic>> {
        let mut all = Vec::new();
        self.for_each(|topic| all.push(Arc::clone(topic)));
        all
    }

    /// Calls a function with each topic in use, without the lock. Those that are added meanwhile may be
    /// left out.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&Arc<Topic>)) {
        let mut from = Some(0);
        while let Some(index) = from {
            let (topics, next) = self.piece(index, PIECE);
            topics.iter().for_each(&mut visit);
            from = next;
        }
    }

    /// Returns the topics in a number of slots, and the slot that follows if there are more.
    fn piece(&self, from: usize, count: usize) -> (Vec<Arc<Topic>>, Option<usize>) {
        let topics = self.read();
        let end = from.saturating_add(count).min(topics.slots_end);
        let slots = (from..end).filter_map(|slot| topics.slots.get(slot));
        let next = (end < topics.slots_end).then_some(end);
        (slots.cloned().collect(), next)
    }

    /// Returns what the evicted topics have counted.
    pub(crate) fn evicted(&self) -> Evicted {
        self.read().evicted
    }

    fn read(&self) -> RwLockReadGuard<'_, Topics> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Topics> {
        self.topics.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topics {
    /// Evicts the topic if nothing needs it.
    fn evict(&mut self, backend: &Backend, topic: &Arc<Topic>) -> bool {
        let name = topic.name();
        let current = self.by_name.get(name);
        if !current.is_some_and(|current| Arc::ptr_eq(current, topic)) {
            return false;
        }
        let number = self.evicted.topics + 1;
        let Some((floor, counts)) = topic.evict(number) else {
            return false;
        };
        backend.note_evicted(name, floor);
        self.evicted.topics = number;
        if !is_reserved(name) {
            self.evicted.counts += counts;
        }
        self.slots.try_remove(topic.slot());
        self.by_name.remove(name);
        // Another opening began with the span of before.
        if let Some(opened) = self.opening.get(&**name) {
            opened.has_missed.store(true, Ordering::Relaxed);
        }
        true
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
