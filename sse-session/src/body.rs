//! The event stream as an `http_body::Body`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};

use crate::error::HandlerError;
use crate::handler_result::IntoHandlerResult;
use crate::options::SseOptions;
use crate::shutdown::Shutdown;
use crate::stream::SseStream;

/// How many bytes a server is given before it has a turn to write: two buffers of the default
/// size. Twice as much leaves the cache, half as much has it change too often between connections.
const TURN: usize = 2 * SseOptions::DEFAULT_BUFFER_SIZE;

/// The body of a response that streams events, for every server that takes an
/// [`http_body::Body`].
///
/// It runs the handler while it is polled; dropping it drops the handler.
#[must_use = "bodies do nothing unless polled"]
pub struct SseBody {
    open: Option<Pin<Box<dyn Running + Send>>>,
    /// How many bytes the server has taken since there was nothing for it.
    taken: usize,
}

/// An [`SseStream`], whatever its handler is.
trait Running: Stream<Item = Result<Bytes, HandlerError>> {
    fn has_ended(&self) -> bool;
    fn is_settled(&self) -> bool;
    fn shutdown(&self);
    fn shutdown_on(self: Pin<&mut Self>, signal: &Shutdown);
}

impl<F> Running for SseStream<F>
where
    F: Future,
    F::Output: IntoHandlerResult,
{
    fn has_ended(&self) -> bool {
        self.has_ended()
    }

    fn is_settled(&self) -> bool {
        self.is_settled()
    }

    fn shutdown(&self) {
        self.shutdown_handle().shutdown();
    }

    fn shutdown_on(self: Pin<&mut Self>, signal: &Shutdown) {
        self.shutdown_on(signal);
    }
}

impl SseBody {
    /// A body that streams what the handler of `stream` sends.
    pub fn new<F>(stream: SseStream<F>) -> Self
    where
        F: Future + Send + 'static,
        F::Output: IntoHandlerResult,
    {
        Self {
            open: Some(Box::pin(stream)),
            taken: 0,
        }
    }

    /// A body without content, for responses that have none.
    pub const fn empty() -> Self {
        Self {
            open: None,
            taken: 0,
        }
    }

    /// Whether nothing comes any more. It is known with the last piece already where the handler
    /// has returned, and the last handle gone, by then.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.open.is_none()
    }

    /// Whether there is nothing more before the task is woken that has polled the body last, see
    /// [`SseStream::is_settled`].
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.is_settled())
    }

    /// Ends the stream, see [`ShutdownHandle::shutdown`](crate::ShutdownHandle::shutdown). The
    /// body must be polled on to its end.
    pub fn shutdown(&self) {
        if let Some(open) = &self.open {
            open.shutdown();
        }
    }

    /// Ends the stream when `signal` is given, see [`SseStream::shutdown_on`]. The body must be
    /// polled on to its end.
    pub fn shutdown_on(&mut self, signal: &Shutdown) {
        if let Some(open) = &mut self.open {
            open.as_mut().shutdown_on(signal);
        }
    }
}

impl SseBody {
    #[inline(always)]
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, HandlerError>>> {
        let Some(open) = &mut self.open else {
            return Poll::Ready(None);
        };
        let next = ready!(open.as_mut().poll_next(cx));
        // With the last piece already, where that is known to be the last: a server can then send
        // the end of the body along with it.
        if !matches!(next, Some(Ok(_))) || open.has_ended() {
            self.open = None;
        }
        Poll::Ready(next)
    }
}

/// The body's bytes without the turns that [`poll_frame`](Body::poll_frame) gives a server, for
/// servers that write every piece before they ask for the next.
impl Stream for SseBody {
    type Item = Result<Bytes, HandlerError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_piece(cx)
    }
}

impl Body for SseBody {
    type Data = Bytes;
    type Error = HandlerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HandlerError>>> {
        if self.taken >= TURN {
            // A server like hyper goes on to ask until there is nothing, and only then writes: a
            // handler that sends without a pause would have it collect many buffers, none of
            // which is in the processor's cache by the time that it is written. So there is
            // nothing, once, after each `TURN`.
            self.taken = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.poll_piece(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.taken += bytes.len();
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Poll::Ready(last) => Poll::Ready(last.map(|result| result.map(Frame::data))),
            Poll::Pending => {
                self.taken = 0;
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended()
    }

    fn size_hint(&self) -> SizeHint {
        if self.open.is_none() {
            SizeHint::with_exact(0)
        } else {
            SizeHint::default()
        }
    }
}

impl fmt::Debug for SseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseBody")
            .field("ended", &self.open.is_none())
            .finish_non_exhaustive()
    }
}
