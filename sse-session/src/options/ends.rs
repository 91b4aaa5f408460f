//! How a stream ends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sse_codec::{Encode, EncodeError, Event, Frame};

use super::{SseOptions, encode};
use crate::limiter::Permit;
use crate::shutdown::Shutdown;

impl SseOptions {
    /// Ends open streams when `signal` is given: a [`CancellationToken`](crate::CancellationToken),
    /// or any future, as [`Shutdown::when(future)`](Shutdown::when). What was sent before still goes
    /// out, the handlers are dropped, and the responses end as complete ones.
    ///
    /// Without it, a server's graceful shutdown waits until the handlers of open streams have
    /// returned. Given twice, either ends the streams.
    pub fn shutdown(mut self, signal: impl Into<Shutdown>) -> Self {
        let signal = signal.into();
        self.shutdown = Some(match self.shutdown.take() {
            Some(other) => other.or(signal),
            None => signal,
        });
        self
    }

    /// Ends a stream that is shut down with this reconnection time, for instance so that clients do
    /// not reconnect before a server that restarts is up. See [`Event::retry`] on rounding.
    pub fn retry_on_shutdown(mut self, reconnection_time: Duration) -> Self {
        // With a blank line, as several clients drop a last line without one.
        let line = encode(Event::new().retry(reconnection_time));
        Arc::make_mut(&mut self.ends).retry_on_shutdown = [&*line, b"\n"].concat().into();
        self
    }

    /// Ends a stream after about `duration`, at some time in its last tenth, so that streams that
    /// were opened together do not all come back together. The time counts from the first poll.
    ///
    /// The stream ends as on a [shutdown](Self::shutdown): what was sent before still goes out, the
    /// handler is dropped, and the response ends as a complete one. There is no closing
    /// reconnection time, as the client is to come back at once, and no
    /// [end event](Self::end_event), as this is not the end of the content. An `EventSource`
    /// reconnects by itself and resumes with its last event ID; other clients must do the same, so
    /// this is for streams that can be resumed.
    ///
    /// It is for proxies that cut a stream at a fixed age (Varnish, Traffic Server, envoy) or keep
    /// an old process for as long as its longest stream (nginx, haproxy), and for rights that
    /// expire: the request that follows is checked again.
    ///
    /// The timer is tokio's, as for [`keep_alive`](Self::keep_alive). A stream whose client takes
    /// nothing is not polled, and ends when the client takes something again.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sse_session::SseOptions;
    ///
    /// // Each stream ends after 54 to 60 minutes.
    /// let options = SseOptions::new().max_age(Duration::from_secs(3600));
    /// # let _ = options;
    /// ```
    pub fn max_age(mut self, duration: Duration) -> Self {
        Arc::make_mut(&mut self.ends).max_age = Some(duration);
        self
    }

    /// Has the streams of these options hold a permit of a [`Limiter`](crate::Limiter), which is returned
    /// when the last of them is dropped, and with it the options. This is for the options of one
    /// stream: what is sent may wait for the client longer than its handler runs, and the permit is
    /// held as long as anything of the stream is.
    ///
    /// ```
    /// use futures_util::StreamExt as _;
    /// use sse_session::{LimitReached, Limiter, SendError, Sse, SseOptions, SseStream};
    ///
    /// async fn hello(sse: Sse) -> Result<(), SendError> {
    ///     sse.send("hello").await
    /// }
    ///
    /// # fn main() -> Result<(), LimitReached> {
    /// let limiter = Limiter::new(1_000, 6);
    /// let permit = limiter.try_acquire("ada")?;
    /// let stream = SseStream::new(&SseOptions::new().permit(permit), None, hello);
    /// assert_eq!(limiter.open(), 1);
    /// drop(stream);
    /// assert_eq!(limiter.open(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn permit(mut self, permit: Permit) -> Self {
        Arc::make_mut(&mut self.ends).permit = Some(permit);
        self
    }

    /// Sends `event` when a handler fails, which is when it returns an error or panics, as the last
    /// thing before the stream is cut.
    ///
    /// Not every client sees the cut: an `EventSource` reconnects after a cut as after a complete
    /// response, and many proxies turn the one into the other (nginx and lighttpd as installed,
    /// haproxy and Varnish over HTTP/2, h2o). An event passes all of them. It is a quarter of a second
    /// ahead of the cut, as some proxies, and `fetch` in browsers, drop what arrives together with
    /// a cut. The timer for this is tokio's: without a runtime whose time driver is enabled, tokio
    /// panics when a handler fails, as it does for [`keep_alive`](Self::keep_alive).
    ///
    /// The event is encoded here, within the limits that were set before. It goes out even if the
    /// buffer is full. It should have no id, since a client resumes after the last id that it has
    /// received, and a name of its own other than `error`, which browsers also give to lost
    /// connections.
    ///
    /// ```
    /// use sse_session::{EncodeError, Event, SseOptions};
    ///
    /// let options = SseOptions::new()
    ///     .failure_event(Event::new().event("failed").data("try again later"))?
    ///     .end_event(Event::new().event("end").data("[DONE]"))?;
    /// # let _ = options;
    /// # Ok::<(), EncodeError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the event cannot be encoded.
    pub fn failure_event(mut self, event: impl Encode) -> Result<Self, EncodeError> {
        let event = self.encode_last(event)?;
        Arc::make_mut(&mut self.ends).failure_event = event;
        Ok(self)
    }

    /// Sends `event` at the end of the content: when the handler has returned without an error and
    /// the last handle is dropped.
    ///
    /// A client that has received it knows that nothing is missing. A page closes its `EventSource`
    /// then, which otherwise reconnects after every end. Other ends in order are not the end of the
    /// content and have no such event: a [shutdown](Self::shutdown), the
    /// [age limit](Self::max_age), [`Sse::close`](crate::Sse::close), before which an application
    /// can send what it wants, and a handler in which a subscription of `sse-hub` that it `serve`s
    /// has ended by itself: the hub has shut down, or the client was too slow.
    ///
    /// To `sse_stream` and `forward`, the end of their stream is the end of the content, whatever
    /// the stream is: a subscription that is sent in these ways has the event.
    ///
    /// See [`failure_event`](Self::failure_event) for how the event is encoded and sent, and for an
    /// example.
    ///
    /// # Errors
    ///
    /// When the event cannot be encoded.
    pub fn end_event(mut self, event: impl Encode) -> Result<Self, EncodeError> {
        let event = self.encode_last(event)?;
        Arc::make_mut(&mut self.ends).end_event = event;
        Ok(self)
    }

    fn encode_last(&self, event: impl Encode) -> Result<Bytes, EncodeError> {
        Frame::with_encoder(&self.encoder(), event).map(Frame::into_bytes)
    }
}
