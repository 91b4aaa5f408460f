//! The event source as a stream of everything that it does.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use crate::error::Error;
use crate::event_source::EventSource;
use crate::update::Update;

impl EventSource {
    /// Reports every step, including comments, reconnection times and lost connections: for logs
    /// and tools.
    ///
    /// ```no_run
    /// # #[cfg(feature = "client")]
    /// # async fn read() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::TryStreamExt as _;
    /// use sse_eventsource::{EventSource, Update};
    ///
    /// let mut updates = EventSource::get("https://example.com/ticks").build()?.into_updates();
    /// while let Some(update) = updates.try_next().await? {
    ///     match update {
    ///         Update::Open(head) => eprintln!("open: {}", head.status),
    ///         Update::Event(event) => println!("{}", event.data()),
    ///         Update::Disconnected { error, delay } => eprintln!("{error:?}, again in {delay:?}"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_updates(mut self) -> Updates {
        self.report_all(true);
        Updates(self)
    }
}

/// The stream of all [`Update`]s of an event source, made by [`EventSource::into_updates`].
///
/// Ends as the event source does, and yields `None` from then on. An error is the last item;
/// errors that are retried are in [`Update::Disconnected`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Updates(EventSource);

impl Updates {
    /// Returns the event source, for its state.
    pub fn event_source(&self) -> &EventSource {
        &self.0
    }

    /// Turns this back into a stream of events. Nothing is lost.
    pub fn into_inner(mut self) -> EventSource {
        self.0.report_all(false);
        self.0
    }

    /// Connects again, see [`EventSource::restart`].
    pub fn restart(&mut self) {
        self.0.restart();
    }

    /// Closes the connection for good, see [`EventSource::close`].
    pub fn close(&mut self) {
        self.0.close();
    }
}

impl Stream for Updates {
    type Item = Result<Update, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_update(cx)
    }
}

impl FusedStream for Updates {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}
