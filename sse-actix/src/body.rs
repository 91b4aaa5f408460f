//! An event stream as an actix `MessageBody`.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use futures_core::stream::{LocalBoxStream, Stream};
use sse_session::HandlerError;

/// The body of a response that streams events.
///
/// It runs the handler while it is polled. Dropping it drops the handler.
#[must_use = "bodies do nothing unless polled"]
pub struct SseBody {
    stream: Option<LocalBoxStream<'static, Result<Bytes, HandlerError>>>,
    /// Of a body without a stream.
    size: BodySize,
}

impl SseBody {
    pub(crate) fn new(stream: impl Stream<Item = Result<Bytes, HandlerError>> + 'static) -> Self {
        Self {
            stream: Some(Box::pin(stream)),
            size: BodySize::None,
        }
    }

    /// No body, in answer to `HEAD` or with a status that has none.
    pub(crate) const fn empty() -> Self {
        Self {
            stream: None,
            size: BodySize::None,
        }
    }

    /// A body of no bytes, whose length the response states.
    pub(crate) const fn of_no_bytes() -> Self {
        Self {
            stream: None,
            size: BodySize::Sized(0),
        }
    }
}

impl MessageBody for SseBody {
    type Error = HandlerError;

    fn size(&self) -> BodySize {
        if self.stream.is_some() {
            BodySize::Stream
        } else {
            self.size
        }
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, HandlerError>>> {
        match &mut self.stream {
            Some(stream) => stream.as_mut().poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}

impl fmt::Debug for SseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseBody")
            .field("empty", &self.stream.is_none())
            .finish_non_exhaustive()
    }
}
