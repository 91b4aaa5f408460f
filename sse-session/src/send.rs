//! The future of one send.
//!
//! It is a future made by hand and not an async function: while there is room it is ready at
//! once, and that path is short enough to become part of the handler that awaits it. Handlers
//! wait here for long, and there may be many of them, so it holds no more than it needs either.

use std::hint::cold_path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use sse_codec::Encode;
use tokio::sync::futures::Notified;

use crate::error::SendError;
use crate::pipe::{Offer, Pipe};

pin_project! {
    /// Offers an event until it is taken or cannot be.
    pub(crate) struct SendEvent<'a, E> {
        pipe: &'a Pipe,
        event: E,
        // Present while there is no room.
        #[pin]
        room: Option<Notified<'a>>,
    }
}

impl<'a, E: Encode> SendEvent<'a, E> {
    #[inline]
    pub(crate) fn new(pipe: &'a Pipe, event: E) -> Self {
        Self {
            pipe,
            event,
            room: None,
        }
    }

    /// Ready when there may be room again.
    #[inline(never)]
    fn poll_room(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if let Some(room) = this.room.as_mut().as_pin_mut() {
            ready!(room.poll(cx));
            this.room.set(None);
        }
        Poll::Ready(())
    }

    /// Offers the event with all that may stand in its way, until it is taken or this has noted
    /// that it waits. An error comes in a box: one that comes back through memory would be copied
    /// about, or what is there in its place, after each event.
    #[cold]
    #[inline(never)]
    fn wait(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Box<SendError>>> {
        loop {
            let mut this = self.as_mut().project();
            // Before the offer: what happens in between must not be missed.
            this.room.set(Some(this.pipe.room()));
            match this.pipe.offer_to_all(this.event) {
                Ok(Offer::Taken) => return Poll::Ready(Ok(())),
                Ok(Offer::Closed) => return Poll::Ready(Err(Box::new(SendError::Closed))),
                Ok(Offer::Full) => ready!(self.as_mut().poll_room(cx)),
                Err(error) => return Poll::Ready(Err(Box::new(error.into()))),
            }
        }
    }
}

impl<E: Encode> Future for SendEvent<'_, E> {
    type Output = Result<(), SendError>;

    // Always: the compiler takes it for larger than it is, for most of it is seldom needed.
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.room.is_some() {
            cold_path();
            ready!(self.as_mut().poll_room(cx));
        }
        let taken = match self.event.only_text() {
            Some(text) => self.pipe.offer_text(text),
            None => matches!(self.pipe.offer_on_loan(&self.event), Some(Offer::Taken)),
        };
        if taken {
            Poll::Ready(Ok(()))
        } else {
            cold_path();
            self.wait(cx).map_err(|error| *error)
        }
    }
}
