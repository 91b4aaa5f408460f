//! The members of a topic, and the changes among them.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::broadcast;

/// How many changes a watcher may lag behind before it misses some.
const BACKLOG: usize = 256;

/// A change among the subscribers of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A subscription has begun.
    Joined {
        /// The name given to [`Subscribe::member`](crate::Subscribe::member), if any.
        member: Option<Arc<str>>,
        /// How many subscribers have this name now: 1 if it is new.
        times: usize,
        /// How many subscribers there are now.
        subscribers: usize,
    },
    /// A subscription has ended.
    Left {
        /// The name given to [`Subscribe::member`](crate::Subscribe::member), if any.
        member: Option<Arc<str>>,
        /// How many subscribers still have this name: 0 if it is gone.
        times: usize,
        /// How many subscribers there are now.
        subscribers: usize,
    },
    /// The watcher was too slow and missed this many changes: call
    /// [`Hub::presence`](crate::Hub::presence) again.
    Missed(u64),
}

#[derive(Debug, Default)]
pub(crate) struct Members {
    /// How many subscribers have each name.
    names: HashMap<Arc<str>, usize>,
    /// Created by the first watcher.
    changes: Option<broadcast::Sender<Change>>,
}

impl Members {
    pub(crate) fn join(&mut self, member: Option<&Arc<str>>, subscribers: usize) {
        let times = member.map_or(0, |member| {
            let times = self.names.entry(Arc::clone(member)).or_default();
            *times += 1;
            *times
        });
        self.send(|| Change::Joined {
            member: member.cloned(),
            times,
            subscribers,
        });
    }

    pub(crate) fn leave(&mut self, member: Option<&Arc<str>>, subscribers: usize) {
        let mut left = 0;
        if let Some(member) = member
            && let Some(times) = self.names.get_mut(member)
        {
            *times -= 1;
            left = *times;
            if left == 0 {
                self.names.remove(member);
            }
        }
        self.send(|| Change::Left {
            member: member.cloned(),
            times: left,
            subscribers,
        });
    }

    /// Returns the names, each once, and the changes from now on.
    pub(crate) fn watch(&mut self) -> (Vec<Arc<str>>, broadcast::Receiver<Change>) {
        let changes = match &self.changes {
            Some(changes) => changes.subscribe(),
            None => {
                let (sender, receiver) = broadcast::channel(BACKLOG);
                self.changes = Some(sender);
                receiver
            }
        };
        (self.names.keys().cloned().collect(), changes)
    }

    fn send(&mut self, change: impl FnOnce() -> Change) {
        // An error means that there are no watchers.
        if let Some(changes) = &self.changes
            && changes.send(change()).is_err()
        {
            self.changes = None;
        }
    }
}
