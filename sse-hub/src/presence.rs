//! Who is there: counts, names, and a stream of joins and leaves.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use crate::topic_guard::Held;

/// How many changes a watcher may be behind before it misses some.
const BACKLOG: usize = 256;

/// Somebody has joined or left a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A subscription has begun.
    Joined {
        /// The name given to [`Subscribe::member`](crate::Subscribe::member), if any.
        member: Option<Arc<str>>,
        /// How many subscribers with this name there are now: 1 if it is new here.
        times: usize,
        /// How many subscribers there are now.
        subscribers: usize,
    },
    /// A subscription has ended.
    Left {
        /// The name given to [`Subscribe::member`](crate::Subscribe::member), if any.
        member: Option<Arc<str>>,
        /// How many subscribers with this name there are still: 0 if it is gone from here.
        times: usize,
        /// How many subscribers there are now.
        subscribers: usize,
    },
    /// The watcher was too slow, and this many changes are lost to it: look at
    /// [`Hub::presence`](crate::Hub::presence) anew.
    Missed(u64),
}

/// Those who subscribe to one topic, and their joins and leaves from then on; from
/// [`Hub::presence`](crate::Hub::presence).
///
/// Counts and names are those of this process. While it is there, the topic stays.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sse_hub::{Change, Hub};
///
/// let hub = Hub::new();
/// let ada = hub.subscribe(["room"]).member("Ada").await?;
/// let mut presence = hub.presence("room").await?;
/// assert_eq!(presence.subscribers(), 1);
/// assert_eq!(&*presence.members()[0], "Ada");
///
/// drop(ada);
/// let left = Change::Left { member: Some("Ada".into()), times: 0, subscribers: 0 };
/// assert_eq!(presence.next().await, Some(left));
/// # Ok(())
/// # }
/// ```
pub struct Presence {
    topic: Held,
    members: Vec<Arc<str>>,
    subscribers: usize,
    changes: broadcast::Receiver<Change>,
}

impl Presence {
    pub(crate) fn new(topic: Held) -> Self {
        let (members, subscribers, changes) = topic.attend();
        Self {
            topic,
            members,
            subscribers,
            changes,
        }
    }

    /// How many subscribers there were at the beginning; a [`Change`] has the later numbers.
    #[must_use]
    pub const fn subscribers(&self) -> usize {
        self.subscribers
    }

    /// The names that were there at the beginning, each once, in no order. Subscribers without a
    /// name are not among them.
    #[must_use]
    pub fn members(&self) -> &[Arc<str>] {
        &self.members
    }

    /// The next join or leave; waits for it. `None` will not come while the hub lives.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no change is lost.
    pub async fn next(&mut self) -> Option<Change> {
        match self.changes.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(missed)) => Some(Change::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence")
            .field("topic", self.topic.name())
            .field("members", &self.members)
            .field("subscribers", &self.subscribers)
            .finish_non_exhaustive()
    }
}

/// Who attends a topic.
#[derive(Debug, Default)]
pub(crate) struct Attendance {
    /// How often each name is there.
    members: HashMap<Arc<str>, usize>,
    /// Made when somebody watches.
    changes: Option<broadcast::Sender<Change>>,
}

impl Attendance {
    pub(crate) fn join(&mut self, member: Option<&Arc<str>>, subscribers: usize) {
        let times = member.map_or(0, |member| {
            let times = self.members.entry(Arc::clone(member)).or_default();
            *times += 1;
            *times
        });
        self.tell(|| Change::Joined {
            member: member.cloned(),
            times,
            subscribers,
        });
    }

    pub(crate) fn leave(&mut self, member: Option<&Arc<str>>, subscribers: usize) {
        let mut left = 0;
        if let Some(member) = member
            && let Some(times) = self.members.get_mut(member)
        {
            *times -= 1;
            left = *times;
            if left == 0 {
                self.members.remove(member);
            }
        }
        self.tell(|| Change::Left {
            member: member.cloned(),
            times: left,
            subscribers,
        });
    }

    pub(crate) fn watch(&mut self) -> (Vec<Arc<str>>, broadcast::Receiver<Change>) {
        let changes = match &self.changes {
            Some(changes) => changes.subscribe(),
            None => {
                let (sender, receiver) = broadcast::channel(BACKLOG);
                self.changes = Some(sender);
                receiver
            }
        };
        (self.members.keys().cloned().collect(), changes)
    }

    fn tell(&mut self, change: impl FnOnce() -> Change) {
        // An error says that nobody watches any more.
        if let Some(changes) = &self.changes
            && changes.send(change()).is_err()
        {
            self.changes = None;
        }
    }
}
