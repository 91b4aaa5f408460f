//! The engine in NATS, and how it is connected.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_nats::ToServerAddrs;
use futures_core::future::BoxFuture;

use crate::log::nats::append::{self, Call};
use crate::log::nats::error::ConnectError;
use crate::log::nats::link::Link;
use crate::log::nats::live::LiveSide;
use crate::log::nats::options::NatsOptions;
use crate::log::nats::{mark, read, subject};
use crate::log::{Engine, EngineError, Live, Page, Span};
use crate::position::Position;
use crate::topic_name::check_any_name;

/// An [`Engine`] in NATS JetStream (server 2.9 or later): the same topics on several nodes.
///
/// ```no_run
/// use sse_hub::Hub;
/// use sse_hub::nats::NatsEngine;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let nats = NatsEngine::connect("nats://127.0.0.1:4222").await?;
/// let key = std::env::var("ID_KEY")?.parse()?; // the same on all nodes
/// let (hub, driver) = Hub::builder().engine(nats).id_key(key).build();
/// tokio::spawn(driver);
///
/// hub.publish("news", "hello").key("news-17").await?;
/// # Ok(())
/// # }
/// ```
///
/// [`NatsOptions`] sets how much is kept, and more.
///
/// # Guarantees
///
/// A subscriber gets the events of a topic in the order of the stream, each once, from any node; or
/// it gets a gap. When [`publish`](crate::Hub::publish) returns, the server has written the event to
/// its file, or with several replicas most of them have: the event survives the end of the server's
/// process. It survives the end of the machine if the file was synced, which the server does every
/// two minutes unless its `sync_interval` is set (2.10 and later; `always` is possible), or if
/// another replica has the event.
///
/// An event that is published again with the same [key](crate::Publish::key) is there once, for as
/// long as [keys are remembered](NatsOptions::remember_keys). A server that is restarted only knows
/// the keys of events that are still kept. In a cluster of servers before 2.11, a key whose event
/// was lost with a leader may be refused for as long as it is remembered; that is the error
/// [`EngineError::KeyWithoutEvent`].
///
/// An id identifies the stream by the time of its creation. So a server that was wiped, or a stream
/// that was created anew, results in a gap. It also identifies the event, by its number in the stream and
/// a stamp of 27 random bits that its publisher has stored with it. So the id of an event that was lost,
/// with a machine or because a backup was restored, is unknown even if its number was given again,
/// whatever the clocks do; the client gets a gap. (One in 134 million such ids is taken for that of the
/// new event.) To clients that were away and had not seen what was lost, a [mark](Engine::mark_loss)
/// tells of it, which the first node appends that finds what it had or has published missing.
/// Positions of messages that something else than a hub has stored have no stamp.
///
/// A topic is [finished](crate::Hub::finish) once, whichever nodes try. But the server does not refuse what follows: a node knows of the
/// end as soon as it arrives there, if the topic is in use, and otherwise within a second, as it looks at the last entry
/// of a topic before it publishes to it if it has not done so for a second. Within that time, a publish may return a position although the topic
/// is finished on another node. Such an event is never delivered. But a node that opens the topic after that takes it for one
/// that goes on: its clients get no 204, and new ones wait.
///
/// There may be a gap although nothing is missing, but only for a client whose id is older than
/// what is kept, or whose topic was quiet when the connection to the server was lost: it is
/// not known then whether there was more.
///
/// # Costs
///
/// A node has one connection, whatever the number of its topics, with a subscription for each
/// topic in use. The server finds the subscriptions of a message by its subject, and a node gets
/// nothing of topics that it does not use. (One subscription with a wildcard would send every
/// message to every node.) So a message costs the server the same whether a node has ten topics or
/// ten thousand, except for its garbage collector, which scans the memory of all subscriptions
/// again and again: a tenth more, or hardly anything with `GOGC=400` in the server's environment.
/// In the node, a topic in use takes about 8 KB besides its window, for the client's queue.
///
/// Publishing is one message and its answer, and once a second for each topic a look at its last entry; the stamp adds 34 bytes to each event that is stored, and
/// four bytes to an id. A publish with a key that is known already is one more request.
///
/// A client that comes back costs nothing if the node still has its position; otherwise, two requests
/// for each page of what it missed: up to 512 events or 256 KiB, and no more than
/// [`NatsOptions::live_capacity`]. Servers before 2.11, and streams with replicas, whose leader alone is
/// asked, answer with one event a request: then it is one for each event, and one for each page. After
/// a lost connection, all topics in use are read, 64 at a time, with two requests for each that lacks
/// nothing; with a cluster also [periodically](NatsOptions::check_every).
///
/// # While NATS does not answer
///
/// Publishing fails after at most [`NatsOptions::answer_within`], and immediately when the
/// connection is lost or while there is none. After an error, the event may or may not be published,
/// now or when the connection is back; with the same key, it can safely be published again. Open
/// streams stay open, and continue when NATS is back. See
/// [`Subscribe::engine_down`](crate::Subscribe::engine_down) for new ones.
///
/// Where the server cannot do something now, and has done nothing, the request is repeated within its
/// time instead of failing: while the stream or the cluster has no leader, while JetStream is starting
/// or stopping, while another node creates the stream. A server that is about to end (lame duck mode),
/// or that is alone and has no JetStream, is left for another one if several are given.
///
/// # The server
///
/// It needs `jetstream` and room for [`NatsOptions::max_bytes`], and must accept messages of the
/// size of events (`max_payload`, by default 1 MB). The first node creates the stream. An existing
/// stream is checked: it needs file storage, the subjects `sse.log.*`, republished to
/// `sse.live.{{wildcard(1)}}`, direct gets allowed, and deleting and purging denied, as a hole
/// within a topic could not be detected. For the same reason, it must not allow a time to live, roll-ups
/// or schedules for single messages (`allow_msg_ttl`, `allow_rollup_hdrs`, `allow_msg_schedules`). That is checked
/// with each new connection. Stop the nodes before you delete the stream: they create it again, and some servers
/// create an unusable stream while they still delete one. Stop them also before its limit of messages for each subject
/// is raised: a client that came while its topic was empty would not get to know that events were discarded since.
///
/// **Do not mirror the stream in the same account**: the server lets the mirror answer reads in its place, whether or not
/// it has everything, so events can be missing. A node that is given an event by a mirror logs that, and reads from the
/// leader of the stream alone from then on, event by event.
///
/// Nodes need the permission to publish to `sse.log.*`, `$JS.API.STREAM.CREATE.SSE` (only the first
/// one), `$JS.API.STREAM.INFO.SSE`, `$JS.API.STREAM.MSG.GET.SSE`, `$JS.API.DIRECT.GET.SSE` and
/// `$JS.API.DIRECT.GET.SSE.>`, and to subscribe to `sse.live.*` and their inboxes, `_INBOX.>`. Pages and
/// marks need nothing else. No client needs to publish to `sse.live.*`; one that can, can forge events.
///
/// # TLS
///
/// The feature `nats` includes it, with rustls and its provider ring. The URL `tls://host:port`
/// requires it; a server that requires it gets it with any URL. The certificates that are trusted are
/// those of the platform, or others for [`NatsOptions::connect_with`]:
///
/// ```no_run
/// use sse_hub::nats::NatsOptions;
/// use sse_hub::nats::async_nats::ConnectOptions;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = ConnectOptions::new().add_root_certificates("ca.pem".into());
/// let nats = NatsOptions::new().connect_with(client, "tls://nats.example:4222").await?;
/// # Ok(())
/// # }
/// ```
///
/// # Tasks
///
/// The crate `async-nats` spawns a few tasks for the connection, on tokio's current runtime, which
/// end with the engine. Everything else is done by the [`Driver`](crate::Driver).
pub struct NatsEngine {
    link: Arc<Link>,
    live: Mutex<LiveSide>,
}

impl NatsEngine {
    /// Connects to a server with the default options. The URL is
    /// `nats://[user:password@]host[:port]`.
    ///
    /// # Errors
    ///
    /// As [`NatsOptions::connect`].
    pub async fn connect(servers: impl ToServerAddrs) -> Result<Self, ConnectError> {
        NatsOptions::new().connect(servers).await
    }

    pub(super) fn on(link: Link) -> Self {
        Self {
            live: Mutex::new(LiveSide::new(&link)),
            link: Arc::new(link),
        }
    }
}

impl NatsOptions {
    /// Connects to a server, or to the first of several that is available.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if no server is available, if it has no JetStream, or none yet after
    /// [`answer_within`](Self::answer_within), or if there is a stream of this name that is not
    /// suitable.
    pub async fn connect(self, servers: impl ToServerAddrs) -> Result<NatsEngine, ConnectError> {
        self.connect_with(async_nats::ConnectOptions::new(), servers)
            .await
    }

    /// Connects with credentials, TLS and any other options of the client. The engine sets the
    /// client's event callback, its ping interval and the capacity of its subscriptions.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_with(
        self,
        client: async_nats::ConnectOptions,
        servers: impl ToServerAddrs,
    ) -> Result<NatsEngine, ConnectError> {
        self.check()?;
        let client = self.set_up(client);
        Ok(NatsEngine::on(Link::connect(self, client, servers).await?))
    }

    /// Checks what can be wrong without a server.
    pub(super) fn check(&self) -> Result<(), ConnectError> {
        if subject::is_prefix(&self.prefix) {
            Ok(())
        } else {
            Err(ConnectError::SubjectPrefix(self.prefix.clone()))
        }
    }

    /// Sets those options of the client that are the engine's.
    pub(super) fn set_up(&self, client: async_nats::ConnectOptions) -> async_nats::ConnectOptions {
        client
            .ping_interval(self.ping_every)
            .subscription_capacity(self.live_capacity)
    }
}

impl Engine for NatsEngine {
    fn open(&self, topic: &str) -> BoxFuture<'static, Result<Span, EngineError>> {
        let (link, topic) = (Arc::clone(&self.link), name(topic));
        Box::pin(async move { link.answer(read::open(&link, &topic?)).await })
    }

    fn close(&self, topic: &str) {
        self.link.interest.release(topic);
    }

    fn append(
        &self,
        topic: &str,
        entry: &[u8],
        key: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        let call = name(topic).map(|topic| Call::new(&self.link, &topic, entry, key));
        let link = Arc::clone(&self.link);
        Box::pin(async move { link.answer(append::append(&link, call?)).await })
    }

    fn finish(
        &self,
        topic: &str,
        entry: &[u8],
        key: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        let call = name(topic).map(|topic| Call::new(&self.link, &topic, entry, key).last());
        let link = Arc::clone(&self.link);
        Box::pin(async move { link.answer(append::append(&link, call?)).await })
    }

    fn read(&self, topic: &str, after: Position) -> BoxFuture<'static, Result<Page, EngineError>> {
        let (link, topic) = (Arc::clone(&self.link), name(topic));
        Box::pin(async move { link.answer(read::read(&link, &topic?, after)).await })
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
        let (link, topic) = (Arc::clone(&self.link), name(topic));
        Box::pin(async move {
            link.answer(mark::mark_loss(&link, &topic?, kept, lost))
                .await
        })
    }

    fn is_up(&self, _topic: &str) -> bool {
        self.link.is_up()
    }
}

/// Checks a topic's name: the hub does so, but the engine can be used without it.
fn name(topic: &str) -> Result<String, EngineError> {
    match check_any_name(topic) {
        Ok(()) => Ok(topic.to_owned()),
        Err(error) => Err(EngineError::Refused(error.to_string())),
    }
}

impl fmt::Debug for NatsEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsEngine")
            .field("options", &self.link.options)
            .field("is_up", &self.link.is_up())
            .finish_non_exhaustive()
    }
}
