//! The memory of an open stream in the client, and that it does not grow while nothing is read.
//!
//! Servers and clients are processes of their own, which run this program again, so that the
//! resident memory is that of the streams alone. The figures are printed by
//! `cargo test -p sse-eventsource --test memory -- --nocapture`.

use std::future::poll_fn;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::task::Poll;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt as _;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_eventsource::{EventSource, HttpClient};
use sse_eventsource_testing::{CHUNKED, Connection, Identity, STREAM, Server};
use sse_hyper::{SendError, Sse};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The number of streams that are open at the same time.
const STREAMS: usize = 200;

/// The protocol between a client process and its server process.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    Http1,
    Http2,
    Http1Tls,
    Http2Tls,
}

impl Protocol {
    const ALL: [Self; 4] = [Self::Http1, Self::Http2, Self::Http1Tls, Self::Http2Tls];

    /// Returns the protocol of this process.
    fn of_this_process() -> Self {
        let name = std::env::var(PROTOCOL).expect("a protocol");
        let mut all = Self::ALL.into_iter();
        let protocol = all.find(|protocol| format!("{protocol:?}") == name);
        protocol.expect("one of these")
    }

    fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }

    fn is_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::Http2Tls)
    }
}

/// The environment variable that names the protocol of a process.
const PROTOCOL: &str = "SSE_EVENTSOURCE_TEST_PROTOCOL";

/// Another process of this program, which runs one of its tests. It is killed on drop.
struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn run(test: &str, protocol: Protocol) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", test, "--nocapture"])
            .env(PROTOCOL, format!("{protocol:?}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, stdout }
    }

    /// Returns the words of the next report of the process.
    fn report(&mut self) -> Vec<String> {
        let mut lines = self.stdout.by_ref().lines();
        let report = lines.find_map(|line| {
            let line = line.expect("a line");
            let words = line.strip_prefix(REPORT)?.split(' ');
            Some(words.map(str::to_owned).collect())
        });
        report.expect("a report")
    }

    /// Waits until the process has ended.
    fn end(mut self) {
        std::io::copy(&mut self.stdout, &mut std::io::sink()).expect("read");
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The prefix of a line that the parent process reads.
const REPORT: &str = "report: ";

fn report(words: &str) {
    // The test harness has begun a line with the name of the test.
    println!("\n{REPORT}{words}");
}

/// The server process: each connection is sent one event, and stays open.
#[test]
#[ignore = "another test runs it as its server"]
fn the_server_process() {
    let protocol = Protocol::of_this_process();
    let identity = Identity::new();
    let alpn = if protocol.is_http2() {
        "h2"
    } else {
        "http/1.1"
    };
    let acceptor = identity.acceptor(&[alpn]);
    let server = Server::start(move |_, connection| {
        let acceptor = acceptor.clone();
        async move {
            let Connection { io } = connection;
            match (protocol.is_tls(), protocol.is_http2()) {
                (false, false) => one_event(io).await,
                (false, true) => one_event_over_http2(io).await,
                (true, false) => one_event(acceptor.accept(io).await.expect("TLS")).await,
                (true, true) => {
                    one_event_over_http2(acceptor.accept(io).await.expect("TLS")).await;
                }
            }
        }
    });
    let certificate = BASE64_STANDARD.encode(identity.certificate());
    let port = server.address().port();
    report(&format!("{port} {certificate}"));
    // Until the other process has ended.
    let _ = std::io::stdin().lines().next();
}

async fn one_event(mut io: impl AsyncRead + AsyncWrite + Unpin) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.expect("a head"));
    }
    let event = "data: hello\n\n";
    let answer = format!("{CHUNKED}{:x}\r\n{event}\r\n", event.len());
    io.write_all(answer.as_bytes()).await.expect("sent");
    let _ = io.read(&mut [0]).await;
}

async fn one_event_over_http2(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = sse_hyper::with_sse(|_request, sse: Sse| async move {
        sse.send("hello").await?;
        sse.closed().await;
        Ok::<_, SendError>(())
    });
    let _ = http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(io), service)
        .await;
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

/// A source that has read its first event.
async fn open(url: &str, client: HttpClient) -> EventSource {
    let mut source = EventSource::get(url)
        .idle_timeout(Duration::from_secs(60))
        .build_with(client)
        .expect("valid");
    let event = source.next().await.expect("an event").expect("no error");
    assert_eq!(event.data(), "hello");
    // Polls for more, as a waiting reader does.
    let more = poll_fn(|cx| Poll::Ready(source.poll_next_unpin(cx))).await;
    assert!(more.is_pending());
    source
}

/// Returns the resident memory of this process in bytes, on systems that have `/proc`.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// The client process: it opens many streams, and reports the bytes, the allocations and the
/// resident bytes of one.
#[test]
#[ignore = "another test runs it as its client"]
fn the_client_process() {
    let protocol = Protocol::of_this_process();
    let mut server = Process::run("the_server_process", protocol);
    let [port, certificate] = &server.report()[..] else {
        panic!("a port and a certificate");
    };
    let client = if protocol.is_tls() {
        let certificate = BASE64_STANDARD.decode(certificate).expect("base64");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.into()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        HttpClient::new().tls_config(config)
    } else if protocol.is_http2() {
        HttpClient::new().http2_prior_knowledge()
    } else {
        HttpClient::new()
    };
    let scheme = if protocol.is_tls() { "https" } else { "http" };
    let url = format!("{scheme}://localhost:{port}/");
    let runtime = runtime();
    let mut sources = Vec::with_capacity(STREAMS);
    // Some memory is allocated once, for the first stream.
    sources.push(runtime.block_on(open(&url, client.clone())));
    let before = resident();
    let allocated = allocation_counter::measure(|| {
        runtime.block_on(async {
            while sources.len() < STREAMS {
                sources.push(open(&url, client.clone()).await);
            }
        });
    });
    let resident = before.zip(resident());
    let resident = resident.map_or(0, |(before, after)| after.saturating_sub(before));
    let opened = STREAMS - 1;
    let bytes = usize::try_from(allocated.bytes_current).expect("something") / opened;
    let count = usize::try_from(allocated.count_current).expect("something") / opened;
    report(&format!("{bytes} {count} {}", resident / opened));
}

/// The bounds leave room for other versions of the dependencies.
#[test]
fn an_open_stream_costs_some_kilobytes() {
    for (protocol, bound) in Protocol::ALL.into_iter().zip([36, 48, 48, 56]) {
        let mut client = Process::run("the_client_process", protocol);
        let report = client.report();
        client.end();
        let figures: Vec<usize> = report
            .iter()
            .map(|word| word.parse().expect("a number"))
            .collect();
        let [bytes, count, resident] = figures[..] else {
            panic!("{report:?}");
        };
        println!("{protocol:?}: {bytes} bytes in {count} allocations; {resident} bytes resident");
        assert!(bytes < bound * 1024, "{protocol:?}: {bytes} bytes");
        assert!(count < 100, "{protocol:?}: {count} allocations");
    }
}

/// The server sends as much as it can, and the stream is not read.
#[test]
fn a_stream_that_is_not_read_does_not_grow() {
    let server = Server::start(|_, mut connection| async move {
        connection.answer(STREAM).await;
        connection.send("data: hello\n\n").await;
        let event = format!("data: {}\n\n", "x".repeat(1000));
        while connection.send(&event).await {}
    });
    let runtime = runtime();
    let mut source = None;
    let allocated = allocation_counter::measure(|| {
        let opened = runtime.block_on(async {
            let source = EventSource::get(server.url()).build().expect("valid");
            let mut source = Box::pin(source);
            let event = source.next().await.expect("an event").expect("no error");
            assert_eq!(event.data(), "hello");
            // The runtime continues; only the source is not read.
            tokio::time::sleep(Duration::from_millis(300)).await;
            source
        });
        source = Some(opened);
    });
    let bytes = allocated.bytes_max;
    println!("unread: {bytes} bytes at most");
    assert!(bytes < 256 * 1024, "{bytes} bytes");
    // More has arrived.
    let source = source.as_mut().expect("opened");
    let event = runtime.block_on(source.next());
    assert_eq!(
        event.expect("an event").expect("no error").data().len(),
        1000
    );
}

/// The number of events does not matter, nor how they are cut.
#[test]
fn a_stream_that_is_read_does_not_grow() {
    let server = Server::start(|_, mut connection| async move {
        connection.answer(STREAM).await;
        let event = format!("id: {}\ndata: {}\n\n", "7".repeat(20), "x".repeat(200));
        while connection.send(&event).await {}
    });
    let runtime = runtime();
    let mut source = EventSource::get(server.url()).build().expect("valid");
    let mut read = |events: u64| {
        let allocated = allocation_counter::measure(|| {
            runtime.block_on(async {
                for _ in 0..events {
                    source.next().await.expect("an event").expect("no error");
                }
            });
        });
        (allocated.bytes_current, allocated.count_total)
    };
    read(10_000);
    let (bytes, count) = read(20_000);
    println!(
        "read: {bytes} bytes more, {} allocations an event",
        count / 20_000
    );
    // The buffers may be larger or smaller at the end than they were.
    assert!(bytes.abs() < 256 * 1024, "{bytes} bytes");
    assert!(count < 20_000 * 5, "{count} allocations");
}
