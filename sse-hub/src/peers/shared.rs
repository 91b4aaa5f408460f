//! What the handles of a hub leave for its driver: the topics whose members they watch, and the changes of
//! those that other nodes watch.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::mem;
use std::sync::{Arc, PoisonError};

use crate::log::{Engine, EngineError};
use crate::peers::message;
use crate::peers::reader::Reader;
use crate::peers::{topic_of_members, topic_of_nodes};
use crate::registry::Registry;
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering};
use crate::topic::elsewhere::NodeId;
use crate::topic_guard::OpenError;

/// How many names that have changed are kept of a topic. If there are more, all members are told.
const MAX_CHANGED: usize = 16 * 1024;

pub(crate) struct Peers {
    node: NodeId,
    /// Whether the topic of all nodes is open.
    is_open: AtomicBool,
    /// Whether other nodes watch a topic.
    has_reports: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Reads the topic of all nodes, until the driver has taken it.
    nodes: Option<Reader>,
    watches: HashMap<Arc<str>, Watch>,
    /// The topics whose watches have begun or ended.
    watches_changed: Vec<Arc<str>>,
    /// What is to be told of the topics that other nodes watch.
    reports: HashMap<Arc<str>, Untold>,
    /// The topics of which something is to be told.
    reports_changed: Vec<Arc<str>>,
}

/// A topic whose members this node watches.
struct Watch {
    watchers: usize,
    /// Reads what others tell, until the driver has taken it.
    reader: Option<Reader>,
}

/// What is to be told of a topic.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Untold {
    #[default]
    Nothing,
    /// The number of subscribers, and of those with these names.
    Names(HashSet<Arc<str>>),
    /// All members.
    All,
}

/// What has become of a watch.
pub(super) enum WatchChange {
    Begun(Reader),
    /// Of one that has begun before.
    Continues,
    Ended,
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            // The standard library's source of randomness, seeded by the system.
            node: RandomState::new().hash_one(0),
            is_open: AtomicBool::new(false),
            has_reports: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }
}

impl Peers {
    pub(super) fn node(&self) -> NodeId {
        self.node
    }

    /// Whether this node hears what others tell.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Begins to hear what others tell, if that is not so yet. Returns whether the driver is to be woken.
    pub(crate) async fn open(
        &self,
        registry: &Arc<Registry>,
        engine: &dyn Engine,
    ) -> Result<bool, OpenError> {
        if self.is_open() {
            return Ok(false);
        }
        let reader = Reader::open(registry, engine, &topic_of_nodes()).await?;
        let mut state = self.state();
        if self.is_open() {
            // Another one was faster.
            drop(state);
            drop(reader);
            return Ok(false);
        }
        state.nodes = Some(reader);
        self.is_open.store(true, Ordering::Release);
        Ok(true)
    }

    /// Begins to watch the members of a topic. The driver is to be woken.
    pub(crate) async fn watch(
        &self,
        registry: &Arc<Registry>,
        engine: &dyn Engine,
        topic: &Arc<str>,
    ) -> Result<(), OpenError> {
        self.open(registry, engine).await?;
        // In any case, as the last watcher may leave meanwhile.
        let reader = Reader::open(registry, engine, &topic_of_members(topic)).await?;
        let mut state = self.state();
        if let Some(watch) = state.watches.get_mut(topic) {
            watch.watchers += 1;
            drop(state);
            drop(reader);
            return Ok(());
        }
        let watch = Watch {
            watchers: 1,
            reader: Some(reader),
        };
        state.watches.insert(Arc::clone(topic), watch);
        state.watches_changed.push(Arc::clone(topic));
        Ok(())
    }

    /// Ends a watch. Returns whether it was the last one of the topic, so that the driver is to be woken.
    pub(crate) fn unwatch(&self, topic: &Arc<str>) -> bool {
        let mut state = self.state();
        let Some(watch) = state.watches.get_mut(topic) else {
            return false;
        };
        watch.watchers -= 1;
        if watch.watchers > 0 {
            return false;
        }
        let ended = state.watches.remove(topic);
        state.watches_changed.push(Arc::clone(topic));
        drop(state);
        drop(ended);
        true
    }

    /// Notes that a subscriber has joined or left, which may have a name. Returns whether the driver is to be
    /// woken.
    #[inline]
    pub(crate) fn note_change(&self, topic: &str, member: Option<&Arc<str>>) -> bool {
        self.has_reports.load(Ordering::Acquire) && self.state().note_change(topic, member)
    }

    /// Tells all nodes to end the subscriptions of a member.
    pub(crate) async fn disconnect(
        &self,
        engine: &dyn Engine,
        topic: &str,
        member: &str,
    ) -> Result<(), EngineError> {
        let message = message::disconnect(self.node, topic, member);
        engine.append(&topic_of_nodes(), &message, None).await?;
        Ok(())
    }

    /// Takes what reads the topic of all nodes.
    pub(super) fn take_nodes(&self) -> Option<Reader> {
        self.state().nodes.take()
    }

    /// Takes the topics whose watches have begun or ended.
    pub(super) fn take_watches(&self) -> Vec<(Arc<str>, WatchChange)> {
        let mut state = self.state();
        let changed = mem::take(&mut state.watches_changed);
        let changes = changed.into_iter().map(|topic| {
            let change = match state.watches.get_mut(&topic) {
                Some(watch) => match watch.reader.take() {
                    Some(reader) => WatchChange::Begun(reader),
                    None => WatchChange::Continues,
                },
                None => WatchChange::Ended,
            };
            (topic, change)
        });
        changes.collect()
    }

    /// Notes that all members of a topic are to be told, as another node watches it.
    pub(super) fn report_all(&self, topic: &Arc<str>) {
        let mut state = self.state();
        let untold = state.reports.entry(Arc::clone(topic)).or_default();
        if mem::replace(untold, Untold::All) == Untold::Nothing {
            state.reports_changed.push(Arc::clone(topic));
        }
        self.has_reports.store(true, Ordering::Release);
    }

    /// Forgets a topic that no other node watches.
    pub(super) fn end_report(&self, topic: &str) {
        let mut state = self.state();
        state.reports.remove(topic);
        self.has_reports
            .store(!state.reports.is_empty(), Ordering::Release);
    }

    /// Takes the topics of which something is to be told.
    pub(super) fn take_reports(&self) -> Vec<Arc<str>> {
        mem::take(&mut self.state().reports_changed)
    }

    /// Takes what is to be told of a topic.
    pub(super) fn take_untold(&self, topic: &str) -> Untold {
        let mut state = self.state();
        state
            .reports
            .get_mut(topic)
            .map(mem::take)
            .unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note_change(&mut self, topic: &str, member: Option<&Arc<str>>) -> bool {
        let Some((topic, _)) = self.reports.get_key_value(topic) else {
            return false;
        };
        let topic = Arc::clone(topic);
        let Some(untold) = self.reports.get_mut(&topic) else {
            return false;
        };
        let was_told = *untold == Untold::Nothing;
        match untold {
            Untold::All => {}
            Untold::Nothing => {
                *untold = Untold::Names(member.into_iter().map(Arc::clone).collect());
            }
            Untold::Names(names) => names.extend(member.map(Arc::clone)),
        }
        if matches!(untold, Untold::Names(names) if names.len() > MAX_CHANGED) {
            *untold = Untold::All;
        }
        if was_told {
            self.reports_changed.push(topic);
        }
        was_told
    }
}
