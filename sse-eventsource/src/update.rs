//! What becomes of an event source, beside its events: the standard's states, and everything that
//! happens on the way.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use http::response::Parts;
use sse_codec::ReceivedEvent;

use crate::error::Error;
use crate::event_source::EventSource;

/// The state of an event source, the standard's `readyState` (HTML § 9.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadyState {
    /// There is no connection, but there will be one: an attempt is under way, or the next one
    /// is waited for.
    Connecting,
    /// The stream is open.
    Open,
    /// There is no connection and there will be none.
    Closed,
}

/// Something that happened to an event source; see [`EventSource::into_updates`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// An attempt begins.
    Connecting {
        /// Which one it is since a stream was open and healthy, from 1.
        attempt: u32,
    },
    /// The stream is open: the head of the response.
    Open(Box<Parts>),
    /// An event was received.
    Event(ReceivedEvent),
    /// A comment was received.
    Comment(String),
    /// The server has set the reconnection time. [`Backoff`](crate::Backoff) limits it.
    Retry(Duration),
    /// The connection is gone, and the next attempt follows.
    Disconnected {
        /// Why, or `None` if the stream came to its end in order.
        error: Option<Error>,
        /// In what time.
        delay: Duration,
    },
}

/// An event source with all that happens to it, made by [`EventSource::into_updates`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Updates(pub(crate) EventSource);

impl Updates {
    /// The event source, for its states.
    pub fn event_source(&self) -> &EventSource {
        &self.0
    }

    /// Connects again, see [`EventSource::restart`].
    pub fn restart(&mut self) {
        self.0.restart();
    }

    /// Closes it, see [`EventSource::close`].
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
