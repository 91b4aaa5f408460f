//! The handle that a handler sends with.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use sse_codec::{Encode, Event};

use crate::error::{SendError, TrySendError};
use crate::pipe::{Offer, Pipe};
use crate::send::SendEvent;

/// Sends events to one client.
///
/// A handler is given one of these. It is cheap to clone and can be moved to other tasks; the
/// stream ends when the handler has returned and the last handle is gone, or at
/// [`close`](Self::close).
///
/// ```
/// use std::time::Duration;
///
/// use sse_session::{Event, SendError, Sse};
///
/// async fn greet<R>(_request: R, sse: Sse) -> Result<(), SendError> {
///     // an unnamed event with text
///     sse.send("hello").await?;
///     // a named event with an id
///     sse.send(Event::new().event("greeting").id("1").data("hello")).await?;
///     // anything that serializes, as JSON
///     sse.send(Event::new().json(["a", "b"])).await?;
///     // a reconnection time
///     sse.send(Event::new().retry(Duration::from_secs(5))).await
/// }
/// ```
pub struct Sse {
    pipe: Arc<Pipe>,
}

impl Sse {
    /// The pipe's first handle; its count begins at one.
    pub(crate) fn first(pipe: Arc<Pipe>) -> Self {
        Self { pipe }
    }

    /// Sends an event: text, bytes, JSON, an [`Event`], or a [`Frame`](crate::Frame) encoded
    /// before.
    ///
    /// The event is encoded into the connection's buffer at once while that is below its
    /// high-water mark (see [`SseOptions::buffer_size`](crate::SseOptions::buffer_size)). Above it,
    /// `send` waits until the client has taken some: that is the back-pressure.
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] if the event cannot be encoded; nothing of it is sent, and the
    /// stream goes on. [`SendError::Closed`] if the client is gone or the stream has ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it resolves, the event was not sent.
    #[inline]
    pub fn send<E: Encode>(&self, event: E) -> impl Future<Output = Result<(), SendError>> {
        SendEvent::new(&self.pipe, event)
    }

    /// Sends an event if the buffer has room, without waiting.
    ///
    /// ```
    /// use sse_session::{Sse, TrySendError};
    ///
    /// fn offer(sse: &Sse, price: f64) -> Result<(), TrySendError> {
    ///     match sse.try_send(sse_session::Display(price)) {
    ///         // A slow client may miss one: the next price is more interesting anyway.
    ///         Err(TrySendError::Full) => Ok(()),
    ///         other => other,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] where [`send`](Self::send) would wait; otherwise as there.
    pub fn try_send(&self, event: impl Encode) -> Result<(), TrySendError> {
        match self.pipe.offer(&event)? {
            Offer::Taken => Ok(()),
            Offer::Full => Err(TrySendError::Full),
            Offer::Closed => Err(TrySendError::Closed),
        }
    }

    /// Sends events that are encoded already, as one piece and as a rule without copying it: the
    /// bytes are shared with whoever else holds them, and become a piece of the response's body
    /// as they are. What sends the same to many clients builds on this.
    ///
    /// The bytes are trusted to be whole events, as a [`Frame`](crate::Frame) holds one: they are
    /// neither checked nor held to [`SseOptions::max_event_len`](crate::SseOptions::max_event_len). One
    /// such piece waits for the client at a time, beside what the buffer holds.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_session::{Frame, SendError, Sse};
    ///
    /// async fn replay(sse: Sse, history: Bytes) -> Result<(), SendError> {
    ///     sse.send_encoded(history).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if the client is gone or the stream has ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it resolves, nothing was sent.
    pub async fn send_encoded(&self, mut events: Bytes) -> Result<(), SendError> {
        match self.pipe.offer_encoded(&mut events) {
            Offer::Taken => return Ok(()),
            Offer::Closed => return Err(SendError::Closed),
            Offer::Full => {}
        }
        loop {
            // Before the offer: what happens in between must not be missed.
            let room = self.pipe.room();
            match self.pipe.offer_encoded(&mut events) {
                Offer::Taken => return Ok(()),
                Offer::Closed => return Err(SendError::Closed),
                Offer::Full => room.await,
            }
        }
    }

    /// [`send_encoded`](Self::send_encoded) without waiting. What was sent is no longer in
    /// `events`; what was not still is.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_session::{Sse, TrySendError};
    ///
    /// fn offer(sse: &Sse, mut latest: Bytes) -> Option<Bytes> {
    ///     match sse.try_send_encoded(&mut latest) {
    ///         // For later: a slow client has room for one such piece at a time.
    ///         Err(TrySendError::Full) => Some(latest),
    ///         _ => None,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] where [`send_encoded`](Self::send_encoded) would wait;
    /// [`TrySendError::Closed`] as there.
    #[inline]
    pub fn try_send_encoded(&self, events: &mut Bytes) -> Result<(), TrySendError> {
        match self.pipe.offer_encoded(events) {
            Offer::Taken => Ok(()),
            Offer::Full => Err(TrySendError::Full),
            Offer::Closed => Err(TrySendError::Closed),
        }
    }

    /// Sends a comment, which clients ignore.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub async fn comment(&self, text: &str) -> Result<(), SendError> {
        self.send(Event::new().comment(text)).await
    }

    /// The last event ID that the client sent: where it wants to go on after a reconnect.
    ///
    /// It is the value of the `Last-Event-ID` header (HTML § 9.2.4). `None` on a first
    /// connection, when the last id was the empty one, and when the header is not UTF-8. A query
    /// parameter of the same name is not looked at; a handler that wants to support one reads it
    /// from its request.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        self.pipe.last_event_id()
    }

    /// Ends the stream after what was sent so far. The handler is dropped, and handles
    /// elsewhere get [`SendError::Closed`].
    pub fn close(&self) {
        self.pipe.close(b"");
    }

    /// Resolves when the stream has ended: the client is gone, the server shuts down, the handler
    /// failed, or the stream was closed.
    ///
    /// A handler does not need it, for it is dropped at that point; a handle in another task does.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and called again at any time.
    pub async fn closed(&self) {
        self.pipe.closed().await;
    }

    /// Whether the stream has ended, see [`closed`](Self::closed).
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.pipe.is_closed()
    }
}

impl Clone for Sse {
    fn clone(&self) -> Self {
        self.pipe.add_handle();
        Self {
            pipe: Arc::clone(&self.pipe),
        }
    }
}

impl Drop for Sse {
    fn drop(&mut self) {
        self.pipe.drop_handle();
    }
}

impl fmt::Debug for Sse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sse")
            .field("last_event_id", &self.last_event_id())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
