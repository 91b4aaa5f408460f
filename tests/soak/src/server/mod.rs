//! A server process: a hub, its publisher, and one of the transports.

mod actix;
mod counts;
mod hyper;
mod publisher;
mod tcp;

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sse_hub::nats::NatsOptions;
use sse_hub::redis::RedisOptions;
use sse_hub::{Hub, IdKey, Sse, Subscribe, SubscribeError};
use sse_hyper::{BoxError, SseOptions};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket};

use self::counts::Counts;
use self::publisher::{Publisher, numbers};
use crate::messages::{ServerCommand, ServerState};
use crate::subject::Transport;
use crate::topics;

/// How many connections may wait to be accepted: many clients come at the same time.
const BACKLOG: u32 = 4_096;

/// The size of the kernel's buffer of a connection. With the system's default, which grows up to some
/// MiB, a client could stall for a long time before its server sees it.
const SEND_BUFFER: u32 = 16 * 1024;

/// The time between two keep-alives of a silent stream. Some transports see only at the second one
/// that a client is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// What seals the ids of hubs on an engine.
const ID_KEY: IdKey = IdKey::new(*b"all nodes of a soak share a key.");

/// What a server process is to do.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) transport: Transport,
    /// The URL of the engine, if there is one.
    pub(crate) engine: Option<String>,
    /// Which of the nodes this is, and how many there are. Each publishes to a part of the topics.
    pub(crate) node: usize,
    pub(crate) nodes: usize,
    pub(crate) pace: u32,
}

/// What the transports serve.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    hub: Hub,
    counts: Arc<Counts>,
    options: SseOptions,
}

impl Site {
    /// Opens the topics that the query names, separated by commas.
    async fn open(&self, query: Option<&str>) -> Result<Subscribe, SubscribeError> {
        let topics = query.unwrap_or_default().split(',');
        self.hub.subscribe(topics).open().await
    }

    /// Serves a subscription.
    fn serve(
        &self,
        subscribe: Subscribe,
        sse: Sse,
    ) -> impl Future<Output = Result<(), BoxError>> + Send + use<> {
        let running = self.counts.start_handler();
        let serving = subscribe.serve(sse);
        async move {
            let _running = running;
            serving.await
        }
    }
}

/// Runs a server until the end of the standard input, from which it takes its commands.
pub(crate) async fn run(options: Options) -> Result<(), BoxError> {
    let counts = Counts::new();
    let numbers = numbers();
    let for_snapshots = options.engine.is_none().then(|| Arc::clone(&numbers));
    let of_topic = move |topic: &str| publisher::options(topic, for_snapshots.as_ref());
    let builder = Hub::builder()
        .topics(of_topic)
        .max_topics(topics::all().count());
    let hub = match options.engine.as_deref() {
        None => builder.build(),
        Some(url) => {
            // All nodes need the same key.
            let builder = builder.id_key(ID_KEY);
            let (hub, driver) = if url.starts_with("redis:") {
                let redis = RedisOptions::new().max_events(topics::KEPT_BY_ENGINE);
                builder.engine(redis.connect(url).await?).build()
            } else {
                let nats = NatsOptions::new().max_events(topics::KEPT_BY_ENGINE as u32);
                builder.engine(nats.connect(url).await?).build()
            };
            tokio::spawn(driver);
            hub
        }
    };
    let is_ours = |index| index % options.nodes == options.node;
    let mut publisher = Publisher::new(
        hub.clone(),
        Arc::clone(&counts),
        &numbers,
        options.engine.is_none(),
        is_ours,
        options.pace,
    );
    let listener = listener()?;
    let port = listener.local_addr()?.port();
    let site = Site {
        hub,
        counts: Arc::clone(&counts),
        options: SseOptions::new().keep_alive(KEEP_ALIVE),
    };
    match options.transport {
        Transport::Hyper => drop(tokio::spawn(hyper::serve(listener, site))),
        Transport::Actix => actix::serve(listener.into_std()?, site),
        Transport::Tcp => drop(tokio::spawn(tcp::serve(listener, site))),
    }
    let say = |publisher: &Publisher| {
        let state = ServerState {
            port,
            last: publisher.last(),
            ..counts.state()
        };
        say(&state)
    };
    say(&publisher)?;
    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = commands.next_line().await? {
        match serde_json::from_str(&line)? {
            ServerCommand::Fill => publisher.fill().await?,
            ServerCommand::Unsubscribe => publisher.unsubscribe(),
            ServerCommand::Publish => publisher.begin(),
            ServerCommand::Stop => publisher.stop().await,
            ServerCommand::PublishLast => publisher.publish_last().await,
            ServerCommand::Report => {}
        }
        say(&publisher)?;
    }
    Ok(())
}

/// Listens on a free port of the loopback address.
fn listener() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Accepted connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    socket.listen(BACKLOG)
}

/// Writes a line to the standard output.
fn say(state: &ServerState) -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, state)?;
    output.write_all(b"\n")?;
    output.flush()
}
