//! Which writes of a connection are deferred, and that those of many streams leave together.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::client::conn::http2 as client;
use hyper::server::conn::http2 as server;
use hyper_util::rt::{TokioExecutor, TokioIo};
use sse_hyper::{CoalescedWrites, SendError, Sse, with_sse};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, duplex};
use tokio::sync::broadcast;

/// Counts the calls that write, and those that flush.
struct Counting<I> {
    io: I,
    writes: Arc<AtomicUsize>,
}

impl<I: AsyncRead + Unpin> AsyncRead for Counting<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Counting<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection into the void, and what its task would do with it.
struct Task {
    io: CoalescedWrites<tokio::io::Sink>,
    woken: Arc<Woken>,
}

impl Task {
    fn new() -> Self {
        Self {
            io: CoalescedWrites::new(tokio::io::sink()),
            woken: Arc::default(),
        }
    }

    /// Writes so many bytes. Returns whether the write is deferred, which wakes the task once.
    fn defers(&mut self, len: usize) -> bool {
        let before = self.woken.0.load(Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut cx = Context::from_waker(&waker);
        let bytes = vec![0; len];
        let written = Pin::new(&mut self.io).poll_write_vectored(&mut cx, &[IoSlice::new(&bytes)]);
        let woken = self.woken.0.load(Ordering::Relaxed) - before;
        assert_eq!(woken, usize::from(written.is_pending()));
        written.is_pending()
    }

    fn flush(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut self.io).poll_flush(&mut cx).is_ready());
    }

    /// Writes what no other stream adds anything to. Returns whether that is deferred.
    fn defers_alone(&mut self) -> bool {
        let defers = self.defers(100);
        if defers {
            assert!(!self.defers(100));
        }
        self.flush();
        defers
    }
}

#[test]
fn a_write_is_deferred_as_long_as_others_add_to_it() {
    let mut task = Task::new();
    for _ in 0..3 {
        assert!(task.defers(100));
        assert!(task.defers(200));
        assert!(task.defers(300));
        assert!(!task.defers(300));
        // The rest of it.
        assert!(!task.defers(100));
        task.flush();
        // What follows was worthwhile to defer, and is again.
        assert!(task.defers(100));
        assert!(task.defers(150));
        assert!(!task.defers(16 * 1024), "that is enough");
        task.flush();
    }
}

#[test]
fn a_long_write_is_not_deferred() {
    let mut task = Task::new();
    assert!(!task.defers(16 * 1024));
    task.flush();
    assert!(task.defers(16 * 1024 - 1));
}

#[test]
fn without_other_streams_one_write_of_64_is_deferred_in_the_end() {
    let mut task = Task::new();
    let deferred = (0..1_000).filter(|_| task.defers_alone()).count();
    assert_eq!(deferred, 6 + (1_000 - 63) / 64);
    // Others come, and all is as at the beginning.
    while !task.defers(100) {
        task.flush();
    }
    assert!(task.defers(200));
    assert!(!task.defers(200));
    task.flush();
    assert!(task.defers_alone());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_event_for_a_hundred_streams_of_a_connection_is_a_few_writes() {
    const STREAMS: usize = 100;
    const OPENING: &[u8] = b":\n";
    let (client_io, server_io) = duplex(1024 * 1024);
    let writes = Arc::new(AtomicUsize::new(0));
    let (events, _) = broadcast::channel::<&str>(16);
    let subscribers = events.clone();
    let service = with_sse(move |_request, sse: Sse| {
        let mut events = subscribers.subscribe();
        async move {
            while let Ok(event) = events.recv().await {
                sse.send(event).await?;
            }
            Ok::<_, SendError>(())
        }
    });
    let io = Counting {
        io: server_io,
        writes: Arc::clone(&writes),
    };
    let io = TokioIo::new(CoalescedWrites::new(io));
    tokio::spawn(server::Builder::new(TokioExecutor::new()).serve_connection(io, service));
    let connected = client::handshake(TokioExecutor::new(), TokioIo::new(client_io)).await;
    let (requests, connection) = connected.expect("connected");
    tokio::spawn(connection);
    let mut bodies = join_all((0..STREAMS).map(|_| {
        let mut requests = requests.clone();
        async move {
            let request = Request::get("http://localhost/").body(Empty::<Bytes>::new());
            let response = requests.send_request(request.expect("a request")).await;
            response.expect("a response").into_body()
        }
    }))
    .await;
    while events.receiver_count() < STREAMS {
        tokio::task::yield_now().await;
    }
    for event in ["one", "two", "three"] {
        let before = writes.load(Ordering::Relaxed);
        events.send(event).expect("subscribers");
        for body in &mut bodies {
            let mut data = Bytes::from_static(OPENING);
            while data == OPENING {
                let frame = body.frame().await.expect("a frame").expect("no error");
                data = frame.into_data().expect("data");
            }
            assert_eq!(data, format!("data: {event}\n\n"));
        }
        let count = writes.load(Ordering::Relaxed) - before;
        assert!(count <= STREAMS / 4, "{count} writes");
    }
}
