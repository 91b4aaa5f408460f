//! The subscribers of a topic: their number, their names, and a stream of changes.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::topic::members::{Change, Watcher};
use crate::topic_guard::TopicGuard;

/// The subscribers of one topic, and a `Stream` of the [`Change`]s from then on; from
/// [`Hub::presence`](crate::Hub::presence).
///
/// Numbers and names are those of this process. The topic is not evicted while this exists. The
/// stream does not end by itself.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::StreamExt as _;
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
#[must_use = "streams do nothing unless polled"]
pub struct Presence {
    topic: TopicGuard,
    members: Vec<Arc<str>>,
    subscribers: usize,
    watcher: Watcher,
}

impl Presence {
    pub(crate) fn new(topic: TopicGuard) -> Self {
        let (members, subscribers, watcher) = topic.watch_members();
        Self {
            topic,
            members,
            subscribers,
            watcher,
        }
    }

    /// Returns how many subscribers there were at the beginning. A [`Change`] has the later
    /// numbers.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.subscribers
    }

    /// Returns the names that there were at the beginning, each once, in no order. Subscribers
    /// without a name are not among them.
    #[must_use]
    pub fn members(&self) -> &[Arc<str>] {
        &self.members
    }
}

impl Stream for Presence {
    type Item = Change;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Change>> {
        let this = self.get_mut();
        this.topic.poll_change(&mut this.watcher, cx).map(Some)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.topic.unwatch_members(&mut self.watcher);
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
