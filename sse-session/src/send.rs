//! The future of one send.
//!
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
}

impl<E: Encode> Future for SendEvent<'_, E> {
    type Output = Result<(), SendError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut this = self.project();
        loop {
            if let Some(room) = this.room.as_mut().as_pin_mut() {
                ready!(room.poll(cx));
                this.room.set(None);
            }
            match this.pipe.offer(&*this.event)? {
                Offer::Taken => return Poll::Ready(Ok(())),
                Offer::Closed => return Poll::Ready(Err(SendError::Closed)),
                Offer::Full => {}
            }
            // Before the second offer: what happens in between must not be missed.
            this.room.set(Some(this.pipe.room()));
            match this.pipe.offer(&*this.event)? {
                Offer::Taken => return Poll::Ready(Ok(())),
                Offer::Closed => return Poll::Ready(Err(SendError::Closed)),
                Offer::Full => {}
            }
        }
    }
}
