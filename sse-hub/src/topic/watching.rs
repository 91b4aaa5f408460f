//! How watchers follow the members of a topic.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::Topic;
use crate::topic::member::Member;
use crate::topic::members::{Change, Watcher};

impl Topic {
    /// Returns the subscribers that have this name.
    pub(crate) fn members_named(&self, name: &str) -> Vec<Arc<Member>> {
        self.state().members.named(name)
    }

    /// Returns the members, the number of subscribers, and a watcher of the changes from now on.
    pub(crate) fn watch_members(&self) -> (Vec<Arc<str>>, usize, Watcher) {
        let mut state = self.state();
        let subscribers = state.readers.len();
        let (members, watcher) = state.members.watch();
        (members, subscribers, watcher)
    }

    /// Polls for the next change.
    pub(crate) fn poll_change(&self, watcher: &mut Watcher, cx: &Context<'_>) -> Poll<Change> {
        // Before the lock, as it is code of the caller's.
        let waker = cx.waker().clone();
        let mut state = self.state();
        let (change, unneeded) = match state.members.next(watcher) {
            Some(change) => (Poll::Ready(change), Some(waker)),
            None => (Poll::Pending, state.members.wait(watcher, waker)),
        };
        drop(state);
        drop(unneeded);
        change
    }

    /// Removes a watcher.
    pub(crate) fn unwatch_members(&self, watcher: &mut Watcher) {
        let waker = self.state().members.unwatch(watcher);
        drop(waker);
    }
}
