//! The writer over a client in memory.

use std::future::poll_fn;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use http::HeaderMap;
use sse_session::{BoxError, SendError, Sse, sse_response};
use tokio::io::ReadBuf;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::transport::Unknown;

const TIMEOUT: Duration = Duration::from_secs(1);

/// A client that sends nothing and accepts a limited number of bytes for each write.
struct Client {
    /// The limit of a direct write.
    max_direct: usize,
    /// The limit of a polled write, which is pending if this is 0.
    max_polled: usize,
    received: Mutex<Vec<u8>>,
    direct_writes: AtomicUsize,
    polled_writes: AtomicUsize,
    reads: AtomicUsize,
}

impl Client {
    fn new(max_direct: usize, max_polled: usize) -> Self {
        Self {
            max_direct,
            max_polled,
            received: Mutex::default(),
            direct_writes: AtomicUsize::new(0),
            polled_writes: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
        }
    }

    fn receive(&self, bytes: &[u8]) -> usize {
        self.received.lock().unwrap().extend_from_slice(bytes);
        bytes.len()
    }

    fn received(self) -> String {
        String::from_utf8(self.received.into_inner().unwrap()).unwrap()
    }
}

impl AsyncRead for Client {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Poll::Pending
    }
}

impl AsyncWrite for Client {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.polled_writes.fetch_add(1, Ordering::Relaxed);
        match bytes.len().min(self.max_polled) {
            0 => Poll::Pending,
            len => Poll::Ready(Ok(self.receive(&bytes[..len]))),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A transport that writes directly.
enum Direct {}

impl Transport<Client> for Direct {
    type Accepted = Client;

    fn reset(_io: &Client) {}

    fn try_write(io: &Client, bytes: &[u8]) -> io::Result<usize> {
        io.direct_writes.fetch_add(1, Ordering::Relaxed);
        Ok(io.receive(&bytes[..bytes.len().min(io.max_direct)]))
    }

    fn may_be_readable(_io: &Client) -> bool {
        false
    }
}

async fn send_three(_: HeaderMap, sse: Sse) -> Result<(), SendError> {
    for text in ["one", "two", "three"] {
        sse.send(text).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

async fn fail(_: HeaderMap, sse: Sse) -> Result<(), BoxError> {
    sse.send("one").await?;
    Err("a failure for this test".into())
}

fn writer(client: Client, head: &str, body: SseBody, framing: Framing) -> ResponseWriter<Client> {
    let content = Content::Events(body);
    let shutdown = CancellationToken::new().into();
    ResponseWriter::new(client, head.into(), content, framing, &shutdown)
}

#[tokio::test]
async fn what_is_not_accepted_at_once_follows() {
    for (framing, expected) in [
        (
            Framing::Chunked,
            "HEADb\r\ndata: one\n\n\r\nb\r\ndata: two\n\n\r\nd\r\ndata: three\n\n\r\n0\r\n\r\n",
        ),
        (
            Framing::Close,
            "HEADdata: one\n\ndata: two\n\ndata: three\n\n",
        ),
    ] {
        for max_direct in 0..20 {
            let body = sse_response(HeaderMap::new(), send_three).into_body();
            let mut writer = writer(Client::new(max_direct, 5), "HEAD", body, framing);
            poll_fn(|cx| writer.poll::<Direct>(cx, TIMEOUT))
                .await
                .unwrap();
            assert_eq!(writer.into_io().received(), expected, "{max_direct}");
        }
    }
}

#[tokio::test]
async fn an_event_takes_one_direct_write_and_no_read() {
    let send_ten = async |_: HeaderMap, sse: Sse| {
        for text in ["event"; 10] {
            sse.send(text).await?;
            tokio::task::yield_now().await;
        }
        Ok::<_, SendError>(())
    };
    let body = sse_response(HeaderMap::new(), send_ten).into_body();
    let mut writer = writer(Client::new(100, 100), "HEAD", body, Framing::Chunked);
    poll_fn(|cx| writer.poll::<Direct>(cx, TIMEOUT))
        .await
        .unwrap();
    let client = writer.into_io();
    assert_eq!(client.direct_writes.load(Ordering::Relaxed), 9);
    // The head with the first event, and the last chunk.
    assert_eq!(client.polled_writes.load(Ordering::Relaxed), 2);
    assert_eq!(client.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_head_and_the_comment_that_opens_a_silent_stream_are_one_write() {
    let body = sse_response(HeaderMap::new(), async |_: HeaderMap, sse: Sse| {
        sse.closed().await;
    });
    let mut writer = writer(
        Client::new(100, 100),
        "HEAD",
        body.into_body(),
        Framing::Chunked,
    );
    let mut cx = Context::from_waker(Waker::noop());
    assert!(writer.poll::<Direct>(&mut cx, TIMEOUT).is_pending());
    let client = writer.into_io();
    assert_eq!(client.direct_writes.load(Ordering::Relaxed), 0);
    assert_eq!(client.polled_writes.load(Ordering::Relaxed), 1);
    assert_eq!(client.received(), "HEAD2\r\n:\n\r\n");
}

#[tokio::test]
async fn a_writer_that_is_polled_after_its_end_writes_nothing_more() {
    for (handler_fails, expected) in [
        (false, "d\r\ndata: three\n\n\r\n0\r\n\r\n"),
        (true, "b\r\ndata: one\n\n\r\n1\r\n"),
    ] {
        let body = if handler_fails {
            sse_response(HeaderMap::new(), fail).into_body()
        } else {
            sse_response(HeaderMap::new(), send_three).into_body()
        };
        let client = Client::new(20, 20);
        let mut writer = writer(client, "HEAD", body, Framing::Chunked);
        let result = poll_fn(|cx| writer.poll::<Direct>(cx, TIMEOUT)).await;
        assert_eq!(result.is_err(), handler_fails);
        for _ in 0..3 {
            let again = poll_fn(|cx| writer.poll::<Direct>(cx, TIMEOUT)).await;
            assert!(again.is_ok());
        }
        let received = writer.into_io().received();
        assert!(received.ends_with(expected), "{received:?}");
    }
}

#[test]
fn a_client_that_accepts_nothing_is_given_up_after_the_timeout() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let _guard = runtime.enter();
    let body = sse_response(HeaderMap::new(), send_three).into_body();
    let mut writer = writer(Client::new(0, 0), "", body, Framing::Chunked);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(writer.poll::<Unknown<_>>(&mut cx, TIMEOUT).is_pending());
    let failed = runtime.block_on(poll_fn(|cx| writer.poll::<Unknown<_>>(cx, TIMEOUT)));
    assert!(
        matches!(failed, Err(ConnectionError::Io(error)) if error.kind() == io::ErrorKind::TimedOut)
    );
}
