//! The handle that a handler sends with.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use sse_codec::{Encode, Event};

use crate::error::{SendAllError, SendError, TrySendError};
#[cfg(feature = "gzip")]
use crate::gzip::SharedPiece;
use crate::pipe::Pipe;
use crate::send::{Retry, SendAll, SendEvent, send_while_room};

/// Sends events to one client.
///
/// A handler is given one. It is cheap to clone and can be moved to other tasks. The stream ends when
/// the handler has returned and the last handle is dropped, or at [`close`](Self::close).
///
/// The code of an event (a `Serialize` implementation) or of an iterator of events may use the stream
/// that it is sent on. What it sends comes before the event, or before the events that are sent
/// together with it.
///
/// ```
/// use std::time::Duration;
///
/// use sse_session::{Event, SendError, Sse};
///
/// async fn greet<R>(_request: R, sse: Sse) -> Result<(), SendError> {
///     // a reconnection time, in front of the next event
///     sse.send(Event::new().retry(Duration::from_secs(5))).await?;
///     // an unnamed event with text
///     sse.send("hello").await?;
///     // a named event with an id
///     sse.send(Event::new().event("greeting").id("1").data("hello")).await?;
///     // anything that serializes, as JSON
///     sse.send(Event::new().json(["a", "b"])).await
/// }
/// ```
pub struct Sse {
    pipe: Arc<Pipe>,
}

impl Sse {
    /// The first handle of a pipe, which counts one handle from the beginning.
    pub(crate) fn first(pipe: Arc<Pipe>) -> Self {
        Self { pipe }
    }

    pub(crate) fn pipe(&self) -> &Pipe {
        &self.pipe
    }

    /// Sends an event: text, bytes, JSON, an [`Event`], or a [`Frame`](crate::Frame) that was encoded
    /// before.
    ///
    /// The event is encoded into the stream's buffer at once while that is below its high-water mark
    /// (see [`SseOptions::buffer_size`](crate::SseOptions::buffer_size)). Otherwise `send` waits until
    /// the client has taken some: this is the back-pressure.
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] if the event cannot be encoded. Nothing of it is sent, and the stream
    /// goes on. [`SendError::Closed`] if the client is gone or the stream has ended.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it resolves, the event was not sent.
    #[inline]
    pub fn send<E: Encode>(&self, event: E) -> impl Future<Output = Result<(), SendError>> {
        SendEvent::new(&self.pipe, event)
    }

    /// Sends an event that holds a secret, such as a token. Where the stream is
    /// [compressed](crate::SseOptions::compression), the event is not: it is stored as it is, and neither it
    /// nor what was sent before it helps to compress what follows. So no length on the wire depends on what
    /// the secret has in common with other text, see [`guide::compression`](crate::guide::compression).
    ///
    /// Elsewhere this is [`send`](Self::send). With the feature `gzip`.
    ///
    /// ```
    /// use sse_session::{Event, SendError, Sse};
    ///
    /// async fn begin(sse: &Sse, upload_token: &str) -> Result<(), SendError> {
    ///     sse.send_secret(Event::new().event("token").data(upload_token)).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    #[cfg(feature = "gzip")]
    pub async fn send_secret<E: Encode>(&self, event: E) -> Result<(), SendError> {
        let mut retry = pin!(Retry::new(&self.pipe));
        poll_fn(|cx| retry.as_mut().poll(cx, |pipe, _| pipe.offer_secret(&event))).await
    }

    /// Sends several events, as a loop of [`send`](Self::send) does but at less cost: the stream is
    /// locked once for as many as there is room for, not for each event.
    ///
    /// ```
    /// use sse_session::{SendError, Sse};
    ///
    /// async fn replay(sse: Sse, history: Vec<String>) -> Result<(), SendError> {
    ///     sse.send_all(history).await?;
    ///     sse.send("that was all").await
    /// }
    /// ```
    ///
    /// As many events as there is room for are encoded first and then sent together, so an iterator
    /// that takes long for an event delays those before it.
    ///
    /// # Errors
    ///
    /// [`SendError::Encode`] if an event cannot be encoded. Those before it are sent, and none after
    /// it is taken from the iterator. [`SendError::Closed`] if the client is gone or the stream has
    /// ended. In both cases, [`SendAllError::sent`] says how many were sent.
    ///
    /// # Cancel safety
    ///
    /// The future can be dropped at any time. [`SendAll::sent`] says how many events were sent, and no
    /// other was taken from the iterator: pass a `&mut` reference to an iterator to keep the rest.
    /// Only if the stream has ended, some may have been taken that were not sent.
    pub fn send_all<I>(&self, events: I) -> SendAll<'_, I::IntoIter>
    where
        I: IntoIterator,
        I::Item: Encode,
    {
        SendAll::new(&self.pipe, events.into_iter())
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
        self.pipe.offer(&event)
    }

    /// Sends as many of several events as the buffer has room for, without waiting.
    ///
    /// Events that are not sent are not taken from the iterator: pass a `&mut` reference to an iterator
    /// to keep them. [`SendAllError::sent`] says how many were sent.
    ///
    /// ```
    /// use std::vec;
    ///
    /// use sse_session::{Sse, TrySendError};
    ///
    /// /// Sends what there is room for, and leaves the rest for later.
    /// fn offer(sse: &Sse, lines: &mut vec::IntoIter<String>) -> Result<(), TrySendError> {
    ///     match sse.try_send_all(lines) {
    ///         Err(error) if matches!(error.error(), TrySendError::Full) => Ok(()),
    ///         result => Ok(result?),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] where [`send_all`](Self::send_all) would wait; otherwise as there. When
    /// the buffer is full after the last event, this is an error too, unless the iterator's
    /// [`size_hint`](Iterator::size_hint) says that nothing is left.
    pub fn try_send_all<I>(&self, events: I) -> Result<(), SendAllError<TrySendError>>
    where
        I: IntoIterator,
        I::Item: Encode,
    {
        let mut sent = 0;
        send_while_room(&self.pipe, &mut events.into_iter(), &mut sent)
            .and_then(|all| all.ok_or(TrySendError::Full))
            .map_err(|error| SendAllError::new(sent, error))
    }

    /// Sends events that are already encoded as one piece, usually without a copy: the bytes stay
    /// shared, and become a piece of the response's body as they are. This is for sending the same
    /// events to many clients.
    ///
    /// The bytes are trusted to be whole events, such as that of a [`Frame`](crate::Frame). They are
    /// not checked, nor limited by [`SseOptions::max_event_len`](crate::SseOptions::max_event_len).
    /// Only one such piece waits for the client at a time, besides what the buffer holds.
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
        let mut retry = pin!(Retry::new(&self.pipe));
        let mut attempt = |pipe: &Pipe, _: &mut Context<'_>| pipe.offer_encoded(&mut events);
        poll_fn(|cx| retry.as_mut().poll(cx, &mut attempt)).await
    }

    /// [`send_encoded`](Self::send_encoded) without waiting. Leaves `events` empty if they were sent,
    /// and unchanged if not.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sse_session::{Sse, TrySendError};
    ///
    /// fn offer(sse: &Sse, mut latest: Bytes) -> Option<Bytes> {
    ///     match sse.try_send_encoded(&mut latest) {
    ///         // For later: there is room for one such piece at a time.
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
        self.pipe.offer_encoded(events)
    }

    /// Whether the stream is compressed, see [`SseOptions::compression`](crate::SseOptions::compression).
    #[cfg(feature = "gzip")]
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.pipe.is_compressed()
    }

    /// [`send_encoded`](Self::send_encoded) for a piece that is compressed once for many streams.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As there.
    #[cfg(feature = "gzip")]
    #[doc(hidden)]
    pub async fn send_shared(&self, piece: Arc<SharedPiece>) -> Result<(), SendError> {
        let mut retry = pin!(Retry::new(&self.pipe));
        let mut attempt = |pipe: &Pipe, _: &mut Context<'_>| pipe.offer_shared(&piece);
        poll_fn(|cx| retry.as_mut().poll(cx, &mut attempt)).await
    }

    /// [`try_send_encoded`](Self::try_send_encoded) for a piece that is compressed once for many streams.
    ///
    /// # Errors
    ///
    /// As there.
    #[cfg(feature = "gzip")]
    #[doc(hidden)]
    pub fn try_send_shared(&self, piece: &Arc<SharedPiece>) -> Result<(), TrySendError> {
        self.pipe.offer_shared(piece)
    }

    /// Sends a comment, which clients ignore: a line without a blank line, as several clients other
    /// than browsers take a blank line for an event.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send).
    pub fn comment(&self, text: &str) -> impl Future<Output = Result<(), SendError>> {
        self.send(Event::new().comment(text))
    }

    /// Returns the last event ID that the client has sent: the event after which it resumes.
    ///
    /// It is the value of the `Last-Event-ID` header (HTML § 9.2.4), see
    /// [`parse_last_event_id`](crate::parse_last_event_id). If there is no such header, it is the value
    /// of the query's parameter `lastEventId`, unless that is
    /// [ignored](crate::SseOptions::without_last_event_id_in_query). `None` on a first connection, and
    /// if the last ID was empty.
    ///
    /// It is a client's string: any text of at most 4 KiB. One that is too long to have been given out
    /// is a single NUL, which is the id of no event, see
    /// [`SseOptions::last_event_id`](crate::SseOptions::last_event_id). An id that an application
    /// does not find is not that of a first connection: the client has missed something.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        self.pipe.last_event_id()
    }

    /// Ends the stream after what was sent so far. The handler is dropped, and sends of other handles
    /// fail with [`SendError::Closed`]. No [end event](crate::SseOptions::end_event) is sent.
    pub fn close(&self) {
        self.pipe.close(b"");
    }

    /// Ends the stream without its [end event](crate::SseOptions::end_event) when the handler returns
    /// and the last handle is dropped. For sources that end before their content does, such as a
    /// subscription of a hub.
    #[doc(hidden)]
    pub fn set_incomplete(&self) {
        self.pipe.set_incomplete();
    }

    /// Resolves when the stream has ended: the client is gone, the server shuts down, the handler
    /// failed, or the stream was closed.
    ///
    /// A handler is dropped at that point and does not need it. It is for handles in other tasks.
    ///
    /// # Cancel safety
    ///
    /// The future can be dropped, and the method called again, at any time.
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
