//! The requests to the engine that opening a topic takes, counted by a proxy between the two.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::opening::Clients;
use crate::engine::{Engine, Kind};
use crate::meter::Found;
use crate::node::Servers;
use crate::result::Result;
use crate::sample::Sample;

pub(super) async fn take(sample: &Sample) -> Result<Found> {
    let Engine::Program(program) = &sample.engine else {
        return Err("there are no requests without an engine".into());
    };
    let servers = Servers::start(sample).await;
    let count = Arc::new(AtomicUsize::new(0));
    let mut proxies = JoinSet::new();
    let mut ports = Vec::new();
    for port in servers.ports() {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ports.push(listener.local_addr()?.port());
        proxies.spawn(forward_all(
            listener,
            port,
            program.kind,
            Arc::clone(&count),
        ));
    }
    let node = servers.node_at(&ports).await?;
    let clients = Clients::connect(&node, sample.topics).await?;
    let before = count.load(Ordering::Relaxed);
    let missing = clients.open().await;
    let requests = count.load(Ordering::Relaxed) - before;
    Ok(vec![
        ("requests", requests as f64 / sample.topics as f64),
        ("missing", missing as f64),
    ])
}

async fn forward_all(listener: TcpListener, port: u16, kind: Kind, count: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
            continue;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, mut to_client) = client.into_split();
        let (mut from_server, to_server) = server.into_split();
        let count = Arc::clone(&count);
        connections.spawn(async move {
            tokio::select! {
                _ = copy(&mut from_server, &mut to_client) => {}
                _ = forward(from_client, to_server, kind, &count) => {}
            }
        });
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    kind: Kind,
    count: &AtomicUsize,
) -> std::io::Result<()> {
    let mut lines = Lines::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let len = from.read(&mut buffer).await?;
        if len == 0 {
            return Ok(());
        }
        let requests = lines.requests(kind, &buffer[..len]);
        count.fetch_add(requests, Ordering::Relaxed);
        to.write_all(&buffer[..len]).await?;
    }
}

/// Finds the requests among what a client sends.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    /// How many bytes of a payload are still to come.
    payload: usize,
}

impl Lines {
    /// Counts the requests that begin in a piece.
    fn requests(&mut self, kind: Kind, mut piece: &[u8]) -> usize {
        let mut requests = 0;
        while !piece.is_empty() {
            let skipped = self.payload.min(piece.len());
            self.payload -= skipped;
            piece = &piece[skipped..];
            let Some(end) = memchr::memchr(b'\n', piece) else {
                self.line.extend_from_slice(piece);
                break;
            };
            self.line.extend_from_slice(&piece[..end]);
            piece = &piece[end + 1..];
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            let (is_request, payload) = parse(kind, line.trim_end());
            requests += usize::from(is_request);
            self.payload = payload.map_or(0, |len| len + 2);
        }
        requests
    }
}

/// Returns whether a line begins a request, and the length of the payload that follows it.
fn parse(kind: Kind, line: &str) -> (bool, Option<usize>) {
    match kind {
        // A command is an array of strings: "*2", "$4", "PING", …
        Kind::Redis => {
            let payload = line.strip_prefix('$').and_then(|len| len.parse().ok());
            (line.starts_with('*'), payload)
        }
        Kind::Nats => {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("PUB" | "HPUB") => (true, words.last().and_then(|len| len.parse().ok())),
                Some("SUB" | "UNSUB") => (true, None),
                _ => (false, None),
            }
        }
    }
}
