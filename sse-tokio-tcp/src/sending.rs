//! Sending an event stream: its pieces as they come, while the client is watched.
//!
//! It is a state machine made by hand and not an async function, for it is what an open stream
//! consists of, and an async function has its arguments twice and its values side by side.

use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream as _;
use sse_session::SseBody;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::connection::ConnectionError;
use crate::watch::{Notice, Watch};
use crate::wire::{self, Framing, Piece, Writing};

/// What a connection that may be gone is sent; clients ignore comments.
const PROBE: Bytes = Bytes::from_static(b": keep-alive\n\n");

pub(crate) struct Sending<'a> {
    /// The response's head, until it goes out with the first events.
    before: Vec<u8>,
    events: &'a mut SseBody,
    framing: Framing,
    watch: Watch,
    writing: Option<Writing<Piece>>,
    /// What comes after that.
    end: Option<Result<(), ConnectionError>>,
}

impl<'a> Sending<'a> {
    pub(crate) const fn new(head: Vec<u8>, events: &'a mut SseBody, framing: Framing) -> Self {
        Self {
            before: head,
            events,
            framing,
            watch: Watch::new(),
            writing: None,
            end: None,
        }
    }

    /// Ready when all is sent, or it cannot be. Each time that the client takes nothing, it has
    /// `limit` to take some.
    pub(crate) fn poll<I>(
        &mut self,
        io: &mut I,
        cx: &mut Context<'_>,
        limit: Duration,
    ) -> Poll<Result<(), ConnectionError>>
    where
        I: AsyncRead + AsyncWrite + Unpin,
    {
        // Whether this task will be woken when there are more events.
        let mut is_settled = false;
        loop {
            if let Some(writing) = &mut self.writing {
                ready!(writing.poll(io, cx, limit))?;
                self.writing = None;
            }
            if let Some(end) = self.end.take() {
                return Poll::Ready(end);
            }
            let next = if is_settled {
                Poll::Pending
            } else {
                Pin::new(&mut *self.events).poll_next(cx)
            };
            is_settled = self.events.is_settled();
            let body = match next {
                Poll::Ready(Some(Ok(piece))) => {
                    if self.events.has_ended() {
                        self.end = Some(Ok(()));
                    }
                    piece
                }
                Poll::Ready(Some(Err(error))) => {
                    self.end = Some(Err(ConnectionError::Handler(error)));
                    Bytes::new()
                }
                Poll::Ready(None) => {
                    self.end = Some(Ok(()));
                    Bytes::new()
                }
                // The head goes out with the first events if there are any, else alone.
                Poll::Pending if !self.before.is_empty() => Bytes::new(),
                Poll::Pending => match ready!(self.watch.poll(io, cx)) {
                    Notice::Probe => PROBE,
                    Notice::Gone(error) => return Poll::Ready(Err(error.into())),
                },
            };
            let before = take(&mut self.before);
            let complete = matches!(self.end, Some(Ok(())));
            let piece = wire::piece(before, body, self.framing, complete);
            self.writing = Some(Writing::new(piece));
        }
    }
}
