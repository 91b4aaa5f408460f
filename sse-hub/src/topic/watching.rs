//! How watchers follow the members of a topic, on this node and on others.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::Topic;
use crate::topic::change::Change;
use crate::topic::elsewhere::{NodeId, Told};
use crate::topic::member::Member;
use crate::topic::members::{Members, Watcher};

/// The members of a topic that this node tells others of.
#[derive(Debug, Default)]
pub(crate) struct Here {
    /// All subscribers, with a name or without.
    pub(crate) subscribers: usize,
    /// How many subscribers have each name.
    pub(crate) names: Vec<(Arc<str>, usize)>,
}

impl Topic {
    /// Returns the subscribers here that have this name.
    pub(crate) fn members_named(&self, name: &str) -> Vec<Arc<Member>> {
        self.state().members.named(name)
    }

    /// Returns the members here: those with these names, or all.
    pub(crate) fn members_here<'a>(
        &self,
        names: Option<impl Iterator<Item = &'a Arc<str>>>,
    ) -> Here {
        let state = self.state();
        let members = &state.members;
        let names = match names {
            Some(names) => names
                .map(|name| (Arc::clone(name), members.times_here(name)))
                .collect(),
            None => {
                let names = members.here();
                names
                    .map(|(name, times)| (Arc::clone(name), times))
                    .collect()
            }
        };
        Here {
            subscribers: state.readers.len(),
            names,
        }
    }

    /// Returns the names of the members on all nodes, each once. The watcher has taken all changes before that.
    pub(crate) fn take_members(&self, watcher: &mut Watcher) -> Vec<Arc<str>> {
        let state = self.state();
        state.members.take_all(watcher);
        state.members.all()
    }

    /// Returns how many subscribers on all nodes have a name.
    pub(crate) fn times(&self, name: &str) -> usize {
        self.state().members.times(name)
    }

    /// Returns how many subscribers there are on all nodes.
    pub(crate) fn subscribers_everywhere(&self) -> usize {
        let state = self.state();
        state.readers.len() + state.members.subscribers_elsewhere()
    }

    /// Applies what another node tells.
    pub(crate) fn apply_told(&self, told: Told) {
        let mut state = self.state();
        let subscribers = state.readers.len();
        let watchers = state.members.apply(told, subscribers);
        drop(state);
        watchers.wake();
    }

    /// Removes what another node has told.
    pub(crate) fn remove_node(&self, node: NodeId) {
        let mut state = self.state();
        let subscribers = state.readers.len();
        let watchers = state.members.remove_node(node, subscribers);
        drop(state);
        watchers.wake();
    }

    /// Returns a watcher of the changes from now on.
    pub(crate) fn watch_members(&self) -> Watcher {
        self.state().members.watch()
    }

    /// Polls for the next change.
    pub(crate) fn poll_change(&self, watcher: &mut Watcher, cx: &Context<'_>) -> Poll<Change> {
        self.poll_watcher(watcher, cx.waker().clone(), Members::next)
    }

    /// Polls for any change, and takes all that there are.
    pub(crate) fn poll_changed(&self, watcher: &mut Watcher, cx: &Context<'_>) -> Poll<()> {
        self.poll_watcher(watcher, cx.waker().clone(), |members, watcher| {
            members.take_all(watcher).then_some(())
        })
    }

    /// Takes something for a watcher, or has the waker woken at the next change. The waker is cloned before
    /// the lock is taken and dropped after it, as that is code of the caller's.
    fn poll_watcher<T>(
        &self,
        watcher: &mut Watcher,
        waker: Waker,
        take: impl FnOnce(&mut Members, &mut Watcher) -> Option<T>,
    ) -> Poll<T> {
        let mut state = self.state();
        let (taken, unneeded) = match take(&mut state.members, watcher) {
            Some(taken) => (Poll::Ready(taken), Some(waker)),
            None => (Poll::Pending, state.members.wait(watcher, waker)),
        };
        drop(state);
        drop(unneeded);
        taken
    }

    /// Removes a watcher.
    pub(crate) fn unwatch_members(&self, watcher: &mut Watcher) {
        let waker = self.state().members.unwatch(watcher);
        drop(waker);
    }
}
