//! Writes a response, piece by piece, and watches the client meanwhile.
//!
//! This is a state machine written by hand rather than an async function. It is what an open
//! stream consists of, and an async function would hold its arguments twice.

use std::mem::{MaybeUninit, take};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_core::Stream as _;
use sse_session::{Shutdown, SseBody};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::body::Content;
use crate::error::ConnectionError;
use crate::framing::{FramedPiece, Framing, INLINE_SIZE, frame_inline};
use crate::peer_monitor::{PeerEvent, PeerMonitor};
use crate::transport::Transport;
use crate::write_all::WriteAll;

/// What is sent to a client that may be gone: a comment, which clients ignore. A blank line after it
/// would be an event to some of them.
const PROBE: Bytes = Bytes::from_static(b": keep-alive\n");

/// What is written before the next event.
enum PendingWrite {
    /// The head of the response, which is written together with the first events.
    Head(Vec<u8>),
    /// What the client has not accepted yet, and the result of the response if this is its end.
    Rest(WriteAll<FramedPiece>, Option<Result<(), ConnectionError>>),
}

impl PendingWrite {
    /// Returns a whole response, whose content is known.
    fn complete(head: Vec<u8>, body: Bytes, framing: Framing) -> Self {
        let piece = FramedPiece::new(head, body, framing, false);
        Self::Rest(WriteAll::new(piece), Some(Ok(())))
    }
}

/// A connection and the response that is written to it.
pub(crate) struct ResponseWriter<I> {
    io: I,
    framing: Framing,
    is_done: bool,
    /// Boxed, as there is none while the client accepts every event at once.
    pending: Option<Box<PendingWrite>>,
    events: SseBody,
    peer: PeerMonitor,
}

impl<I> ResponseWriter<I>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    /// Returns a writer for this head and content. An event stream ends on `shutdown`.
    pub(crate) fn new(
        io: I,
        head: Vec<u8>,
        content: Content,
        framing: Framing,
        shutdown: &Shutdown,
    ) -> Self {
        let mut events = SseBody::empty();
        let pending = match content {
            Content::Events(body) => {
                events = body;
                events.shutdown_on(shutdown);
                PendingWrite::Head(head)
            }
            Content::Full(bytes) => PendingWrite::complete(head, bytes, framing),
            Content::Empty => PendingWrite::complete(head, Bytes::new(), framing),
        };
        Self {
            io,
            framing,
            is_done: false,
            pending: Some(Box::new(pending)),
            events,
            peer: PeerMonitor::new(),
        }
    }

    /// Returns how the end of the body is marked.
    pub(crate) const fn framing(&self) -> Framing {
        self.framing
    }

    /// Returns the connection.
    pub(crate) fn into_io(self) -> I {
        self.io
    }

    /// Completes when the whole response is written. Further calls return `Ok`.
    ///
    /// # Errors
    ///
    /// When the handler failed, the connection is gone, or the client accepts nothing for
    /// `write_timeout`.
    pub(crate) fn poll<T: Transport<I>>(
        &mut self,
        cx: &mut Context<'_>,
        write_timeout: Duration,
    ) -> Poll<Result<(), ConnectionError>> {
        if self.is_done {
            return Poll::Ready(Ok(()));
        }
        let result = ready!(self.poll_write::<T>(cx, write_timeout));
        self.is_done = true;
        Poll::Ready(result)
    }

    fn poll_write<T: Transport<I>>(
        &mut self,
        cx: &mut Context<'_>,
        write_timeout: Duration,
    ) -> Poll<Result<(), ConnectionError>> {
        let framing = self.framing;
        if let Some(PendingWrite::Rest(rest, end)) = self.pending.as_deref_mut() {
            ready!(rest.poll(&mut self.io, cx, write_timeout))?;
            let end = end.take();
            self.pending = None;
            if let Some(end) = end {
                return Poll::Ready(end);
            }
        }
        // Whether this task is woken when there are more events.
        let mut is_settled = false;
        // Direct writes do not count against the task's budget, so there is one for each wake-up.
        let mut may_write_directly = true;
        loop {
            let next = if is_settled {
                Poll::Pending
            } else {
                Pin::new(&mut self.events).poll_next(cx)
            };
            is_settled = self.events.is_settled();
            let mut end = None;
            let mut written = 0;
            let body = match next {
                Poll::Ready(Some(Ok(piece))) => {
                    if self.events.has_ended() {
                        end = Some(Ok(()));
                    } else if take(&mut may_write_directly) && self.pending.is_none() {
                        // Not zeroed, which would take as long as the copy.
                        let mut buffer = [MaybeUninit::uninit(); INLINE_SIZE];
                        let mut buffer = ReadBuf::uninit(&mut buffer);
                        if let Some(framed) = frame_inline(&piece, framing, &mut buffer) {
                            written = T::try_write(&self.io, framed)?;
                            if written == framed.len() {
                                continue;
                            }
                        }
                    }
                    piece
                }
                Poll::Ready(Some(Err(error))) => {
                    end = Some(Err(ConnectionError::Handler(error)));
                    Bytes::new()
                }
                Poll::Ready(None) => {
                    end = Some(Ok(()));
                    Bytes::new()
                }
                // Without events to go with it, the head is written alone.
                Poll::Pending if self.pending.is_some() => Bytes::new(),
                Poll::Pending if self.peer.is_registered() && !T::may_be_readable(&self.io) => {
                    return Poll::Pending;
                }
                Poll::Pending => match ready!(self.peer.poll(&mut self.io, cx)) {
                    PeerEvent::ProbeNeeded => PROBE,
                    PeerEvent::Gone(error) => return Poll::Ready(Err(error.into())),
                },
            };
            let head = match self.pending.take().map(|pending| *pending) {
                Some(PendingWrite::Head(head)) => head,
                Some(PendingWrite::Rest(..)) | None => Vec::new(),
            };
            let is_complete = matches!(end, Some(Ok(())));
            let mut piece = FramedPiece::new(head, body, framing, is_complete);
            piece.advance(written);
            let mut write = WriteAll::new(piece);
            match write.poll(&mut self.io, cx, write_timeout) {
                Poll::Ready(result) => result?,
                Poll::Pending => {
                    self.pending = Some(Box::new(PendingWrite::Rest(write, end)));
                    return Poll::Pending;
                }
            }
            if let Some(end) = end {
                return Poll::Ready(end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use http::HeaderMap;
    use sse_session::{BoxError, SendError, Sse, sse_response};
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

    fn writer(
        client: Client,
        head: &str,
        body: SseBody,
        framing: Framing,
    ) -> ResponseWriter<Client> {
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
    async fn a_writer_that_is_polled_after_its_end_writes_nothing_more() {
        for (handler_fails, expected) in [
            (false, "d\r\ndata: three\n\n\r\n0\r\n\r\n"),
            (true, "b\r\ndata: one\n\n\r\n"),
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
        assert!(writer.poll::<Unknown>(&mut cx, TIMEOUT).is_pending());
        let failed = runtime.block_on(poll_fn(|cx| writer.poll::<Unknown>(cx, TIMEOUT)));
        assert!(
            matches!(failed, Err(ConnectionError::Io(error)) if error.kind() == io::ErrorKind::TimedOut)
        );
    }
}
