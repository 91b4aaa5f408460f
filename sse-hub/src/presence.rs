//! The subscribers of a topic: their number, their names, and a stream of changes.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::core::Core;
use crate::topic::change::Change;
use crate::topic::members::Watcher;
use crate::topic_guard::{OpenError, TopicGuard};

/// The subscribers of one topic: a set that is current whenever it is read, and a `Stream` of the [`Change`]s; from
/// [`Hub::presence`](crate::Hub::presence).
///
/// The topic is not evicted while this exists. The stream does not end by itself.
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
/// assert!(presence.members().is_empty());
/// # Ok(())
/// # }
/// ```
///
/// Or without the changes themselves, for a page that shows who is there:
///
/// ```no_run
/// use sse_hub::{BoxError, Event, Hub};
/// use sse_session::Sse;
///
/// async fn who(hub: Hub, sse: Sse) -> Result<(), BoxError> {
///     let mut presence = hub.presence("room").await?;
///     loop {
///         sse.send(Event::new().event("members").json(presence.members().len())).await?;
///         presence.changed().await;
///     }
/// }
/// ```
///
/// # Several nodes
///
/// With an engine, the set has the members of all nodes. Those of this process are always current. Those of
/// others come a few hundred milliseconds late: they collect their changes for 100 milliseconds. That is so from
/// the beginning, where other nodes are asked for their members first, so a set that was just begun is not complete.
///
/// The members of a node that was killed or is cut off leave after at most 25 seconds; those of one that
/// is [shut down](crate::Hub::shutdown) at once. While the engine is down, the members of other nodes stay as they
/// were.
///
/// As long as a topic is watched on any node, each node says every five seconds that it is alive, and each one that has
/// subscribers of the topic says which of them come and go: about 10 bytes and the name for each, together in events
/// of at most some 32 KiB. A topic that is not watched costs nothing. What nodes say are events of two topics of the
/// hub's own, one for all nodes and one for each watched topic, which count for
/// [`max_topics`](crate::HubBuilder::max_topics); their names begin with U+0001 in the engine.
#[must_use = "streams do nothing unless polled"]
pub struct Presence {
    core: Arc<Core>,
    topic: TopicGuard,
    watcher: Watcher,
    /// Whether the members of other nodes are watched.
    has_peers: bool,
}

impl Presence {
    pub(crate) async fn begin(core: Arc<Core>, topic: TopicGuard) -> Result<Self, OpenError> {
        // First, so that nothing is missed of what other nodes tell.
        let watcher = topic.watch_members();
        let mut presence = Self {
            core,
            topic,
            watcher,
            has_peers: false,
        };
        if let Some((peers, engine)) = presence.core.peers() {
            let registry = presence.core.registry();
            // Boxed, as a hub without an engine does not need it.
            let watched = peers.watch(registry, &**engine, presence.topic.name());
            Box::pin(watched).await?;
            presence.core.wake_driver();
            presence.has_peers = true;
        }
        Ok(presence)
    }

    /// Returns how many subscribers there are now, with a name or without. Those of another node are counted if it has
    /// had a subscriber with a name or an observer of presence, of any topic, since it was started: otherwise it does not hear
    /// others.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.topic.subscribers_everywhere()
    }

    /// Returns the names that there are now, each once, in no order. Subscribers without a name are not among them.
    ///
    /// The stream continues after them: what has changed before is in them, and is not yielded. After
    /// [`Change::Missed`], this is what has become of the changes.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::{FutureExt as _, StreamExt as _};
    /// # let hub = sse_hub::Hub::new();
    /// let mut presence = hub.presence("room").await?;
    /// let _ada = hub.subscribe("room").member("Ada").await?;
    /// assert_eq!(presence.members().len(), 1);
    /// assert_eq!(presence.next().now_or_never(), None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn members(&mut self) -> Vec<Arc<str>> {
        self.topic.take_members(&mut self.watcher)
    }

    /// Returns how many subscribers have a name now: 0 if there is none.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hub = sse_hub::Hub::new();
    /// let presence = hub.presence("room").await?;
    /// // Two tabs of a browser.
    /// let _first = hub.subscribe("room").member("Ada").await?;
    /// let _second = hub.subscribe("room").member("Ada").await?;
    /// assert_eq!((presence.times("Ada"), presence.times("Bob")), (2, 0));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn times(&self, member: &str) -> usize {
        self.topic.times(member)
    }

    /// Waits until something has changed since this, the [members](Self::members) or the stream were asked last. The
    /// stream does not yield these changes then.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no change is lost.
    pub async fn changed(&mut self) {
        poll_fn(|cx| self.topic.poll_changed(&mut self.watcher, cx)).await;
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
        // In this order: as long as there is a watcher, what others have told is kept.
        if self.has_peers
            && let Some((peers, _)) = self.core.peers()
            && peers.unwatch(self.topic.name())
        {
            self.core.wake_driver();
        }
        self.topic.unwatch_members(&mut self.watcher);
    }
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence")
            .field("topic", self.topic.name())
            .field("subscribers", &self.subscribers())
            .finish_non_exhaustive()
    }
}
