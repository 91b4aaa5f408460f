//! The write timeout of a connection, in paused time.

use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_hyper::{Request, SendError, Sse, WriteTimeout, with_sse};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, advance, sleep};

const TIME: Duration = Duration::from_secs(60);

/// After the time limit, and a second look at the connection.
const END: Duration = Duration::from_millis(60_050);

/// How much a connection holds that its client has not read.
const CAPACITY: usize = 4 * 1024;

/// Sends without an end.
async fn endless(_request: Request, sse: Sse) -> Result<(), SendError> {
    loop {
        sse.send(&*"x".repeat(1000)).await?;
    }
}

/// Sends an event each second.
async fn ticks(_request: Request, sse: Sse) -> Result<(), SendError> {
    loop {
        sse.send("tick").await?;
        sleep(Duration::from_secs(1)).await;
    }
}

/// By which kind of error a connection has ended, and when.
type End = (Option<io::ErrorKind>, Duration);

/// Returns what notes the ends of connections, and the ends.
fn ended() -> (
    impl FnOnce(hyper::Result<()>) + Clone + Send + 'static,
    mpsc::UnboundedReceiver<End>,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let start = Instant::now();
    let end = move |result: hyper::Result<()>| {
        let kind = result.err().and_then(|error| {
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                if let Some(error) = error.downcast_ref::<io::Error>() {
                    return Some(error.kind());
                }
                source = error.source();
            }
            None
        });
        sender.send((kind, start.elapsed())).expect("a receiver");
    };
    (end, receiver)
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";

#[track_caller]
fn assert_ended(end: Option<End>) {
    let (kind, elapsed) = end.expect("an end");
    assert_eq!(kind, Some(io::ErrorKind::TimedOut));
    let late = elapsed.saturating_sub(END);
    assert!(
        elapsed >= END && late < Duration::from_millis(5),
        "{elapsed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_of_http_1_that_takes_nothing_is_ended_by_either_kind_of_io() {
    let (end, mut ends) = ended();
    let (mut client, server) = duplex(CAPACITY);
    client.write_all(REQUEST).await.expect("sent");
    let io = WriteTimeout::new(TokioIo::new(server), TIME);
    let connection = http1::Builder::new().serve_connection(io, with_sse(endless));
    let first = end.clone();
    tokio::spawn(async { first(connection.await) });

    let (mut other, server) = duplex(CAPACITY);
    other.write_all(REQUEST).await.expect("sent");
    let io = TokioIo::new(WriteTimeout::new(server, TIME));
    let connection = http1::Builder::new().serve_connection(io, with_sse(endless));
    tokio::spawn(async { end(connection.await) });

    assert_ended(ends.recv().await);
    assert_ended(ends.recv().await);
    drop((client, other));
}

#[tokio::test(start_paused = true)]
async fn a_client_of_http_2_that_takes_nothing_is_ended_with_all_its_streams() {
    let (end, mut ends) = ended();
    let (client, server) = duplex(CAPACITY);
    let io = WriteTimeout::new(TokioIo::new(server), TIME);
    let connection =
        http2::Builder::new(TokioExecutor::new()).serve_connection(io, with_sse(ticks));
    tokio::spawn(async { end(connection.await) });

    let client = Stopping::new(client);
    let stop = client.stop.clone();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client));
    let (mut requests, connection) = handshake.await.expect("a connection");
    tokio::spawn(connection);
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let request = http::Request::get("http://test/").body(Empty::<Bytes>::new());
        let response = requests.send_request(request.expect("a request")).await;
        bodies.push(response.expect("a response").into_body());
    }
    // Each tick is read for two minutes, and nothing from then on.
    sleep(2 * TIME).await;
    assert!(ends.try_recv().is_err());
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let (kind, elapsed) = ends.recv().await.expect("an end");
    assert_eq!(kind, Some(io::ErrorKind::TimedOut));
    assert!(elapsed > 2 * TIME + END, "{elapsed:?}");
    drop(bodies);
}

/// A connection of which nothing is read from some time on.
struct Stopping {
    io: DuplexStream,
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Stopping {
    fn new(io: DuplexStream) -> Self {
        Self {
            io,
            stop: std::sync::Arc::default(),
        }
    }
}

impl AsyncRead for Stopping {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stop.load(std::sync::atomic::Ordering::Relaxed) {
            return Poll::Pending;
        }
        std::pin::Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stopping {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_and_a_silent_stream_are_not_ended() {
    async fn silent(_request: Request, sse: Sse) {
        sse.closed().await;
    }
    let (end, mut ends) = ended();
    let (mut slow, server) = duplex(CAPACITY);
    slow.write_all(REQUEST).await.expect("sent");
    let io = WriteTimeout::new(TokioIo::new(server), TIME);
    let connection = http1::Builder::new().serve_connection(io, with_sse(endless));
    let first = end.clone();
    tokio::spawn(async { first(connection.await) });

    let (mut idle, server) = duplex(CAPACITY);
    idle.write_all(REQUEST).await.expect("sent");
    let options = sse_hyper::SseOptions::new().without_keep_alive();
    let service = with_sse(silent).options(options);
    let io = WriteTimeout::new(TokioIo::new(server), TIME);
    let connection = http1::Builder::new().serve_connection(io, service);
    tokio::spawn(async { end(connection.await) });

    // A byte a minute, almost.
    for _ in 0..100 {
        slow.read_u8().await.expect("more");
        sleep(TIME - Duration::from_secs(1)).await;
    }
    assert!(ends.try_recv().is_err());
    // Until it takes nothing.
    let before = Instant::now();
    let (kind, _) = ends.recv().await.expect("an end");
    assert_eq!(kind, Some(io::ErrorKind::TimedOut));
    assert!(before.elapsed() <= END);
    drop(idle);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_looks_at_the_connection_before_it_ends_it() {
    let mut cx = Context::from_waker(Waker::noop());
    let (mut client, server) = duplex(8);
    let mut io = WriteTimeout::new(server, TIME);
    let write = |io: &mut WriteTimeout<DuplexStream>, cx: &mut Context<'_>| {
        AsyncWrite::poll_write(std::pin::Pin::new(io), cx, b"12345678")
    };
    assert!(matches!(write(&mut io, &mut cx), Poll::Ready(Ok(8))));
    assert!(write(&mut io, &mut cx).is_pending());
    // The time has passed while nothing ran. The client has taken all meanwhile, but the wake-up comes
    // after the timer's.
    advance(100 * TIME).await;
    assert!(write(&mut io, &mut cx).is_pending());
    client.read_exact(&mut [0; 8]).await.expect("eight bytes");
    advance(Duration::from_secs(1)).await;
    assert!(matches!(write(&mut io, &mut cx), Poll::Ready(Ok(8))));
    // And the time begins anew.
    assert!(write(&mut io, &mut cx).is_pending());
    advance(TIME - Duration::from_millis(1)).await;
    assert!(write(&mut io, &mut cx).is_pending());
}

/// Each kind of I/O that waits is limited, and none that does not.
#[tokio::test(start_paused = true)]
async fn flushing_and_closing_are_limited_as_well() {
    struct Stuck;

    impl Read for Stuck {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
            _: hyper::rt::ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl Write for Stuck {
        fn poll_write(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    let is_timeout =
        |result: io::Result<()>| result.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
    let mut io = WriteTimeout::new(Stuck, TIME);
    let start = Instant::now();
    let flushed = std::future::poll_fn(|cx| Write::poll_flush(std::pin::Pin::new(&mut io), cx));
    assert!(is_timeout(flushed.await));
    assert_eq!(start.elapsed().as_secs(), TIME.as_secs());

    let mut io = WriteTimeout::new(Stuck, TIME);
    let start = Instant::now();
    let closed = std::future::poll_fn(|cx| Write::poll_shutdown(std::pin::Pin::new(&mut io), cx));
    assert!(is_timeout(closed.await));
    assert_eq!(start.elapsed().as_secs(), TIME.as_secs());
}
