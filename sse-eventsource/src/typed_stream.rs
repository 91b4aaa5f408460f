//! The event source as a stream of values of a serde enum.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use serde::de::DeserializeOwned;
use sse_codec::TypedError;

use crate::error::{Error, ErrorKind};
use crate::event_source::EventSource;

impl EventSource {
    /// Yields the events as values of a serde enum: the variant is the event's name, its content
    /// the JSON data. See [`ReceivedEvent::typed`](crate::ReceivedEvent::typed).
    ///
    /// An event that does not match is [`ErrorKind::Typed`], after which the stream continues.
    ///
    /// ```no_run
    /// # #[cfg(feature = "client")]
    /// # async fn read() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::TryStreamExt as _;
    /// use sse_eventsource::EventSource;
    ///
    /// #[derive(serde::Deserialize)]
    /// #[serde(rename_all = "snake_case")]
    /// enum Message {
    ///     Delta(String),
    ///     Stop { reason: String },
    /// }
    ///
    /// let source = EventSource::get("https://example.com/answer").build()?;
    /// let mut messages = source.typed::<Message>();
    /// while let Some(message) = messages.try_next().await? {
    ///     match message {
    ///         Message::Delta(text) => print!("{text}"),
    ///         Message::Stop { reason } => println!(" ({reason})"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn typed<T: DeserializeOwned>(self) -> TypedEvents<T> {
        TypedEvents {
            events: self,
            skips_unknown: false,
            value: PhantomData,
        }
    }
}

/// The events of an event source as values of a serde enum, made by [`EventSource::typed`].
///
/// Ends as the event source does, and yields `None` from then on. Of the errors, only
/// [`ErrorKind::Typed`] is not the last item.
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct TypedEvents<T> {
    events: EventSource,
    skips_unknown: bool,
    value: PhantomData<fn() -> T>,
}

impl<T> TypedEvents<T> {
    /// Skips events whose name is no variant, as protocols ask that add events later. An event named
    /// `error` is not skipped: if there is no variant for it, it is an [`ErrorKind::Typed`] as
    /// before, so that a failure is not taken for silence.
    ///
    /// ```
    /// # use sse_eventsource::EventSource;
    /// #[derive(serde::Deserialize)]
    /// #[serde(rename_all = "snake_case")]
    /// enum Message {
    ///     Delta(String),
    /// }
    ///
    /// fn messages(source: EventSource) -> sse_eventsource::TypedEvents<Message> {
    ///     source.typed().skip_unknown()
    /// }
    /// # let _ = messages;
    /// ```
    pub fn skip_unknown(mut self) -> Self {
        self.skips_unknown = true;
        self
    }

    /// Returns the event source, for its state.
    pub fn event_source(&self) -> &EventSource {
        &self.events
    }

    /// Turns this back into a stream of untyped events. Nothing is lost.
    pub fn into_inner(self) -> EventSource {
        self.events
    }

    /// Connects again, see [`EventSource::restart`].
    pub fn restart(&mut self) {
        self.events.restart();
    }

    /// Closes the connection for good, see [`EventSource::close`].
    pub fn close(&mut self) {
        self.events.close();
    }
}

impl<T: DeserializeOwned> Stream for TypedEvents<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(event) = ready!(Pin::new(&mut self.events).poll_next(cx)) else {
                return Poll::Ready(None);
            };
            match event?.typed() {
                Ok(value) => return Poll::Ready(Some(Ok(value))),
                Err(TypedError::UnknownEvent { event, .. })
                    if self.skips_unknown && event.event() != "error" => {}
                Err(error) => {
                    let kind = ErrorKind::Typed(Box::new(error));
                    return Poll::Ready(Some(Err(self.events.error(kind))));
                }
            }
        }
    }
}

impl<T: DeserializeOwned> FusedStream for TypedEvents<T> {
    fn is_terminated(&self) -> bool {
        self.events.is_terminated()
    }
}
