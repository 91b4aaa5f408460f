//! What an event source reports besides its events: the states of the standard, and the steps
//! between them.

use std::time::Duration;

use http::response::Parts;
use sse_codec::ReceivedEvent;

use crate::error::Error;

/// The state of an event source: the `readyState` of the standard (HTML § 9.2.2), which has these
/// three and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadyState {
    /// There is no connection yet: an attempt is in progress, or the wait before the next one.
    Connecting,
    /// The stream is open.
    Open,
    /// There is no connection, and there will be none.
    Closed,
}

/// A step of an event source; see [`EventSource::into_updates`].
///
/// [`EventSource::into_updates`]: crate::EventSource::into_updates
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// An attempt begins.
    Connecting {
        /// The number of this attempt since a stream was last open and healthy, from 1.
        attempt: u32,
    },
    /// The stream is open: the head of the response.
    Open(Box<Parts>),
    /// An event was received.
    Event(ReceivedEvent),
    /// A comment was received.
    Comment(String),
    /// The stream goes on, but not from where it was: the last event ID is left out from now on, and
    /// events may be missing or come again.
    NotResumed {
        /// The last event ID.
        last_event_id: String,
        /// What the server answered to it, or `None` if it contains a control character, which HTTP
        /// does not allow in a header.
        error: Option<Error>,
    },
    /// The server set the reconnection time. [`Backoff`](crate::Backoff) limits it.
    Retry(Duration),
    /// The connection is gone or was not made, and another attempt follows.
    Disconnected {
        /// The reason, or `None` if the stream ended in order.
        error: Option<Error>,
        /// The time until the next attempt.
        delay: Duration,
    },
}
