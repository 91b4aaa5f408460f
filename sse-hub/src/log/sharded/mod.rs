//! An engine that is made of several, which share the topics.

mod error;
mod placement;
mod turns;

use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;

pub use crate::log::sharded::error::ShardsError;
pub(crate) use crate::log::sharded::placement::Placement;
use crate::log::sharded::turns::Turns;
use crate::log::{Engine, EngineError, Live, Page, Span};
use crate::position::Position;

/// An [`Engine`] that is made of several of one kind, its shards: each topic is in one of them, by a
/// hash of its name. So a hub grows past what one server can do.
///
/// `RedisEngine::sharded` and `NatsEngine::partitioned` connect the shards, in one line;
/// [`new`](Self::new) takes engines that are connected already, of any kind.
///
/// # Guarantees
///
/// Those of the shards, topic by topic. A subscription may have topics of several shards, and resumes
/// all of them from one id.
///
/// A shard that is down takes its topics alone with it: publishing to others, subscribing to them, and
/// what their streams get are not affected. An open stream that has topics of both gets those of the
/// shards that are up; a new one with a topic of a shard that is down, and that is not in use in the process, is
/// an error, so let pages have such topics in streams of their own if that matters. When the shard is back, its topics alone are read. Connecting fails if one of the shards
/// cannot be connected.
///
/// # The placement of topics
///
/// Each shard has a name, which must not change: it decides which topics are in the shard. The order of
/// the shards makes no difference. All nodes must have the same shards with the same names, or some would
/// publish topics where the others do not read them. Each server of Redis notes that, and a node that has
/// others is refused when connecting; **with other engines, nothing reveals it**. So a change takes all
/// nodes at once:
///
/// 1. Stop all nodes, with [`Hub::shutdown`](crate::Hub::shutdown), which spreads the return of the
///    clients. What publishes outside of them must stop as well.
/// 2. With Redis, delete the note on each server that had one: the key `sse:shard`, or another prefix.
/// 3. Start the nodes with the new list.
///
/// With a shard more, of then `n`, one topic in `n` is in that one, which does not have its history; a
/// shard less moves its own topics to the others. Nothing else moves. A client that comes back to a topic
/// that has moved gets a gap, and a snapshot if there is one; to a client without an id, the topic is a new
/// one. Idempotency keys do not move, so do not publish again what was published before the change.
///
/// One server alone, without a list, becomes one of several in the same way: it is then the shard with the
/// name of its address, and keeps its part of the topics.
///
/// A topic must not return to a shard where it was before while that has its old history (with Redis, until
/// `RedisOptions::forget_after` has passed; with NATS, `NatsOptions::max_age`): to a client from then,
/// nothing would be missing. To undo a change, remove the history of these topics first, or that of all.
///
/// A shard that moves to another server, with its data, keeps its name and its topics.
///
/// The shard of a topic is the one with the highest score `mix(fnv1a(topic) ^ mix(fnv1a(shard)))`: FNV-1a
/// with 64 bits, and the finalizer of `SplitMix64`. That will not change.
///
/// # Costs
///
/// A node has the connections of each shard. A hundred shards take less than a microsecond for each
/// event; a shard that has nothing is not polled. One that has much does not delay the others, as each live
/// entry is followed by one of another shard that has some.
///
/// # Example
///
/// ```no_run
/// # #[cfg(feature = "nats")]
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// use sse_hub::nats::NatsEngine;
/// use sse_hub::{Hub, Sharded};
///
/// // Servers that know nothing of each other.
/// let mut shards = Vec::new();
/// for (name, url) in [("east", "nats://10.0.0.1"), ("west", "nats://10.0.0.2")] {
///     shards.push((name, NatsEngine::connect(url).await?));
/// }
/// let key = std::env::var("ID_KEY")?.parse()?; // the same on all nodes
/// let engine = Sharded::new(shards)?;
/// let (hub, driver) = Hub::builder().engine(engine).id_key(key).build();
/// tokio::spawn(driver);
/// # Ok(())
/// # }
/// ```
pub struct Sharded<E> {
    placement: Placement,
    shards: Vec<E>,
    turns: Turns,
}

impl<E: Engine> Sharded<E> {
    /// Creates an engine of shards, each with its name.
    ///
    /// # Errors
    ///
    /// [`ShardsError`] if there is no shard, if there are more than 256, or if two have the same name.
    pub fn new<N: Into<String>>(
        shards: impl IntoIterator<Item = (N, E)>,
    ) -> Result<Self, ShardsError<Infallible>> {
        let shards = shards.into_iter().map(|(name, shard)| (name.into(), shard));
        let (placement, shards) = Placement::new(shards)?;
        Ok(Self::on(placement, shards))
    }

    /// Creates an engine of the shards that a placement is for, in its order.
    pub(crate) fn on(placement: Placement, shards: Vec<E>) -> Self {
        Self {
            turns: Turns::new(shards.len()),
            placement,
            shards,
        }
    }

    /// Returns the names of the shards, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.placement.names().iter().map(String::as_str)
    }

    /// Returns the name of the shard that a topic is in.
    #[must_use]
    pub fn name_of(&self, topic: &str) -> &str {
        &self.placement.names()[self.placement.shard(topic)]
    }

    fn of(&self, topic: &str) -> &E {
        &self.shards[self.placement.shard(topic)]
    }
}

impl<E: Engine> Engine for Sharded<E> {
    fn open(&self, topic: &str) -> BoxFuture<'static, Result<Span, EngineError>> {
        self.of(topic).open(topic)
    }

    fn close(&self, topic: &str) {
        self.of(topic).close(topic);
    }

    fn append(
        &self,
        topic: &str,
        entry: &[u8],
        key: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        self.of(topic).append(topic, entry, key)
    }

    fn finish(
        &self,
        topic: &str,
        entry: &[u8],
        key: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        self.of(topic).finish(topic, entry, key)
    }

    fn read(&self, topic: &str, after: Position) -> BoxFuture<'static, Result<Page, EngineError>> {
        self.of(topic).read(topic, after)
    }

    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Live> {
        let live = self
            .turns
            .poll(cx, |shard, cx| self.shards[shard].poll_live(cx));
        live.map(|(shard, live)| match live {
            Live::Interrupted | Live::ShardInterrupted(_) => Live::ShardInterrupted(shard),
            live @ Live::Entry(_) => live,
        })
    }

    fn mark_loss(
        &self,
        topic: &str,
        kept: Position,
        lost: Position,
    ) -> BoxFuture<'static, Result<Option<Position>, EngineError>> {
        self.of(topic).mark_loss(topic, kept, lost)
    }

    fn is_up(&self, topic: &str) -> bool {
        self.of(topic).is_up(topic)
    }

    fn shard(&self, topic: &str) -> usize {
        self.placement.shard(topic)
    }
}

impl<E: fmt::Debug> fmt::Debug for Sharded<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shards = self.placement.names().iter().zip(&self.shards);
        f.debug_map().entries(shards).finish()
    }
}
