//! The driver's part: hearing other nodes, and telling them that this one is alive.

use std::collections::HashMap;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::Abortable;
use futures_util::stream::{AbortHandle, SelectAll};
use tokio::time::{Sleep, sleep, timeout};

use crate::log::{Engine, EngineError};
use crate::peers::disconnect::disconnect_here;
use crate::peers::leases::Leases;
use crate::peers::message::{Notice, Watched, What};
use crate::peers::reader::{Feed, Heard, Reader};
use crate::peers::reports::Reports;
use crate::peers::shared::{Peers, WatchChange};
use crate::peers::{message, topic_of_nodes};
use crate::registry::Registry;
use crate::topic::elsewhere::{NodeId, Told};

/// How often a node says that it is alive and what it watches.
const BEAT_EVERY: Duration = Duration::from_secs(5);

/// How long a node that ends waits until the others know.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// What a driver does about other nodes. Without a named subscriber, an observer of presence or a disconnection, it
/// is nothing.
#[derive(Default)]
pub(crate) struct Nodes {
    reader: Option<Reader>,
    /// Whether the others are to be asked what they watch.
    says_hello: bool,
    leases: Leases,
    /// The topics that are watched here.
    watches: HashMap<Arc<str>, Watch>,
    feeds: SelectAll<Abortable<Feed>>,
    reports: Reports,
    /// Elapses when the next beat is due.
    beat: Option<Pin<Box<Sleep>>>,
    /// Which watches are to be said before the next beat.
    next: Said,
    telling: Option<BoxFuture<'static, Result<(), EngineError>>>,
    goodbye: Goodbye,
}

/// A topic that is watched here.
struct Watch {
    feed: AbortHandle,
    /// Whether its members are to be asked for.
    asks: bool,
}

/// Which watches are said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    #[default]
    None,
    /// Those whose members are asked for.
    Asking,
    All,
}

/// The end of a node that others know.
#[derive(Default)]
enum Goodbye {
    #[default]
    Unsaid,
    Saying(BoxFuture<'static, ()>),
    Said,
}

impl Nodes {
    pub(crate) fn poll(
        &mut self,
        peers: &Peers,
        registry: &Arc<Registry>,
        engine: &Arc<dyn Engine>,
        cx: &mut Context<'_>,
    ) {
        if !peers.is_open() {
            return;
        }
        self.take_watches(peers);
        self.poll_notices(peers, registry, cx);
        self.poll_feeds(peers, registry, cx);
        self.reports.poll(peers, registry, engine, cx);
        self.poll_telling(peers, engine, cx);
    }

    /// Tells the others that this node ends, if they know of it, and waits for that, but not for long.
    pub(crate) fn poll_goodbye(
        &mut self,
        peers: &Peers,
        engine: &Arc<dyn Engine>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let Goodbye::Unsaid = self.goodbye {
            let is_known = !self.reports.is_empty();
            *self = Self {
                goodbye: Goodbye::Said,
                ..Self::default()
            };
            if is_known {
                let (engine, message) = (Arc::clone(engine), message::gone(peers.node()));
                self.goodbye = Goodbye::Saying(Box::pin(async move {
                    let sent = engine.append(&topic_of_nodes(), &message, None);
                    if !matches!(timeout(GOODBYE_WITHIN, sent).await, Ok(Ok(_))) {
                        tracing::debug!("other nodes do not know yet that this one ends");
                    }
                }));
            }
        }
        if let Goodbye::Saying(saying) = &mut self.goodbye {
            if saying.poll_unpin(cx).is_pending() {
                return Poll::Pending;
            }
            self.goodbye = Goodbye::Said;
        }
        Poll::Ready(())
    }

    fn take_watches(&mut self, peers: &Peers) {
        for (topic, change) in peers.take_watches() {
            match change {
                WatchChange::Begun(reader) => {
                    let (feed, registration) = AbortHandle::new_pair();
                    let reader = Feed::new(Arc::clone(&topic), reader);
                    self.feeds.push(Abortable::new(reader, registration));
                    self.next = self.next.max(Said::Asking);
                    let watch = Watch { feed, asks: true };
                    if let Some(before) = self.watches.insert(topic, watch) {
                        before.feed.abort();
                    }
                }
                WatchChange::Continues => {}
                WatchChange::Ended => {
                    if let Some(before) = self.watches.remove(&topic) {
                        before.feed.abort();
                    }
                }
            }
        }
    }

    fn poll_notices(&mut self, peers: &Peers, registry: &Arc<Registry>, cx: &Context<'_>) {
        if self.reader.is_none() {
            self.reader = peers.take_nodes();
            self.says_hello = self.reader.is_some();
        }
        while let Some(reader) = &mut self.reader
            && let Poll::Ready(heard) = reader.poll(cx)
        {
            match heard {
                Heard::Messages(messages) => {
                    for message in messages {
                        match message::parse_notice(&message) {
                            Some(notice) => self.take_notice(peers, registry, notice),
                            None => tracing::debug!("unknown message of a node ignored"),
                        }
                    }
                }
                Heard::Gap => {
                    tracing::warn!(
                        "messages of other nodes are missing, so members may stay that were to be disconnected"
                    );
                    self.leases.note_gap();
                    self.reports.tell_all(peers);
                }
            }
        }
    }

    fn take_notice(&mut self, peers: &Peers, registry: &Registry, notice: Notice) {
        let Notice { node, what } = notice;
        if node == peers.node() {
            if let What::Beat(_) = what {
                self.note_own_beat(peers, registry);
            }
            return;
        }
        match what {
            What::Beat(watched) => {
                self.leases.hear_beat(node);
                self.take_watched(peers, watched);
            }
            What::Watches(watched) => {
                self.leases.hear(node);
                self.take_watched(peers, watched);
            }
            What::Hello => {
                if !self.watches.is_empty() {
                    self.next = Said::All;
                }
            }
            What::Gone => {
                self.leases.forget(node);
                self.remove(registry, node);
            }
            What::Disconnect { topic, member } => {
                disconnect_here(registry, &topic, &member);
            }
        }
    }

    fn take_watched(&mut self, peers: &Peers, watched: Vec<Watched>) {
        for Watched { topic, asks } in watched {
            self.reports.watch(peers, &topic, asks);
        }
    }

    fn note_own_beat(&mut self, peers: &Peers, registry: &Registry) {
        let shown = self.leases.note_own_beat();
        for node in shown.gone {
            tracing::debug!(node, "another node is gone, with its members");
            self.remove(registry, node);
        }
        if shown.was_unheard {
            self.reports.tell_all(peers);
        }
        self.reports.note_own_beat(peers);
    }

    /// Removes the members that a node has told.
    fn remove(&self, registry: &Registry, node: NodeId) {
        for topic in self.watches.keys() {
            if let Some(topic) = registry.get(topic) {
                topic.remove_node(node);
            }
        }
    }

    fn poll_feeds(&mut self, peers: &Peers, registry: &Registry, cx: &mut Context<'_>) {
        while let Poll::Ready(Some((topic, heard))) = self.feeds.poll_next_unpin(cx) {
            match heard {
                Heard::Messages(messages) => {
                    for message in messages {
                        match message::parse_members(&message) {
                            Some(told) => self.take_told(peers, registry, &topic, told),
                            None => tracing::debug!("unknown message of members ignored"),
                        }
                    }
                }
                Heard::Gap => {
                    // With the next beat, as that may happen often.
                    if let Some(watch) = self.watches.get_mut(&topic) {
                        watch.asks = true;
                    }
                }
            }
        }
    }

    fn take_told(&mut self, peers: &Peers, registry: &Registry, topic: &str, told: Told) {
        if told.node == peers.node() {
            return;
        }
        self.leases.hear(told.node);
        if let Some(topic) = registry.get(topic) {
            topic.apply_told(told);
        }
    }

    /// Says that this node is alive and what it watches, if that is due.
    fn poll_telling(&mut self, peers: &Peers, engine: &Arc<dyn Engine>, cx: &mut Context<'_>) {
        loop {
            if let Some(telling) = &mut self.telling {
                let Poll::Ready(told) = telling.poll_unpin(cx) else {
                    return;
                };
                self.telling = None;
                if let Err(error) = told {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "other nodes do not hear that this one is alive"
                    );
                    for watch in self.watches.values_mut() {
                        watch.asks = true;
                    }
                }
            }
            let messages = if mem::take(&mut self.says_hello) {
                vec![message::hello(peers.node())]
            } else {
                self.due(peers.node(), cx)
            };
            if messages.is_empty() {
                return;
            }
            let engine = Arc::clone(engine);
            self.telling = Some(Box::pin(async move {
                for message in messages {
                    engine.append(&topic_of_nodes(), &message, None).await?;
                }
                Ok(())
            }));
        }
    }

    /// Returns the messages that are due: a beat, with all that is watched; or what others are to know sooner. None,
    /// if nothing is due; the task is woken when a beat is.
    fn due(&mut self, node: NodeId, cx: &mut Context<'_>) -> Vec<Vec<u8>> {
        if self.watches.is_empty() && self.reports.is_empty() {
            self.beat = None;
            return Vec::new();
        }
        let beats = match &mut self.beat {
            Some(beat) => beat.as_mut().poll(cx).is_ready(),
            None => true,
        };
        if beats {
            self.beat = Some(Box::pin(sleep(BEAT_EVERY)));
            self.next = Said::All;
        }
        let said = mem::take(&mut self.next);
        if said == Said::None {
            return Vec::new();
        }
        let watches = self.watches.iter_mut();
        let watched = watches.filter_map(|(topic, watch)| {
            let asks = mem::take(&mut watch.asks);
            (asks || said == Said::All).then(|| Watched {
                topic: Arc::clone(topic),
                asks,
            })
        });
        let watched: Vec<_> = watched.collect();
        message::watches(node, beats, &watched)
    }
}
