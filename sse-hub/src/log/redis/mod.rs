//! Topics in Redis or Valkey, shared by several nodes.
//!
//! One Stream per topic is the truth, and each of its entries names its predecessor. One script
//! appends an entry and publishes it, so all nodes that want the topic get it at once over one
//! connection each. Where that connection fails them, they read the stream.

mod append;
mod channels;
mod commands;
mod inbox;
mod keys;
mod link;
mod options;
mod read;
mod script;
mod supervisor;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;

use crate::log::redis::inbox::Outlet;
use crate::log::redis::link::Link;
use crate::log::{Answer, Live, Log, Page, Span};
use crate::position::Position;
use crate::registry::TopicRef;

pub use crate::log::redis::options::{ConnectError, RedisOptions};

/// How many live entries are taken before the connection is looked after.
const BURST: usize = 256;

/// A [`Log`] in Redis (6.2 or later) or Valkey: the same topics on several nodes.
///
/// ```no_run
/// use sse_hub::Hub;
/// use sse_hub::redis::RedisLog;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = Hub::builder().log(RedisLog::connect("redis://127.0.0.1/").await?).build();
/// let driven = hub.clone();
/// tokio::spawn(async move { driven.drive().await });
///
/// hub.publish("news", "hello").key("news-17").await?;
/// # Ok(())
/// # }
/// ```
///
/// [`RedisOptions`] says how much is kept, and what else can be set.
///
/// # What it promises
///
/// A subscriber gets the events of a topic in the order of its stream, each one once, from
/// whichever node, or is told of a gap. An event is as safe as Redis keeps it when
/// [`publish`](crate::Hub::publish) answers: with `appendonly yes` and `appendfsync always` it
/// survives the end of the server; with less, or with a replica that takes over, the newest ones
/// may be lost. What is lost is told as a gap, at the latest with the next event, and so is a wiped
/// server. Published again with the same
/// [key](crate::Publish::key), an event is there once.
///
/// # What it costs
///
/// A node has two connections, whatever the number of its topics: one for commands, and one that
/// is subscribed to a channel for each topic in use. Redis finds a channel's subscribers by its
/// name, so a message costs it the same whether a node has ten topics or ten thousand, and a node
/// that does not use a topic hears nothing of it. (A pattern would be matched with every message,
/// and one channel for all would bring every message to every node.) Publishing is one call of a
/// script. A client that comes back costs nothing if the node still holds its position, and else a
/// read of a page at a time.
///
/// # While Redis does not answer
///
/// Publishing fails after [`RedisOptions::answer_within`] at the latest, at once if there is
/// no connection and none can be made. Open streams stay open, and go on when Redis is back. A
/// lost connection is known at once, a server that only is silent two seconds and that time later.
/// See
/// [`Subscribe::engine_down`](crate::Subscribe::engine_down) for new ones.
///
/// # TLS
///
/// URLs that begin with `rediss` need one of the TLS features of the crate `redis`, such as
/// `tokio-rustls-comp`, in your own dependencies.
///
/// # Clusters
///
/// All keys of a topic have the same hash tag, so each call touches one slot. But the connections
/// are to one server: a primary, or what stands for it. Redis Cluster is not supported.
///
/// # Tasks
///
/// The crate `redis` spawns a task for each connection, on tokio's current runtime, which ends
/// with the connection. All else is done by whoever polls [`Hub::drive`](crate::Hub::drive).
pub struct RedisLog {
    link: Arc<Link>,
    live: Mutex<LiveSide>,
}

/// What `drive` polls.
struct LiveSide {
    outlet: Outlet,
    /// Keeps the live connection; it never ends.
    supervisor: BoxFuture<'static, ()>,
    until_supervisor: usize,
}

impl RedisLog {
    /// Connects to a server with the default options. The URL is
    /// `redis://[user:password@]host[:port][/database]`.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the URL is wrong or the server does not answer.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        RedisOptions::new().connect(url).await
    }

    fn new(link: Arc<Link>, outlet: Outlet, supervisor: BoxFuture<'static, ()>) -> Self {
        Self {
            link,
            live: Mutex::new(LiveSide {
                outlet,
                supervisor,
                until_supervisor: 0,
            }),
        }
    }
}

impl Log for RedisLog {
    fn open(&self, topic: &str) -> Answer<Span> {
        let (link, topic) = (Arc::clone(&self.link), topic.to_owned());
        Answer::later(async move { link.answer(read::open(&link, &topic)).await })
    }

    fn close(&self, topic: &str, _: Position) {
        self.link.channels.release(topic);
    }

    fn knows(&self, _: &str, _: Position) -> Option<bool> {
        None
    }

    fn oldest(&self) -> Option<Position> {
        Some(read::OLDEST)
    }

    fn is_up(&self) -> bool {
        self.link.is_up()
    }

    fn append(&self, topic: TopicRef<'_>, entry: &[u8], key: Option<&str>) -> Answer<Position> {
        let call = append::call(&self.link, topic.name(), entry, key);
        let link = Arc::clone(&self.link);
        Answer::later(async move { link.answer(append::append(&link, call)).await })
    }

    fn read(&self, topic: &str, after: Position) -> Answer<Page> {
        let (link, topic) = (Arc::clone(&self.link), topic.to_owned());
        Answer::later(async move { link.answer(read::read(&link, &topic, after)).await })
    }

    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Option<Live>> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.poll(cx).map(Some)
    }
}

impl LiveSide {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Live> {
        if self.until_supervisor == 0 {
            self.until_supervisor = BURST;
            let _ = self.supervisor.as_mut().poll(cx);
        }
        if let Poll::Ready(live) = self.outlet.poll(cx) {
            self.until_supervisor -= 1;
            return Poll::Ready(live);
        }
        self.until_supervisor = BURST;
        let _ = self.supervisor.as_mut().poll(cx);
        // It may have made a connection.
        self.outlet.poll(cx)
    }
}

impl fmt::Debug for RedisLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLog")
            .field("keys", &self.link.keys)
            .field("is_up", &self.link.is_up())
            .finish_non_exhaustive()
    }
}
