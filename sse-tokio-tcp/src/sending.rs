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

pub(crate) struct Sending {
    events: SseBody,
    /// The response's head, until it goes out with the first events.
    before: Vec<u8>,
    watch: Watch,
    framing: Framing,
    /// What the client has not taken yet. Mostly there is none, so it is not part of this.
    rest: Option<Box<Writing<Piece>>>,
    /// What comes after that.
    end: Option<Result<(), ConnectionError>>,
}

impl Sending {
    /// A response with this head; an event stream ends when `stop` is given.
    pub(crate) fn new(head: Vec<u8>, content: Content, framing: Framing, stop: &Shutdown) -> Self {
        let mut sending = Self {
            events: SseBody::empty(),
            before: Vec::new(),
            watch: Watch::new(),
            framing,
            rest: None,
            end: None,
        };
        match content {
            Content::Events(events) => {
                sending.before = head;
                sending.events = events;
                sending.events.shut_down_on(stop);
            }
            Content::Full(bytes) => sending.send_all(head, bytes),
            Content::Empty => sending.send_all(head, Bytes::new()),
        }
        sending
    }

    fn send_all(&mut self, head: Vec<u8>, body: Bytes) {
        let piece = wire::piece(head, body, self.framing, false);
        self.rest = Some(Box::new(Writing::new(piece)));
        self.end = Some(Ok(()));
    }

    /// How the end of the body is told.
    pub(crate) const fn framing(&self) -> Framing {
        self.framing
    }

    /// Ready when all is sent, or it cannot be. Each time that the client takes nothing, it has
    /// `limit` to take some.
    pub(crate) fn poll<I, T>(
        &mut self,
        io: &mut I,
        cx: &mut Context<'_>,
        limit: Duration,
    ) -> Poll<Result<(), ConnectionError>>
    where
        I: AsyncRead + AsyncWrite + Unpin,
        T: Transport<I>,
    {
        // Whether this task will be woken when there are more events.
        let mut is_settled = false;
        // Only once each time, for nothing counts these, and the task must make way for others.
        let mut at_once = true;
        loop {
            if let Some(rest) = &mut self.rest {
                ready!(rest.poll(io, cx, limit))?;
                self.rest = None;
            }
            if let Some(end) = self.end.take() {
                return Poll::Ready(end);
            }
            let next = if is_settled {
                Poll::Pending
            } else {
                Pin::new(&mut self.events).poll_next(cx)
            };
            is_settled = self.events.is_settled();
            let mut written = 0;
            let body = match next {
                Poll::Ready(Some(Ok(piece))) => {
                    if self.events.has_ended() {
                        self.end = Some(Ok(()));
                    } else if take(&mut at_once) && self.before.is_empty() {
                        let mut room = [0; SMALL];
                        if let Some(whole) = wire::together(&piece, self.framing, &mut room) {
                            written = T::try_write(io, whole)?;
                            if written == whole.len() {
                                continue;
                            }
                        }
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
                Poll::Pending if self.watch.is_waiting() && T::is_quiet(io) => {
                    return Poll::Pending;
                }
                Poll::Pending => match ready!(self.watch.poll(io, cx)) {
                    Notice::Probe => PROBE,
                    Notice::Gone(error) => return Poll::Ready(Err(error.into())),
                },
            };
            let before = take(&mut self.before);
            let complete = matches!(self.end, Some(Ok(())));
            let mut piece = wire::piece(before, body, self.framing, complete);
            piece.advance(written);
            let mut writing = Writing::new(piece);
            match writing.poll(io, cx, limit) {
                Poll::Ready(done) => done?,
                Poll::Pending => {
                    self.rest = Some(Box::new(writing));
                    return Poll::Pending;
                }
            }
        }
    }
}
