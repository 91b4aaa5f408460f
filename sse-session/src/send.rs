//! The future of one send.
//!
//! It is a future made by hand and not an async function: while there is room it is ready at
//! once, and that path is short enough to become part of the handler that awaits it. Handlers
//! wait here for long, and there may be many of them, so it holds no more than it needs either.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use sse_codec::Encode;
use tokio::sync::futures::Notified;

use crate::error::SendError;
use crate::pipe::{Offer, Pipe};

pin_project! {
    /// Offers an event until it is taken or cannot be.
    pub(crate) struct Send<'a, E> {
        pipe: &'a Pipe,
        event: E,
        // Present while there is no room.
        #[pin]
        room: Option<Notified<'a>>,
    }
}

impl<'a, E: Encode> Send<'a, E> {
    #[inline]
    pub(crate) fn new(pipe: &'a Pipe, event: E) -> Self {
        Self {
            pipe,
            event,
            room: None,
        }
    }

    /// Waits for room, and offers the event each time that there may be some.
    #[inline(never)]
    fn wait(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut this = self.project();
        loop {
            if let Some(room) = this.room.as_mut().as_pin_mut() {
                ready!(room.poll(cx));
            }
            // Before the offer: what happens in between must not be missed.
            this.room.set(Some(this.pipe.room()));
            match this.pipe.offer(this.event) {
                Ok(Offer::Taken) => return Poll::Ready(Ok(())),
                Ok(Offer::Closed) => return Poll::Ready(Err(SendError::Closed)),
                Ok(Offer::Full) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl<E: Encode> Future for Send<'_, E> {
    type Output = Result<(), SendError>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.room.is_none() {
            match self.pipe.offer(&self.event) {
                Ok(Offer::Taken) => return Poll::Ready(Ok(())),
                Ok(Offer::Closed) => return Poll::Ready(Err(SendError::Closed)),
                Ok(Offer::Full) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        self.wait(cx)
    }
}
