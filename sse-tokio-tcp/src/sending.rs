//! Sending a response: what it consists of, piece by piece, while the client is watched.
//!
//! It is a state machine made by hand and not an async function, for it is what an open stream
//! consists of, and an async function has its arguments twice and its values side by side.

use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures_core::Stream as _;
use sse_session::{Shutdown, SseBody};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::Content;
use crate::connection::ConnectionError;
use crate::transport::Transport;
use crate::watch::{Notice, Watch};
use crate::wire::{self, Framing, Piece, SMALL, Writing};

/// What a connection that may be gone is sent; clients ignore comments.
const PROBE: Bytes = Bytes::from_static(b": keep-alive\n\n");

/// What is written before the next event.
enum PendingWrite {
    /// The head of the response, which is written together with the first events.
    Head(Vec<u8>),
    /// What the client has not accepted yet, and the result of the response if nothing follows.
    Rest(Writing<Piece>, Option<Result<(), ConnectionError>>),
}

impl PendingWrite {
    /// A complete response whose content is known.
    fn complete(head: Vec<u8>, body: Bytes, framing: Framing) -> Self {
        let piece = wire::piece(head, body, framing, false);
        Self::Rest(Writing::new(piece), Some(Ok(())))
    }
}

pub(crate) struct Sending<I> {
    io: I,
    framing: Framing,
    is_done: bool,
    /// Boxed, because there is none while events are written as they come.
    pending: Option<Box<PendingWrite>>,
    events: SseBody,
    watch: Watch,
}

impl<I> Sending<I>
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    /// A response on this connection, with this head; an event stream ends when `stop` is given.
    pub(crate) fn new(
        io: I,
        head: Vec<u8>,
        content: Content,
        framing: Framing,
        stop: &Shutdown,
    ) -> Self {
        let mut events = SseBody::empty();
        let pending = match content {
            Content::Events(body) => {
                events = body;
                events.shutdown_on(stop);
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
            watch: Watch::new(),
        }
    }

    /// How the end of the body is marked.
    pub(crate) const fn framing(&self) -> Framing {
        self.framing
    }

    /// Returns the connection, once the response is written or has failed.
    pub(crate) fn into_io(self) -> I {
        self.io
    }

    /// Completes when the response is written or cannot be. Whenever the client accepts nothing,
    /// it has `limit` to accept at least one byte.
    pub(crate) fn poll<T: Transport<I>>(
        &mut self,
        cx: &mut Context<'_>,
        limit: Duration,
    ) -> Poll<Result<(), ConnectionError>> {
        if self.is_done {
            return Poll::Ready(Ok(()));
        }
        let result = ready!(self.poll_write::<T>(cx, limit));
        self.is_done = true;
        Poll::Ready(result)
    }

    fn poll_write<T: Transport<I>>(
        &mut self,
        cx: &mut Context<'_>,
        limit: Duration,
    ) -> Poll<Result<(), ConnectionError>> {
        let Self {
            io,
            framing,
            pending,
            events,
            watch,
            ..
        } = self;
        let framing = *framing;
        if let Some(PendingWrite::Rest(rest, end)) = pending.as_deref_mut() {
            ready!(rest.poll(io, cx, limit))?;
            let end = end.take();
            *pending = None;
            if let Some(end) = end {
                return Poll::Ready(end);
            }
        }
        // Whether this task will be woken when there are more events.
        let mut is_settled = false;
        // Only once each time, for nothing counts these, and the task must make way for others.
        let mut at_once = true;
        loop {
            let next = if is_settled {
                Poll::Pending
            } else {
                Pin::new(&mut *events).poll_next(cx)
            };
            is_settled = events.is_settled();
            let mut end = None;
            let mut written = 0;
            let body = match next {
                Poll::Ready(Some(Ok(piece))) => {
                    if events.has_ended() {
                        end = Some(Ok(()));
                    } else if take(&mut at_once) && pending.is_none() {
                        let mut room = [0; SMALL];
                        if let Some(whole) = wire::together(&piece, framing, &mut room) {
                            written = T::try_write(io, whole)?;
                            if written == whole.len() {
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
                // The head goes out with the first events if there are any, else alone.
                Poll::Pending if pending.is_some() => Bytes::new(),
                Poll::Pending if watch.is_waiting() && T::is_quiet(io) => {
                    return Poll::Pending;
                }
                Poll::Pending => match watch.poll(io, cx) {
                    Poll::Ready(Notice::Probe) => PROBE,
                    Poll::Ready(Notice::Gone(error)) => return Poll::Ready(Err(error.into())),
                    Poll::Pending => return Poll::Pending,
                },
            };
            let head = match pending.take().map(|pending| *pending) {
                Some(PendingWrite::Head(head)) => head,
                _ => Vec::new(),
            };
            let complete = matches!(end, Some(Ok(())));
            let mut piece = wire::piece(head, body, framing, complete);
            piece.advance(written);
            let mut writing = Writing::new(piece);
            match writing.poll(io, cx, limit) {
                Poll::Ready(done) => done?,
                Poll::Pending => {
                    *pending = Some(Box::new(PendingWrite::Rest(writing, end)));
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
    use std::io;
    use std::sync::Mutex;
    use std::task::Waker;

    use http::HeaderMap;
    use sse_session::{SendError, Sse, sse_response};
    use tokio::io::ReadBuf;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::transport::Unknown;

    /// A client that is silent, and of each piece takes so many bytes at once.
    struct Client {
        at_once: usize,
        /// How many it takes of what is written then; none if it is full.
        at_a_time: usize,
        taken: Mutex<Vec<u8>>,
    }

    impl Client {
        fn take(&self, bytes: &[u8]) -> usize {
            self.taken.lock().unwrap().extend_from_slice(bytes);
            bytes.len()
        }
    }

    impl AsyncRead for Client {
        fn poll_read(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            _bytes: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Client {
        fn poll_write(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            match bytes.len().min(self.at_a_time) {
                0 => Poll::Pending,
                len => Poll::Ready(Ok(self.take(&bytes[..len]))),
            }
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    enum Tried {}

    impl Transport<Client> for Tried {
        fn reset(_io: &Client) {}

        fn try_write(io: &Client, bytes: &[u8]) -> io::Result<usize> {
            Ok(io.take(&bytes[..bytes.len().min(io.at_once)]))
        }

        fn is_quiet(_io: &Client) -> bool {
            true
        }
    }

    async fn send_three(_: HeaderMap, sse: Sse) -> Result<(), SendError> {
        for text in ["one", "two", "three"] {
            sse.send(text).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn send(client: Client, head: &[u8], framing: Framing) -> Sending<Client> {
        let body = sse_response(HeaderMap::new(), send_three).into_body();
        let stop = CancellationToken::new().into();
        let content = Content::Events(body);
        Sending::new(client, head.to_vec(), content, framing, &stop)
    }

    #[tokio::test]
    async fn what_is_not_taken_at_once_follows() {
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
            for at_once in 0..20 {
                let client = Client {
                    at_once,
                    // Not all of it here either.
                    at_a_time: 5,
                    taken: Mutex::default(),
                };
                let mut sending = send(client, b"HEAD", framing);
                let limit = Duration::from_secs(1);
                std::future::poll_fn(|cx| sending.poll::<Tried>(cx, limit))
                    .await
                    .unwrap();
                let taken = sending.into_io().taken.into_inner().unwrap();
                assert_eq!(String::from_utf8(taken).unwrap(), expected, "{at_once}");
            }
        }
    }

    #[test]
    fn a_client_that_takes_nothing_of_what_is_tried_is_waited_for() {
        let full = Client {
            at_once: 0,
            at_a_time: 0,
            taken: Mutex::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let _guard = runtime.enter();
        let mut sending = send(full, b"", Framing::Chunked);
        let limit = Duration::from_secs(1);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(sending.poll::<Unknown>(&mut cx, limit).is_pending());
        let failed = runtime.block_on(std::future::poll_fn(|cx| {
            sending.poll::<Unknown>(cx, limit)
        }));
        assert!(
            matches!(failed, Err(ConnectionError::Io(error)) if error.kind() == io::ErrorKind::TimedOut)
        );
    }
}
