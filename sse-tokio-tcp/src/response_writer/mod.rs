//! Writes a response, piece by piece, and watches the client meanwhile.
//!
//! This is a state machine written by hand rather than an async function. It is what an open
//! stream consists of, and an async function would hold its arguments twice.

#[cfg(test)]
mod tests;

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
use crate::framing::{FramedPiece, Framing, INLINE_SIZE, Next, frame_inline};
use crate::peer_monitor::{PeerEvent, PeerMonitor};
use crate::transport::Transport;
use crate::write_all::WriteAll;

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
        let piece = FramedPiece::new(head, body, framing, Next::Piece);
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

    /// Completes when the whole response is written, or all of one whose handler failed. Further calls
    /// return `Ok`.
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
                    PeerEvent::ProbeNeeded => self.events.probe(),
                    PeerEvent::Gone(error) => return Poll::Ready(Err(error.into())),
                },
            };
            let head = match self.pending.take().map(|pending| *pending) {
                Some(PendingWrite::Head(head)) => head,
                Some(PendingWrite::Rest(..)) | None => Vec::new(),
            };
            let next = match end {
                None => Next::Piece,
                Some(Ok(())) => Next::End,
                Some(Err(_)) => Next::Failure,
            };
            let mut piece = FramedPiece::new(head, body, framing, next);
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
