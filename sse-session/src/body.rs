//! The event stream as an `http_body::Body`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};
use sync_wrapper::SyncWrapper;

use crate::error::HandlerError;
#[cfg(feature = "gzip")]
use crate::gzip::{EMPTY_BLOCK, GzipStream};
use crate::handler_result::IntoHandlerResult;
use crate::options::SseOptions;
use crate::shutdown::Shutdown;
use crate::stream::SseStream;

/// How many bytes a server is given before it is made to write: two buffers of the default size.
/// Twice as many do not stay in the cache, half as many switch between connections too often.
const TURN: usize = 2 * SseOptions::DEFAULT_BUFFER_SIZE;

/// The body of a response that streams events, for any server that takes an [`http_body::Body`].
///
/// It runs the handler while it is polled. Dropping it drops the handler.
///
/// It is `Send` and `Sync`, although handlers need not be `Sync`: it only lets them be used through
/// an exclusive reference. So it fits where a server or `http-body-util`'s `BoxBody` asks for both.
#[must_use = "bodies do nothing unless polled"]
pub struct SseBody {
    open: Option<SyncWrapper<Pin<Box<dyn Running + Send>>>>,
    /// How many bytes the server has taken since a poll was last pending.
    taken: usize,
}

/// An [`SseStream`] with any handler.
trait Running: Stream<Item = Result<Bytes, HandlerError>> {
    fn has_ended(&self) -> bool;
    fn is_settled(&self) -> bool;
    fn shutdown(&self);
    fn shutdown_on(self: Pin<&mut Self>, signal: &Shutdown);
    fn probe(&self) -> Bytes;
}

/// Implements it by the methods of the same names, and these bytes as the probe.
macro_rules! impl_running {
    ($stream:ident, $probe:expr) => {
        impl<F> Running for $stream<F>
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

            fn probe(&self) -> Bytes {
                Bytes::from_static($probe)
            }
        }
    };
}

// A comment: a blank line after it would be an event to some clients.
impl_running!(SseStream, b": keep-alive\n");
#[cfg(feature = "gzip")]
impl_running!(GzipStream, &EMPTY_BLOCK);

impl SseBody {
    /// Returns a body that streams what the handler of `stream` sends.
    pub fn new<F>(stream: SseStream<F>) -> Self
    where
        F: Future + Send + 'static,
        F::Output: IntoHandlerResult,
    {
        Self {
            open: Some(SyncWrapper::new(Box::pin(stream))),
            taken: 0,
        }
    }

    /// Returns a body that streams what the handler of `stream` sends, compressed.
    #[cfg(feature = "gzip")]
    pub fn gzip<F>(stream: GzipStream<F>) -> Self
    where
        F: Future + Send + 'static,
        F::Output: IntoHandlerResult,
    {
        Self {
            open: Some(SyncWrapper::new(Box::pin(stream))),
            taken: 0,
        }
    }

    /// Returns a body without content.
    pub const fn empty() -> Self {
        Self {
            open: None,
            taken: 0,
        }
    }

    /// Whether the body is known to have ended, see [`SseStream::has_ended`].
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.open.is_none()
    }

    /// See [`SseStream::is_settled`].
    #[doc(hidden)]
    #[must_use]
    pub fn is_settled(&mut self) -> bool {
        let open = self.open.as_mut();
        open.is_some_and(|open| open.get_mut().is_settled())
    }

    /// Returns bytes that clients ignore, for a server that finds out by a write whether its client is gone.
    /// They may be sent once the body was polled, between any two of its pieces.
    #[doc(hidden)]
    #[must_use]
    pub fn probe(&mut self) -> Bytes {
        let open = self.open.as_mut();
        open.map_or_else(Bytes::new, |open| open.get_mut().probe())
    }

    /// Ends the stream, see [`ShutdownHandle::shutdown`](crate::ShutdownHandle::shutdown). Poll the
    /// body to its end.
    pub fn shutdown(&mut self) {
        if let Some(open) = &mut self.open {
            open.get_mut().shutdown();
        }
    }

    /// Ends the stream when `signal` is given, see [`SseStream::shutdown_on`]. Poll the body to its
    /// end.
    pub fn shutdown_on(&mut self, signal: &Shutdown) {
        if let Some(open) = &mut self.open {
            open.get_mut().as_mut().shutdown_on(signal);
        }
    }
}

impl SseBody {
    #[inline(always)]
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, HandlerError>>> {
        let Some(open) = &mut self.open else {
            return Poll::Ready(None);
        };
        let open = open.get_mut();
        let next = ready!(open.as_mut().poll_next(cx));
        // With the last piece, if that is known to be the last: a server can then send the end of
        // the body along with it.
        if !matches!(next, Some(Ok(_))) || open.has_ended() {
            self.open = None;
        }
        Poll::Ready(next)
    }
}

/// The body's bytes without the pauses of [`poll_frame`](Body::poll_frame), for servers that write
/// each piece before they poll for the next.
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
            // hyper polls until a poll is pending, and only then writes. With a handler that sends
            // without a pause it would collect many buffers, none of which is still in the
            // processor's cache when it is written. So a poll is pending after each `TURN`.
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
