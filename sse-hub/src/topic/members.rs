//! The members of a topic, and the changes among them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use crate::topic::change::Change;
use crate::topic::elsewhere::{Elsewhere, NodeId, Told};
use crate::topic::member::Member;
use crate::topic::waiting::{WaitList, WaitSlot, Wakers};

/// How many changes a watcher may lag behind before it misses some.
const BACKLOG: usize = 256;

#[derive(Debug)]
pub(crate) struct Members {
    /// The subscribers that have each name.
    names: HashMap<Arc<str>, Vec<Arc<Member>>>,
    /// Those of other nodes, while there are watchers.
    elsewhere: Elsewhere,
    watchers: usize,
    /// The newest changes, while there are watchers.
    changes: VecDeque<Change>,
    /// How many changes there were, while there were watchers.
    changed: u64,
    /// The watchers that have taken all changes.
    waiting: WaitList,
}

/// One watcher of the members.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// How many of the changes it has taken or missed.
    seen: u64,
    slot: WaitSlot,
}

impl Members {
    pub(crate) fn new() -> Self {
        Self {
            names: HashMap::new(),
            elsewhere: Elsewhere::default(),
            watchers: 0,
            changes: VecDeque::new(),
            changed: 0,
            waiting: WaitList::new(),
        }
    }

    /// Adds a subscriber. Returns the watchers to wake.
    pub(crate) fn join(&mut self, member: Option<&Arc<Member>>, subscribers: usize) -> Wakers {
        let times = member.map_or(0, |member| {
            let named = self.names.entry(Arc::clone(member.name())).or_default();
            named.push(Arc::clone(member));
            named.len()
        });
        self.change(|elsewhere| Change::Joined {
            member: member.map(|member| Arc::clone(member.name())),
            times: times + elsewhere_times(elsewhere, member),
            subscribers: subscribers + elsewhere.subscribers(),
        })
    }

    /// Removes a subscriber. Returns the watchers to wake.
    pub(crate) fn leave(&mut self, member: Option<&Arc<Member>>, subscribers: usize) -> Wakers {
        let mut left = 0;
        if let Some(member) = member
            && let Some(named) = self.names.get_mut(member.name())
        {
            if let Some(at) = named.iter().position(|it| Arc::ptr_eq(it, member)) {
                named.swap_remove(at);
            }
            left = named.len();
            if left == 0 {
                self.names.remove(member.name());
            }
        }
        self.change(|elsewhere| Change::Left {
            member: member.map(|member| Arc::clone(member.name())),
            times: left + elsewhere_times(elsewhere, member),
            subscribers: subscribers + elsewhere.subscribers(),
        })
    }

    /// Returns the subscribers that have this name.
    pub(crate) fn named(&self, name: &str) -> Vec<Arc<Member>> {
        self.names.get(name).cloned().unwrap_or_default()
    }

    /// Returns the names here, and how many subscribers have each.
    pub(crate) fn here(&self) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.names.iter().map(|(name, named)| (name, named.len()))
    }

    /// Returns how many subscribers here have a name.
    pub(crate) fn times_here(&self, name: &str) -> usize {
        self.names.get(name).map_or(0, Vec::len)
    }

    /// Returns the names on all nodes, each once.
    pub(crate) fn all(&self) -> Vec<Arc<str>> {
        let is_elsewhere_alone = |name: &&Arc<str>| !self.names.contains_key(*name);
        let elsewhere = self.elsewhere.names().filter(is_elsewhere_alone);
        self.names.keys().chain(elsewhere).cloned().collect()
    }

    /// Returns how many subscribers on all nodes have a name.
    pub(crate) fn times(&self, name: &str) -> usize {
        self.times_here(name) + self.elsewhere.times(name)
    }

    /// Returns how many subscribers other nodes have.
    pub(crate) fn subscribers_elsewhere(&self) -> usize {
        self.elsewhere.subscribers()
    }

    /// Returns a watcher of the changes from now on.
    pub(crate) fn watch(&mut self) -> Watcher {
        self.watchers += 1;
        Watcher {
            seen: self.changed,
            slot: WaitSlot::default(),
        }
    }

    /// Applies what another node tells. Returns the watchers to wake.
    pub(crate) fn apply(&mut self, told: Told, subscribers: usize) -> Wakers {
        self.change_elsewhere(subscribers, |elsewhere, here, note| {
            elsewhere.apply(told, here, note);
        })
    }

    /// Removes what another node has told. Returns the watchers to wake.
    pub(crate) fn remove_node(&mut self, node: NodeId, subscribers: usize) -> Wakers {
        self.change_elsewhere(subscribers, |elsewhere, here, note| {
            elsewhere.remove(node, here, note);
        })
    }

    fn change_elsewhere(
        &mut self,
        subscribers: usize,
        change: impl FnOnce(&mut Elsewhere, &dyn Fn(Option<&str>) -> usize, &mut dyn FnMut(Change)),
    ) -> Wakers {
        // Without watchers, nothing keeps it current.
        if self.watchers == 0 {
            return Wakers::default();
        }
        let mut elsewhere = std::mem::take(&mut self.elsewhere);
        let mut changes = Vec::new();
        let here = |name: Option<&str>| name.map_or(subscribers, |name| self.times_here(name));
        change(&mut elsewhere, &here, &mut |change| changes.push(change));
        self.elsewhere = elsewhere;
        if changes.is_empty() {
            return Wakers::default();
        }
        for change in changes {
            self.push(change);
        }
        self.waiting.take()
    }

    /// Whether there is a change that the watcher has not taken. It has taken all then.
    pub(crate) fn take_all(&self, watcher: &mut Watcher) -> bool {
        std::mem::replace(&mut watcher.seen, self.changed) != self.changed
    }

    /// Returns the next change, if there is one.
    pub(crate) fn next(&mut self, watcher: &mut Watcher) -> Option<Change> {
        let kept_after = self.changed - self.changes.len() as u64;
        let missed = kept_after.saturating_sub(watcher.seen);
        if missed > 0 {
            watcher.seen = kept_after;
            return Some(Change::Missed(missed));
        }
        let index = usize::try_from(watcher.seen - kept_after).ok()?;
        let change = self.changes.get(index)?.clone();
        watcher.seen += 1;
        Some(change)
    }

    /// Has the watcher's task woken at the next change. The waker that is not needed is returned, to
    /// be dropped outside of the lock.
    #[must_use]
    pub(crate) fn wait(&mut self, watcher: &mut Watcher, waker: Waker) -> Option<Waker> {
        self.waiting.wait(&mut watcher.slot, waker)
    }

    /// Removes a watcher. Its waker is returned, to be dropped outside of the lock.
    #[must_use]
    pub(crate) fn unwatch(&mut self, watcher: &mut Watcher) -> Option<Waker> {
        self.watchers -= 1;
        if self.watchers == 0 {
            self.changes = VecDeque::new();
            self.elsewhere = Elsewhere::default();
        }
        self.waiting.leave(&mut watcher.slot)
    }

    fn change(&mut self, change: impl FnOnce(&Elsewhere) -> Change) -> Wakers {
        if self.watchers == 0 {
            return Wakers::default();
        }
        let change = change(&self.elsewhere);
        self.push(change);
        self.waiting.take()
    }

    fn push(&mut self, change: Change) {
        if self.changes.len() == BACKLOG {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
        self.changed += 1;
    }
}

fn elsewhere_times(elsewhere: &Elsewhere, member: Option<&Arc<Member>>) -> usize {
    member.map_or(0, |member| elsewhere.times(member.name()))
}
