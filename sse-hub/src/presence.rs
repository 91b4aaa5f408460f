//! The subscribers of a topic: their number, their names, and a stream of changes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::topic::members::Change;
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
    next: Receiving,
}

/// Receives the next change, and returns the receiver for the one after it.
type Receiving =
    Pin<Box<dyn Future<Output = (Result<Change, RecvError>, Receiver<Change>)> + Send + Sync>>;

impl Presence {
    pub(crate) fn new(topic: TopicGuard) -> Self {
        let (members, subscribers, changes) = topic.watch_members();
        Self {
            topic,
            members,
            subscribers,
            next: Box::pin(receive(changes)),
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

async fn receive(mut changes: Receiver<Change>) -> (Result<Change, RecvError>, Receiver<Change>) {
    (changes.recv().await, changes)
}

impl Stream for Presence {
    type Item = Change;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Change>> {
        let (received, changes) = ready!(self.next.as_mut().poll(cx));
        self.next = Box::pin(receive(changes));
        Poll::Ready(match received {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(missed)) => Some(Change::Missed(missed)),
            Err(RecvError::Closed) => None,
        })
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
