//! What an open stream costs the client in memory, and that an unread one does not cost more.
//!
//! Servers and clients are processes of their own, this one run again, so that the resident memory
//! is that of the streams alone. `cargo test -p sse-eventsource --test memory -- --nocapture` prints the
//! figures.

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

/// How many streams are open at once.
const STREAMS: usize = 200;

/// What a client process and its server process speak.
#[derive(Clone, Copy, Debug)]
enum Spoken {
    Http1,
    Http2,
    Http1Tls,
    Http2Tls,
}

impl Spoken {
    const ALL: [Self; 4] = [Self::Http1, Self::Http2, Self::Http1Tls, Self::Http2Tls];

    /// What this process is to speak.
    fn of_this_process() -> Self {
        let name = std::env::var(SPOKEN).expect("what is to be spoken");
        let mut all = Self::ALL.into_iter();
        let spoken = all.find(|spoken| format!("{spoken:?}") == name);
        spoken.expect("one of these")
    }

    fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Tls)
    }

    fn is_tls(self) -> bool {
        matches!(self, Self::Http1Tls | Self::Http2Tls)
    }
}

const SPOKEN: &str = "SSE_CLIENT_TEST_SPOKEN";

/// Another process of this program, which runs one of its tests. It ends with this.
struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn run(test: &str, spoken: Spoken) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", test, "--nocapture"])
            .env(SPOKEN, format!("{spoken:?}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, stdout }
    }

    /// The words of what it has to tell.
    fn told(&mut self) -> Vec<String> {
        let mut lines = self.stdout.by_ref().lines();
        let told = lines.find_map(|line| {
            let line = line.expect("a line");
            let words = line.strip_prefix(TOLD)?.split(' ');
            Some(words.map(str::to_owned).collect())
        });
        told.expect("it tells something")
    }

    /// Waits for its end.
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

/// What a line begins with that the other process is to read.
const TOLD: &str = "told: ";

fn tell(words: &str) {
    // The test's own name stands on this line.
    println!("\n{TOLD}{words}");
}

/// The server process: each connection is sent one event, and stays open.
#[test]
#[ignore = "it is the server of another test, which runs it"]
fn the_server_process() {
    let spoken = Spoken::of_this_process();
    let identity = Identity::new();
    let protocol = if spoken.is_http2() { "h2" } else { "http/1.1" };
    let acceptor = identity.acceptor(&[protocol]);
    let server = Server::start(move |_, connection| {
        let acceptor = acceptor.clone();
        async move {
            let Connection { io } = connection;
            match (spoken.is_tls(), spoken.is_http2()) {
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
    tell(&format!("{port} {certificate}"));
    // Until the other process is gone.
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
    // Waits for more, as a reader does.
    let more = poll_fn(|cx| Poll::Ready(source.poll_next_unpin(cx))).await;
    assert!(more.is_pending());
    source
}

/// The resident memory of this process in bytes, where the system tells it so.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// The client process: it opens many streams, and tells what one of them costs in bytes and
/// allocations, and in bytes of resident memory.
#[test]
#[ignore = "it is the client of another test, which runs it"]
fn the_client_process() {
    let spoken = Spoken::of_this_process();
    let mut server = Process::run("the_server_process", spoken);
    let [port, certificate] = &server.told()[..] else {
        panic!("a port and a certificate");
    };
    let client = if spoken.is_tls() {
        let certificate = BASE64_STANDARD.decode(certificate).expect("base64");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.into()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        HttpClient::new().tls_config(config)
    } else if spoken.is_http2() {
        HttpClient::new().http2_prior_knowledge()
    } else {
        HttpClient::new()
    };
    let scheme = if spoken.is_tls() { "https" } else { "http" };
    let url = format!("{scheme}://localhost:{port}/");
    let runtime = runtime();
    let mut sources = Vec::with_capacity(STREAMS);
    // What is allocated once, whatever the number of streams.
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
    tell(&format!("{bytes} {count} {}", resident / opened));
}

/// The bounds leave some room for other versions of what is below.
#[test]
fn an_open_stream_costs_some_kilobytes() {
    for (spoken, bound) in Spoken::ALL.into_iter().zip([36, 48, 48, 56]) {
        let mut client = Process::run("the_client_process", spoken);
        let told = client.told();
        client.end();
        let figures: Vec<usize> = told
            .iter()
            .map(|word| word.parse().expect("a number"))
            .collect();
        let [bytes, count, resident] = figures[..] else {
            panic!("{told:?}");
        };
        println!("{spoken:?}: {bytes} bytes in {count} allocations; {resident} bytes resident");
        assert!(bytes < bound * 1024, "{spoken:?}: {bytes} bytes");
        assert!(count < 100, "{spoken:?}: {count} allocations");
    }
}

/// The server sends all that is taken, and nobody reads it.
#[test]
fn an_unread_stream_stays_as_it_is() {
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
            // The runtime goes on; only the source is not read.
            tokio::time::sleep(Duration::from_millis(300)).await;
            source
        });
        source = Some(opened);
    });
    let bytes = allocated.bytes_max;
    println!("unread: {bytes} bytes at most");
    assert!(bytes < 256 * 1024, "{bytes} bytes");
    // There is more.
    let source = source.as_mut().expect("opened");
    let event = runtime.block_on(source.next());
    assert_eq!(
        event.expect("an event").expect("no error").data().len(),
        1000
    );
}

/// However many events there were, in whatever pieces.
#[test]
fn a_stream_that_is_read_stays_as_it_is() {
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
