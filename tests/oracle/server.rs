//! Serves the corpus byte for byte, in its pieces, and the page that reads it.
//!
//! The bodies end with their connection, so that the connection carries only the bytes of the
//! stream. A client that reconnects is sent one more event. When it reconnects again, the answer is
//! 204. The server records the last event IDs of the requests.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sse_corpus::Case;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The pause between two pieces, so that they do not arrive as one.
const PAUSE: Duration = Duration::from_millis(1);

/// The stream of the second connection: an event without an id, which shows the id that it inherits.
pub(crate) const NEXT_STREAM: &[u8] = b"data: again\n\n";

const PAGE: &str = include_str!("page.html");

/// The cases and the requests for them.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub(crate) cases: Vec<Case>,
    /// The requests for each case, each with its last event ID.
    requests: Mutex<BTreeMap<usize, Vec<Option<Vec<u8>>>>>,
}

impl Oracle {
    pub(crate) fn new(cases: Vec<Case>) -> Self {
        Self {
            cases,
            requests: Mutex::default(),
        }
    }

    /// Returns the last event IDs with which the client reconnected to a case.
    pub(crate) fn reconnects(&self, case: usize) -> Vec<Option<Vec<u8>>> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let reconnects = requests.get(&case).into_iter().flatten().skip(1);
        reconnects.cloned().collect()
    }

    /// Records a request and returns the number of those before it.
    fn record(&self, case: usize, last_event_id: Option<Vec<u8>>) -> usize {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = requests.entry(case).or_default();
        requests.push(last_event_id);
        requests.len() - 1
    }
}

/// Serves while it is polled.
pub(crate) async fn serve(listener: TcpListener, oracle: Arc<Oracle>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, Arc::clone(&oracle)));
        while connections.try_join_next().is_some() {}
    }
}

/// Returns a listener on a free port.
pub(crate) async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

const STREAM: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
const STOP: &[u8] = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
const HTML: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
const NOT_FOUND: &[u8] =
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

async fn answer(mut stream: TcpStream, oracle: Arc<Oracle>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // A browser also opens connections on which it sends no request.
    let Some((path, last_event_id)) = read_request(&mut stream).await? else {
        return Ok(());
    };
    let id = path.strip_prefix("/case/").and_then(|id| id.parse().ok());
    let case = id.and_then(|id: usize| Some((id, oracle.cases.get(id)?)));
    match case {
        Some((id, case)) => match oracle.record(id, last_event_id) {
            0 => {
                stream.write_all(STREAM).await?;
                for piece in &case.pieces {
                    stream.write_all(piece).await?;
                    sleep(PAUSE).await;
                }
            }
            1 => {
                stream.write_all(STREAM).await?;
                stream.write_all(NEXT_STREAM).await?;
            }
            _ => stream.write_all(STOP).await?,
        },
        None if path == "/" => {
            stream.write_all(HTML).await?;
            stream.write_all(PAGE.as_bytes()).await?;
        }
        None => stream.write_all(NOT_FOUND).await?,
    }
    stream.shutdown().await
}

/// Reads the path of a request and its last event ID.
async fn read_request(stream: &mut TcpStream) -> io::Result<Option<(String, Option<Vec<u8>>)>> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    let path = String::from_utf8_lossy(&line);
    let path = path.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut last_event_id = None;
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Ok(Some((path, last_event_id)));
        };
        if line[..colon].eq_ignore_ascii_case(b"last-event-id") {
            let value = &line[colon + 1..];
            let value = value.strip_suffix(b"\r\n").unwrap_or(value);
            last_event_id = Some(value.strip_prefix(b" ").unwrap_or(value).to_vec());
        }
    }
}
