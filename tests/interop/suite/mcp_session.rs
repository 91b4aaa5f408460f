//! The official clients of the Model Context Protocol use the example `mcp_server`, through a proxy that cuts the streams
//! of their calls.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use serde_json::json;
use sse_examples::mcp_server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::{driver, installed};

/// What comes after a cut: the second message of each call. The first one has arrived then.
const CUT_BEFORE: [&str; 2] = ["ada 2", "bob 2"];

/// The time, in seconds, after which a client is taken for silent for ever.
const SILENCE: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_for_typescript_loses_no_message_by_cuts_and_ends_its_session() {
    if installed::skipped() {
        return;
    }
    let lines = run(driver::node()).await;
    check(&lines, &["afterwards 404"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_for_python_loses_no_message_by_cuts_and_ends_its_session() {
    if installed::skipped() {
        return;
    }
    let lines = run(driver::python()).await;
    check(&lines, &[]);
}

/// A proxy between a client and the example.
#[derive(Debug)]
struct Proxy {
    upstream: SocketAddr,
    /// The texts at which a connection is still to be cut.
    to_cut: Mutex<Vec<&'static str>>,
    /// Whether a client has ended its session.
    has_ended: AtomicBool,
}

/// Returns what the user of a client sees.
async fn run(client: Command) -> Vec<String> {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let proxy = Arc::new(Proxy {
        upstream: server.local_addr().expect("an address"),
        to_cut: Mutex::new(CUT_BEFORE.to_vec()),
        has_ended: AtomicBool::new(false),
    });
    let server = tokio::spawn(async { axum::serve(server, mcp_server::app()).await });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    let accept = tokio::spawn(Arc::clone(&proxy).accept(listener));
    let mut lines = Vec::new();
    let places = [json!({ "url": url, "silence": SILENCE })];
    let mut saw = |_: &str, line| lines.push(line);
    driver::run(client, "mcp_session", &places, &mut saw).await;
    accept.abort();
    server.abort();
    assert_eq!(*proxy.to_cut.lock().expect("no panic"), [""; 0]);
    assert!(proxy.has_ended.load(Ordering::Relaxed), "no DELETE");
    lines
}

impl Proxy {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(Arc::clone(&self).pass(client));
        }
    }

    /// Passes everything on, but cuts the connection before the first piece with one of the texts.
    async fn pass(self: Arc<Self>, mut client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(self.upstream).await?;
        let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
        loop {
            tokio::select! {
                read = client.read_buf(&mut up) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    let ends = up.starts_with(b"DELETE ");
                    self.has_ended.fetch_or(ends, Ordering::Relaxed);
                    server.write_all_buf(&mut up).await?;
                }
                read = server.read_buf(&mut down) => {
                    if read? == 0 || self.is_cut_before(&down) {
                        return Ok(());
                    }
                    client.write_all_buf(&mut down).await?;
                }
            }
        }
    }

    fn is_cut_before(&self, piece: &[u8]) -> bool {
        let piece = String::from_utf8_lossy(piece);
        let mut to_cut = self.to_cut.lock().expect("no panic");
        to_cut.extract_if(.., |text| piece.contains(*text)).count() > 0
    }
}

/// Checks that each call has all messages, once and in order, and its result.
fn check(lines: &[String], last: &[&str]) {
    assert_eq!(lines[0], "tools count");
    for name in ["ada", "bob"] {
        let messages = lines
            .iter()
            .filter(|line| line.starts_with(&format!("message {name} ")));
        let expected = [1, 2, 3].map(|number| format!("message {name} {number}"));
        assert!(messages.eq(&expected), "{lines:#?}");
    }
    let results = lines.iter().filter(|line| line.starts_with("result "));
    let expected = ["result ada counted to 3", "result bob counted to 3"];
    assert!(results.eq(expected), "{lines:#?}");
    let last = [last, &["end"]].concat();
    assert_eq!(lines[lines.len() - last.len()..], *last);
    assert_eq!(lines.len(), 1 + 6 + 2 + last.len(), "{lines:#?}");
}
