//! The event source: a state machine that runs while it is read.
//!
//! ```text
//!     build
//!       |
//!       v    read                           204; error that is not retried
//! +-> Idle --------> Connecting -----------------------------------------------+
//! |                   |      |                                                 |
//! |             error |      | 200, text/event-stream                          |
//! |                   |      v                                                 v
//! |                   |    Open -------------------------------------------> Closed
//! |                   |      |       last event; error that is not retried;    ^
//! |                   |      |       end, unless `Reconnect::Always`           |
//! |                   |      |                                                 |
//! |                   |      | end; error; idle timeout; restart()             |
//! |                   v      v                                                 |
//! +----------------- Waiting --------------------------------------------------+
//!   delay elapsed                       close(), in any state
//! ```
//!
//! `readyState` (HTML § 9.2.2) is 1 in `Open`, 2 in `Closed` and 0 in the others. In the terms of
//! the standard, `Connecting` to `Open` is "announce the connection", to `Waiting` is "reestablish
//! the connection", and to `Closed` on an error is "fail the connection". `restart()` enters
//! `Waiting` by way of `Restarting`: the connection is closed at once, the timer starts with the
//! next read.

mod steps;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_core::stream::FusedStream;
use http::Request;
use http::response::Parts;
use sse_codec::{Decoder, ReceivedEvent};
use tokio::time::Sleep;

use crate::attempt::Attempted;
use crate::boxed::BoxFuture;
use crate::error::Error;
use crate::open::Open;
use crate::request_body::RequestBody;
use crate::resumption::Resumption;
use crate::settings::{Reconnect, Settings};
use crate::transport::Transport;
use crate::update::{ReadyState, Update};

/// A reconnecting stream of events (HTML § 9.2).
///
/// Yields events. Lost connections are made again without being reported, see
/// [`Backoff`](crate::Backoff) and [`EventSourceBuilder::retry_if`]; an error is the last item, and
/// is one that is not retried. [`into_updates`](Self::into_updates) reports everything.
///
/// ```no_run
/// # #[cfg(feature = "client")]
/// # async fn read() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::TryStreamExt as _;
/// use sse_eventsource::EventSource;
///
/// let mut events = EventSource::get("https://example.com/ticks").build()?;
/// while let Some(event) = events.try_next().await? {
///     println!("{}: {}", event.event(), event.data());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # The end
///
/// The stream ends when the server answers 204, at the event that
/// [`EventSourceBuilder::end_if`] or [`end_after`](crate::EventSourceBuilder::end_after) recognizes, after [`close`](Self::close), after an error, and
/// where [`Reconnect`](crate::Reconnect) says so. From then on it yields `None`, however often it is polled.
///
/// An end in order does not mean that the stream is complete: many proxies make one out of a lost
/// connection. Where a protocol has a last event, name it with [`EventSourceBuilder::end_if`]; a
/// stream that is not resumed and ends without it is [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
///
/// # Cancel safety
///
/// Nothing is lost when the future of one item is dropped: an attempt that is under way continues
/// with the next read.
///
/// # Back-pressure
///
/// Nothing is spawned. Data that is not read is not received. A stream that is dropped or closed
/// closes its connection immediately.
///
/// # Panics
///
/// The timers are tokio's: read it within a tokio runtime whose time driver is enabled.
///
/// [`EventSourceBuilder::end_if`]: crate::EventSourceBuilder::end_if
/// [`EventSourceBuilder::retry_if`]: crate::EventSourceBuilder::retry_if
#[must_use = "streams do nothing unless polled"]
pub struct EventSource {
    request: Request<()>,
    body: RequestBody,
    settings: Arc<Settings>,
    decoder: Decoder,
    phase: Phase,
    /// The HTTP stack, unless the current attempt holds it.
    transport: Option<Box<dyn Transport>>,
    /// How many attempts in a row did not lead to a healthy stream.
    failures: u32,
    resumption: Resumption,
    reconnect: Reconnect,
    /// The id that the first attempt was given.
    initial_id: String,
    /// The request has become GET, see `EventSourceBuilder::resume_with_get`.
    has_switched: bool,
}

enum Phase {
    /// The next read starts an attempt.
    Idle,
    Connecting(BoxFuture<'static, Attempted>),
    Open(Box<Open>),
    /// [`EventSource::restart`] closed the connection. The next read starts the wait.
    Restarting,
    Waiting(Pin<Box<Sleep>>),
    Closed,
}

impl EventSource {
    pub(crate) fn new(
        request: Request<RequestBody>,
        settings: Settings,
        decoder: Decoder,
        transport: Box<dyn Transport>,
    ) -> Self {
        let (head, body) = request.into_parts();
        let initial_id = decoder.last_event_id().to_owned();
        Self {
            request: Request::from_parts(head, ()),
            body,
            reconnect: settings.reconnect,
            settings: Arc::new(settings),
            decoder,
            phase: Phase::Idle,
            transport: Some(transport),
            failures: 0,
            resumption: Resumption::default(),
            initial_id,
            has_switched: false,
        }
    }

    /// Returns the state. It changes only when the stream is read, restarted or closed.
    #[must_use]
    pub fn ready_state(&self) -> ReadyState {
        match self.phase {
            Phase::Idle | Phase::Connecting(_) | Phase::Restarting | Phase::Waiting(_) => {
                ReadyState::Connecting
            }
            Phase::Open(_) => ReadyState::Open,
            Phase::Closed => ReadyState::Closed,
        }
    }

    /// Returns the last event ID, with which the next attempt resumes the stream. It is empty if
    /// there is none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.decoder.last_event_id()
    }

    /// Returns the reconnection time, if the server has set one.
    #[must_use]
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.decoder.reconnection_time()
    }

    /// Connects, and returns the head of the response before the first event is read: `None` if the
    /// stream has ended, or was open before.
    ///
    /// A relay can thus answer its own client with an error when the stream cannot be had. Errors
    /// that are retried are not reported here either: see
    /// [`max_attempts`](crate::EventSourceBuilder::max_attempts).
    ///
    /// ```no_run
    /// # #[cfg(feature = "client")]
    /// # async fn read() -> Result<(), Box<dyn std::error::Error>> {
    /// use sse_eventsource::EventSource;
    ///
    /// let mut events = EventSource::post("https://llm.example/v1/answers").build()?;
    /// if let Some(response) = events.opened().await? {
    ///     println!("{:?}", response.headers.get("x-request-id"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error that ends the stream.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: the attempt continues with the next read.
    pub async fn opened(&mut self) -> Result<Option<Box<Parts>>, Error> {
        // The head is not kept: it would keep the buffer that it was read from.
        while matches!(self.ready_state(), ReadyState::Connecting) {
            match poll_fn(|cx| self.poll_update(cx)).await {
                Some(Ok(Update::Open(head))) => return Ok(Some(head)),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => break,
            }
        }
        Ok(None)
    }

    /// Returns what was received of an event that its stream has cut, until the next stream is
    /// open: see [`Decoder::incomplete_event`]. It is not yielded (HTML § 9.2.6).
    #[must_use]
    pub fn incomplete_event(&self) -> Option<ReceivedEvent> {
        self.decoder.incomplete_event()
    }

    /// Closes the connection and makes another one, as if the server had ended the stream: after
    /// the reconnection time, with the last event ID, and whatever [`Reconnect`](crate::Reconnect) says.
    ///
    /// Does nothing unless the stream is open: in any other state another attempt follows anyway,
    /// or none ever will.
    pub fn restart(&mut self) {
        if matches!(self.phase, Phase::Open(_)) {
            self.phase = Phase::Restarting;
        }
    }

    /// Closes the connection for good. The stream ends.
    pub fn close(&mut self) {
        self.phase = Phase::Closed;
        self.transport = None;
    }

    /// Sets whether comments and reconnection times are reported as updates.
    pub(crate) fn report_all(&mut self, report: bool) {
        let decoder = std::mem::take(&mut self.decoder);
        self.decoder = decoder.report_comments(report).report_retry(report);
    }
}

impl Stream for EventSource {
    type Item = Result<ReceivedEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(self.poll_update(cx)) {
                Some(Ok(Update::Event(event))) => return Poll::Ready(Some(Ok(event))),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl FusedStream for EventSource {
    fn is_terminated(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }
}

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("method", self.request.method())
            .field("url", &format_args!("{}", self.shown_url()))
            .field("body", &self.body)
            .field("ready_state", &self.ready_state())
            .field("last_event_id", &self.last_event_id())
            .field("reconnection_time", &self.reconnection_time())
            .field("failures", &self.failures)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
