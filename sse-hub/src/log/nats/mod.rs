//! Topics in NATS JetStream, shared by several nodes.
//!
//! One stream has a subject per topic and is the truth. It republishes what it has stored, each
//! message with the number of the one before it on the same subject, to all nodes that listen to
//! the topic. What a node may have missed, it reads from the stream.

mod append;
mod epoch;
mod error;
mod link;
mod listening;
mod live;
mod options;
mod read;
mod signal;
mod subject;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use async_nats::ToServerAddrs;

use crate::log::nats::append::Call;
use crate::log::nats::link::{Link, lock};
use crate::log::nats::live::LiveSide;
use crate::log::{Answer, Live, Log, Page, Span};
use crate::position::Position;
use crate::registry::{TopicRef, check_name};

pub use crate::log::nats::error::ConnectError;
pub use crate::log::nats::options::NatsOptions;

/// A [`Log`] in NATS JetStream (server 2.9 or later): the same topics on several nodes.
///
/// ```no_run
/// use sse_hub::Hub;
/// use sse_hub::nats::NatsLog;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hub = Hub::builder().log(NatsLog::connect("nats://127.0.0.1:4222").await?).build();
/// let driven = hub.clone();
/// tokio::spawn(async move { driven.drive().await });
///
/// hub.publish("news", "hello").key("news-17").await?;
/// # Ok(())
/// # }
/// ```
///
/// [`NatsOptions`] says how much is kept, and what else can be set.
///
/// # What it promises
///
/// A subscriber gets the events of a topic in the order of the stream, each one once, from
/// whichever node, or is told of a gap. When [`publish`](crate::Hub::publish) answers, the server
/// has written the event to its file, or with several replicas most of them have: it survives the
/// end of the server's process. The end of its machine it survives if the file was synced, which
/// the server does every two minutes unless its `sync_interval` says otherwise (2.10 and later;
/// `always` is possible), or if another replica has it.
///
/// Published again with the same [key](crate::Publish::key), an event is there once, for as long
/// as [keys are remembered](NatsOptions::remember_keys). A server that is started again knows
/// only the keys of events that are still kept. In a cluster of servers before 2.11, a key whose
/// event was lost with a leader may be refused for as long as it is remembered; that is an error.
///
/// An id names the stream by the time at which it was created. So what was published before the
/// server was wiped, or the stream was made anew, is told as a gap. Not told is that a backup was
/// restored, or that a machine has forgotten its newest events, where others were published since
/// under the same numbers: that is the same stream, as far as anybody can tell.
///
/// A gap may be told although nothing is missing, but only to who comes back with an id that is
/// older than what is kept, or was on a quiet topic when the connection to the server was lost:
/// nobody knows then whether there was more.
///
/// # What it costs
///
/// A node has one connection, whatever the number of its topics, with a subscription for each
/// topic in use. The server finds a message's subscriptions by its subject, and a node that does
/// not use a topic hears nothing of it. (One subscription with a wildcard would bring every
/// message to every node.) So a message costs the server the same where a node has ten thousand
/// topics as where it has ten, but for its garbage collector, which goes through the memory of all
/// subscriptions again and again: a tenth more, or hardly anything with `GOGC=400` in the server's
/// environment. Here, a topic in use takes about 8 KB beside its window, for the client's queue.
///
/// Publishing is one message and its answer. A client that comes back costs nothing if the node
/// still holds its position; else one request for each event that it missed, and one or two more.
/// After a lost connection, all topics in use are read, 64 at a time, with two requests for each
/// that lacks nothing; with a cluster [now and then](NatsOptions::check_every), too.
///
/// # While NATS does not answer
///
/// Publishing fails after [`NatsOptions::answer_within`] at the latest, and at once when the
/// connection is lost or while there is none. An error leaves open whether the event is published,
/// now or when the connection is back; with the same key, trying again is safe. Open streams stay
/// open, and go on when NATS is back. See [`Subscribe::engine_down`](crate::Subscribe::engine_down) for new ones.
///
/// # The server
///
/// It needs `jetstream` and room for [`NatsOptions::max_bytes`], and must let messages of the size
/// of events pass (`max_payload`, by default 1 MB). The first node makes the stream; what it needs
/// is checked where there is one: file storage, the subjects `sse.log.*`, republished to
/// `sse.live.{{wildcard(1)}}`, direct gets allowed, and deleting and purging denied, as a hole
/// within a topic could not be told from none. Stop the nodes before the stream is deleted: they
/// make it anew, and some servers make a useless one while they still delete.
///
/// Nodes must be allowed to publish to `sse.log.*`, `$JS.API.STREAM.*.SSE`,
/// `$JS.API.STREAM.MSG.GET.SSE`, `$JS.API.DIRECT.GET.SSE` and `$JS.API.DIRECT.GET.SSE.>`, and to
/// subscribe to `sse.live.*` and their inboxes. Nobody needs to publish to `sse.live.*`; who can,
/// can forge events.
///
/// # Tasks
///
/// The crate `async-nats` spawns a few tasks for the connection, on tokio's current runtime, which
/// end with the log. All else is done by whoever polls [`Hub::drive`](crate::Hub::drive).
pub struct NatsLog {
    link: Arc<Link>,
    live: Mutex<LiveSide>,
}

impl NatsLog {
    /// Connects to a server with the default options. The URL is
    /// `nats://[user:password@]host[:port]`.
    ///
    /// # Errors
    ///
    /// As [`NatsOptions::connect`].
    pub async fn connect(servers: impl ToServerAddrs) -> Result<Self, ConnectError> {
        NatsOptions::new().connect(servers).await
    }

    async fn with(
        options: NatsOptions,
        client: async_nats::ConnectOptions,
        servers: impl ToServerAddrs,
    ) -> Result<Self, ConnectError> {
        let link = Link::connect(options, client, servers).await?;
        Ok(Self {
            live: Mutex::new(LiveSide::new(&link)),
            link: Arc::new(link),
        })
    }
}

impl Log for NatsLog {
    fn open(&self, topic: &str) -> Answer<Span> {
        let (link, topic) = (Arc::clone(&self.link), topic.to_owned());
        Answer::later(async move { link.answer(read::open(&link, &topic)).await })
    }

    fn close(&self, topic: &str, _: Position) {
        self.link.release(topic);
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
        // A server closes the connection over which a subject comes that is too long.
        if let Err(error) = check_name(topic.name()) {
            return Answer::ready(Err(error.into()));
        }
        let call = Call::new(&self.link, topic.name(), entry, key);
        let link = Arc::clone(&self.link);
        Answer::later(async move { link.answer(append::append(&link, call)).await })
    }

    fn read(&self, topic: &str, after: Position) -> Answer<Page> {
        let (link, topic) = (Arc::clone(&self.link), topic.to_owned());
        Answer::later(async move { link.answer(read::read(&link, &topic, after)).await })
    }

    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Option<Live>> {
        lock(&self.live).poll(&self.link, cx).map(Some)
    }
}

impl fmt::Debug for NatsLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLog")
            .field("options", &self.link.options)
            .field("is_up", &self.link.is_up())
            .finish_non_exhaustive()
    }
}
