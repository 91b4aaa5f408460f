//! The engine in Redis, and how it is connected.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::io::tcp::TcpSettings;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisError,
};

use crate::log::redis::address;
use crate::log::redis::error::{CommandError, ConnectError};
use crate::log::redis::inbox::{self, Outlet};
use crate::log::redis::keys::Keys;
use crate::log::redis::link::Link;
use crate::log::redis::options::RedisOptions;
use crate::log::redis::queue::ToAppend;
use crate::log::redis::script::Scripts;
use crate::log::redis::{append, loss, read, shard_note, supervisor};
use crate::log::{Engine, EngineError, Live, Page, Span};
use crate::position::Position;
use crate::topic_name::check_any_name;

/// How many live entries are yielded before all else is polled again.
const BURST: usize = 256;

/// Whether URLs may ask for TLS.
const HAS_TLS: bool = cfg!(feature = "redis-rustls");

/// An [`Engine`] in Redis (6.2 or later) or Valkey: the same topics on several nodes.
///
/// ```no_run
/// use sse_hub::Hub;
/// use sse_hub::redis::RedisEngine;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = RedisEngine::connect("redis://127.0.0.1/").await?;
/// let key = std::env::var("ID_KEY")?.parse()?; // the same on all nodes
/// let (hub, driver) = Hub::builder().engine(redis).id_key(key).build();
/// tokio::spawn(driver);
///
/// hub.publish("news", "hello").key("news-17").await?;
/// # Ok(())
/// # }
/// ```
///
/// [`RedisOptions`] sets how much is kept, and more.
///
/// # Guarantees
///
/// A subscriber gets the events of a topic in the order of its stream, each once, from any node; or
/// it gets a gap. An event is as safe as Redis keeps it when [`publish`](crate::Hub::publish)
/// returns: with `appendonly yes` and `appendfsync always`, it survives the end of the server;
/// otherwise, or if a replica takes over, the newest ones may be lost. A node that knows one of the
/// lost positions marks the loss in the topic, so that those who read across it get a gap, and so do
/// those who come back to a lost position. No position is given twice, whatever the clocks of servers do:
/// each has a random part of 40 bits. A server that was wiped is a gap as well. An event that is published
/// again with the same [key](crate::Publish::key) is there once.
///
/// # Costs
///
/// A node has two connections, whatever the number of its topics: one for commands, and one that
/// is subscribed to a channel for each topic in use. Redis finds the subscribers of a channel by its
/// name, so a message costs it the same whether a node has ten topics or ten thousand, and a node
/// gets nothing of topics that it does not use. (A pattern would be matched with every message,
/// and one channel for all would send every message to every node.) A client that comes back costs
/// nothing if the node still has its position, and otherwise one read for each page.
///
/// A publish alone is one call of a script. While four such calls are under way, others wait for the
/// [`Driver`](crate::Driver), which appends up to 256 of them by one call. That costs Redis much less: the
/// events of a topic in one call are one message. A node remembers the newest positions of the topics that it
/// publishes to, up to 16,384, which saves Redis from looking them up.
///
/// # While Redis does not answer
///
/// Publishing fails after at most [`RedisOptions::answer_within`], and immediately if there is no
/// connection and none can be made. Open streams stay open, and continue when Redis is back. A
/// lost connection is noticed immediately, a silent server half a second and that time later. See
/// [`Subscribe::engine_down`](crate::Subscribe::engine_down) for new ones.
///
/// # Failover
///
/// A server that was demoted to a replica is noticed within half a second, or with the first event that
/// it refuses, whether or not it cuts its connections. The engine then connects again, until the
/// address is that of a primary: a name or a proxy that follows it.
///
/// # Memory
///
/// Set `maxmemory-policy noeviction`: publishing then fails while the memory is full, and nothing else is
/// lost. Other policies remove keys: without an idempotency key, an event that is published again is there
/// twice; without its stream, a topic is a gap.
///
/// Redis cuts a node that reads too slowly, by default (`client-output-buffer-limit pubsub`) at 32 MiB or
/// after a minute at more than 8 MiB. Nothing is lost by that, as the node reads the streams then. A higher
/// limit is worth its memory only if nodes are cut often.
///
/// # Permissions
///
/// Whether the user may do what is needed is checked with each new connection. These rules are enough, with
/// the default [prefix](RedisOptions::prefix) and the database 0. All databases of a server share its channels,
/// so the names of these begin with the database: for another one, they are `&N:sse:{*` with its number.
///
/// ```text
/// resetchannels ~sse:* &0:sse:{* +hello +eval +evalsha +subscribe +unsubscribe +time +exists
/// +xinfo|stream +xrange +xrevrange +xadd +xtrim +pexpire +get +set +publish
/// ```
///
/// # TLS
///
/// URLs that begin with `rediss` need the feature `redis-rustls`, which verifies servers by the
/// certificates of the platform, or those in the file that the variable `SSL_CERT_FILE` names. Do not
/// enable the feature `tls-native-tls` of the crate `redis` in the same program, for instance for
/// something else: with both, `redis` 1.8 trusts no certificate.
///
/// # Clusters
///
/// All keys of a topic have the same hash tag, so each call uses one slot. But the connections are
/// to one server: a primary, or a proxy to one. A Redis Cluster is refused when connecting.
/// [`sharded`](Self::sharded) takes several servers that know nothing of each other.
///
/// # Tasks
///
/// The crate `redis` spawns a task for each connection, on tokio's current runtime, which ends
/// with the connection. Everything else is done by the [`Driver`](crate::Driver).
pub struct RedisEngine {
    pub(super) link: Arc<Link>,
    live: Mutex<LiveSide>,
}

/// What the driver polls.
struct LiveSide {
    outlet: Outlet,
    /// Maintains the live connection; it never completes.
    supervisor: BoxFuture<'static, ()>,
    until_others: usize,
    /// Appends what waits in the queue.
    batches: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl RedisEngine {
    /// Connects to a server with the default options. The URL is
    /// `redis://[user:password@]host[:port][/database]`.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the URL is invalid, or the server does not answer or cannot be used.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        RedisOptions::new().connect(url).await
    }
}

impl RedisOptions {
    /// Connects to a server, as [`RedisEngine::connect`] does.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the URL or the prefix is invalid, or the server does not answer or cannot
    /// be used.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connections.
    pub async fn connect(self, url: &str) -> Result<RedisEngine, ConnectError> {
        let engine = self.connect_shard(url).await?;
        let note = shard_note::find(&engine.link).await;
        match note.map_err(|error| ConnectError::Server(error.into()))? {
            Some(note) => Err(ConnectError::Shard(note)),
            None => {
                engine.link.commands.shard_note.set(None);
                Ok(engine)
            }
        }
    }

    /// Connects to a server that may be one of several shards.
    pub(super) async fn connect_shard(self, url: &str) -> Result<RedisEngine, ConnectError> {
        let invalid = |error: RedisError| ConnectError::Url(error.into());
        if !HAS_TLS && url.starts_with("rediss:") {
            return Err(ConnectError::WithoutTls);
        }
        let info = connection_info(url, self.answer_within).map_err(invalid)?;
        let database = info.redis_settings().db();
        let is_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
        let server = address::of(&info);
        let keys = Keys::new(&self.prefix, database).ok_or(ConnectError::Prefix)?;
        let client = Client::open(info).map_err(invalid)?;
        let (inbox, outlet) = inbox::queue();
        let link = Link::new(
            server,
            client,
            keys,
            Scripts::new(&self.history, database),
            inbox,
            self.answer_within,
        );
        let connected = link.commands.connected().await;
        connected.map_err(|error| match error {
            CommandError::Redis(error) if is_tls && error.is_timeout() => ConnectError::TlsTimedOut,
            error => error.into(),
        })?;
        let live = supervisor::connect(&link).await?;
        link.set_live(Some(live.commands()));
        let supervisor = Box::pin(supervisor::supervise(link.clone(), live));
        Ok(RedisEngine {
            link,
            live: Mutex::new(LiveSide {
                outlet,
                supervisor,
                until_others: 0,
                batches: FuturesUnordered::new(),
            }),
        })
    }
}

fn connection_info(url: &str, answer_within: Duration) -> Result<ConnectionInfo, RedisError> {
    let info = url.into_connection_info()?;
    // Only with the third version, messages and answers share one connection.
    let settings = info.redis_settings().clone();
    let settings = settings.set_protocol(ProtocolVersion::RESP3);
    let tcp = TcpSettings::default().set_nodelay(true);
    // Otherwise a connection whose other end has vanished would be kept for a quarter of an hour.
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(answer_within);
    #[cfg(not(target_os = "linux"))]
    let _ = answer_within;
    Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
}

impl Engine for RedisEngine {
    fn open(&self, topic: &str) -> BoxFuture<'static, Result<Span, EngineError>> {
        let (link, topic) = (Arc::clone(&self.link), topic.to_owned());
        Box::pin(async move {
            check(&topic)?;
            link.answer(read::open(&link, &topic)).await
        })
    }

    fn close(&self, topic: &str) {
        self.link.channels.release(topic);
    }

    fn append(
        &self,
        topic: &str,
        entry: &[u8],
        key: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        self.append_entry(topic, entry, key, false)
    }

    fn finish(
        &self,
        topic: &str,
        entry: &[u8],
        key: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        self.append_entry(topic, entry, key, true)
    }

    fn read(&self, topic: &str, after: Position) -> BoxFuture<'static, Result<Page, EngineError>> {
        let (link, topic) = (Arc::clone(&self.link), topic.to_owned());
        Box::pin(async move {
            check(&topic)?;
            link.answer(read::read(&link, &topic, after)).await
        })
    }

    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Live> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.poll(&self.link, cx)
    }

    fn mark_loss(
        &self,
        topic: &str,
        kept: Position,
        lost: Position,
    ) -> BoxFuture<'static, Result<Option<Position>, EngineError>> {
        let (link, topic) = (Arc::clone(&self.link), topic.to_owned());
        Box::pin(async move {
            check(&topic)?;
            link.answer(loss::mark(&link, &topic, kept, lost)).await
        })
    }

    fn is_up(&self, _topic: &str) -> bool {
        self.link.is_up()
    }
}

impl RedisEngine {
    fn append_entry(
        &self,
        topic: &str,
        entry: &[u8],
        key: Option<&str>,
        is_last: bool,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        let entry = ToAppend {
            topic: topic.to_owned(),
            event: entry.to_vec(),
            key: key.map(str::to_owned),
            is_last,
        };
        let link = Arc::clone(&self.link);
        Box::pin(async move {
            check(&entry.topic)?;
            link.answer(append::append(&link, entry)).await
        })
    }
}

/// Refuses the names that no hub accepts.
fn check(topic: &str) -> Result<(), EngineError> {
    check_any_name(topic).map_err(|error| EngineError::Refused(error.to_string()))
}

impl LiveSide {
    fn poll(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) -> Poll<Live> {
        if self.until_others == 0 {
            self.poll_others(link, cx);
        }
        if let Poll::Ready(live) = self.outlet.poll(cx) {
            self.until_others -= 1;
            return Poll::Ready(live);
        }
        self.poll_others(link, cx);
        // The supervisor may have made a connection.
        self.outlet.poll(cx)
    }

    /// Supervises the connection, and begins and continues batches.
    fn poll_others(&mut self, link: &Arc<Link>, cx: &mut Context<'_>) {
        self.until_others = BURST;
        let _ = self.supervisor.as_mut().poll(cx);
        while let Some(batch) = link.queue.take_batch(cx.waker()) {
            let batch = append::append_batch(Arc::clone(link), batch);
            self.batches.push(Box::pin(batch));
        }
        // Which also sends the new ones, in their order.
        if let Poll::Ready(Some(())) = self.batches.poll_next_unpin(cx) {
            link.queue.end_batch();
            // Those that were answered may publish again, and then share the next batch.
            cx.waker().wake_by_ref();
        }
    }
}

impl fmt::Debug for RedisEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisEngine")
            .field("server", &self.link.server)
            .field("keys", &self.link.keys)
            .field("is_up", &self.link.is_up())
            .finish_non_exhaustive()
    }
}
