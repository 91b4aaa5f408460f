//! Many clients that come at once, each for a topic of its own, as after the end of another node.

use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use sse_tokio_tcp::{Request, serve, with_sse};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::meter::{Found, Meter};
use crate::node::{Node, Servers};
use crate::result::Result;
use crate::sample::Sample;

/// How many connections are made at the same time: fewer than a listener accepts later.
const CONNECTING: usize = 128;

/// How long all clients together wait for what they come for.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn take(sample: &Sample) -> Result<Found> {
    let servers = Servers::start(sample).await;
    let node = servers.node().await?;
    let clients = Clients::connect(&node, sample.topics).await?;
    let meter = Meter::start(&servers)?;
    let missing = clients.open().await;
    let mut found = meter.stop(&servers, sample.topics)?;
    found.push(("missing", missing as f64));
    Ok(found)
}

/// Clients that are connected to a node, and have not asked for anything.
pub(super) struct Clients {
    streams: Vec<TcpStream>,
    _server: JoinSet<()>,
}

impl Clients {
    pub(super) async fn connect(node: &Node, count: usize) -> Result<Self> {
        // Both ends of each connection.
        rlimit::increase_nofile_limit(2 * count as u64 + 1_000)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let hub = node.hub.clone();
        let events =
            with_sse(move |request: Request, sse| hub.subscribe([request.uri().path()]).serve(sse));
        let mut server = JoinSet::new();
        server.spawn(serve(listener, events));
        let connecting = Arc::new(Semaphore::new(CONNECTING));
        let mut connections = JoinSet::new();
        for _ in 0..count {
            let connecting = Arc::clone(&connecting);
            connections.spawn(async move {
                let _permit = connecting.acquire().await;
                TcpStream::connect(address).await
            });
        }
        let mut streams = Vec::with_capacity(count);
        while let Some(stream) = connections.join_next().await {
            streams.push(stream??);
        }
        Ok(Self {
            streams,
            _server: server,
        })
    }

    /// Lets all ask for their topics at once, and returns how many have not got them in time.
    pub(super) async fn open(self) -> usize {
        let mut missing = self.streams.len();
        let mut tasks = JoinSet::new();
        for (number, stream) in self.streams.into_iter().enumerate() {
            tasks.spawn(ask(stream, number));
        }
        let _ = timeout(PATIENCE, async {
            // The streams stay open until all have got theirs.
            let mut streams = Vec::with_capacity(missing);
            while let Some(asked) = tasks.join_next().await {
                if let Ok(Ok(stream)) = asked {
                    streams.push(stream);
                    missing -= 1;
                }
            }
        })
        .await;
        missing
    }
}

/// Asks for a topic, and waits for the block with which its stream begins.
async fn ask(mut stream: TcpStream, number: usize) -> Result<TcpStream, Box<str>> {
    let request = format!("GET /{number} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let failed = |error: std::io::Error| error.to_string();
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::new();
    while memmem::find(&answer, b"id: ").is_none() {
        if stream.read_buf(&mut answer).await.map_err(failed)? == 0 {
            return Err("the stream ended".into());
        }
    }
    Ok(stream)
}
