//! The event source: a machine of four states that is driven by being read.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use http::{Method, Request};
use sse_codec::{Decoder, ReceivedEvent};
use tokio::time::{Sleep, sleep};

use crate::attempt::{Attempted, Outcome, attempt};
use crate::builder::EventSourceBuilder;
use crate::error::Error;
use crate::idle::Idle;
use crate::open::Open;
use crate::request_body::RequestBody;
use crate::settings::{Reconnect, Settings};
use crate::transport::{BoxFuture, Transport};
#[cfg(feature = "json")]
use crate::typed::TypedEvents;
use crate::update::{ReadyState, Update, Updates};

/// A reconnecting stream of events (HTML § 9.2).
///
/// It yields events. Connections that are lost are made again without a word, see
/// [`Backoff`](crate::Backoff) and [`EventSourceBuilder::retry_if`]; an error is the last item, and is one
/// that is not retried. [`into_updates`](Self::into_updates) tells everything.
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
/// The stream ends when the server answers 204, after the event that
/// [`EventSourceBuilder::end_if`] knows, after [`close`](Self::close), after an error, and where
/// [`Reconnect`] says so.
///
/// # Cancel safety
///
/// Nothing is lost when the future of one item is dropped: an attempt that is under way goes on
/// when the stream is read again.
///
/// # Back-pressure
///
/// Nothing is spawned. What is not read is not received, and a stream that is dropped or closed
/// closes its connection there and then.
///
/// # Panics
///
/// The timers are tokio's: read it within a tokio runtime whose time driver is enabled.
#[must_use = "streams do nothing unless polled"]
pub struct EventSource {
    request: Request<()>,
    body: RequestBody,
    settings: Arc<Settings>,
    decoder: Decoder,
    phase: Phase,
    /// The HTTP stack, unless the attempt under way has it.
    transport: Option<Box<dyn Transport>>,
    /// How many attempts in a row did not lead to a healthy stream.
    failures: u32,
}

enum Phase {
    Idle,
    Connecting(BoxFuture<'static, Attempted>),
    Open(Box<Open>),
    /// The stream was given up, and another one is to follow.
    Restarting,
    Waiting(Pin<Box<Sleep>>),
    Closed,
}

impl EventSource {
    /// Begins to build an event source that asks for `url`.
    pub fn get(url: impl AsRef<str>) -> EventSourceBuilder {
        EventSourceBuilder::new(Method::GET, url.as_ref())
    }

    /// Begins to build an event source that posts a body to `url`.
    ///
    /// By default it does so once, see [`Reconnect`].
    pub fn post(url: impl AsRef<str>) -> EventSourceBuilder {
        EventSourceBuilder::new(Method::POST, url.as_ref())
    }

    /// Begins to build an event source with any method.
    pub fn builder(method: Method, url: impl AsRef<str>) -> EventSourceBuilder {
        EventSourceBuilder::new(method, url.as_ref())
    }

    pub(crate) fn new(
        request: Request<RequestBody>,
        settings: Settings,
        decoder: Decoder,
        transport: Box<dyn Transport>,
    ) -> Self {
        let (head, body) = request.into_parts();
        Self {
            request: Request::from_parts(head, ()),
            body,
            settings: Arc::new(settings),
            decoder,
            phase: Phase::Idle,
            transport: Some(transport),
            failures: 0,
        }
    }

    /// The state. It changes only while the stream is read.
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

    /// The last event ID, with which the next attempt resumes the stream. Empty if there is none.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        self.decoder.last_event_id()
    }

    /// The reconnection time, if the server has set one.
    #[must_use]
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.decoder.reconnection_time()
    }

    /// Closes the connection and makes another, as if the server had ended the stream: after the
    /// reconnection time, and with the last event ID. [`Reconnect`] does not matter.
    ///
    /// Nothing happens unless the stream is open: at any other time another attempt follows
    /// anyway, or there will be none.
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

    /// Everything that happens, comments and retries and the states included: for logs and tools.
    pub fn into_updates(mut self) -> Updates {
        let decoder = std::mem::take(&mut self.decoder);
        self.decoder = decoder.report_comments(true).report_retry(true);
        Updates(self)
    }

    /// The events as values of a serde enum: the variant is the event's name, its content the
    /// JSON data. See [`ReceivedEvent::typed`].
    ///
    /// An event that is none of them is [`Error::Typed`], after which the stream goes on.
    #[cfg(feature = "json")]
    pub fn typed<T: serde::de::DeserializeOwned>(self) -> TypedEvents<T> {
        TypedEvents::new(self)
    }

    pub(crate) fn poll_update(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Update, Error>>> {
        loop {
            match &mut self.phase {
                Phase::Idle => {
                    let Some(transport) = self.transport.take() else {
                        self.close();
                        continue;
                    };
                    let settings = Arc::clone(&self.settings);
                    let request = self.request.clone().map(|()| self.body.take());
                    let last_event_id = self.decoder.last_event_id().to_owned();
                    let attempt = attempt(transport, settings, request, last_event_id);
                    self.phase = Phase::Connecting(Box::pin(attempt));
                    return Poll::Ready(Some(Ok(Update::Connecting {
                        attempt: self.failures.saturating_add(1),
                    })));
                }
                Phase::Connecting(attempt) => {
                    let Attempted { transport, outcome } = ready!(attempt.as_mut().poll(cx));
                    self.transport = Some(transport);
                    match outcome {
                        Ok(Outcome::Open(response)) => {
                            let (head, body) = response.into_parts();
                            let idle = self.settings.idle_timeout.map(Idle::new);
                            self.decoder.reset();
                            self.phase = Phase::Open(Box::new(Open::new(body, idle)));
                            return Poll::Ready(Some(Ok(Update::Open(Box::new(head)))));
                        }
                        // HTML § 9.2.3: 204 tells the client to stop.
                        Ok(Outcome::NoContent) => self.close(),
                        Err(error) => {
                            let reconnects = self.settings.reconnect != Reconnect::Never;
                            return Poll::Ready(self.lost(Some(error), reconnects));
                        }
                    }
                }
                Phase::Open(open) => match ready!(open.poll_next(&mut self.decoder, cx)) {
                    Some(Ok(Update::Event(event))) if self.settings.ends(&event) => self.close(),
                    Some(Ok(update)) => return Poll::Ready(Some(Ok(update))),
                    end => {
                        if open.since().elapsed() >= self.settings.backoff.healthy() {
                            self.failures = 0;
                        }
                        let error = end.and_then(Result::err);
                        let reconnects = self.settings.reconnect == Reconnect::Always;
                        return Poll::Ready(self.lost(error, reconnects));
                    }
                },
                Phase::Restarting => return Poll::Ready(self.lost(None, true)),
                Phase::Waiting(wait) => {
                    ready!(wait.as_mut().poll(cx));
                    self.phase = Phase::Idle;
                }
                Phase::Closed => return Poll::Ready(None),
            }
        }
    }

    /// What follows when there is no connection any more, or was none.
    fn lost(&mut self, error: Option<Error>, reconnects: bool) -> Option<Result<Update, Error>> {
        match &error {
            Some(_) => self.failures = self.failures.saturating_add(1),
            None => self.failures = 0,
        }
        let Settings {
            max_attempts,
            retry_if,
            backoff,
            ..
        } = &*self.settings;
        let is_retried = error.as_ref().is_none_or(retry_if)
            && max_attempts.is_none_or(|limit| self.failures < limit);
        if !reconnects || !is_retried || !self.body.is_repeatable() {
            self.close();
            return error.map(Err);
        }
        let retry_after = error
            .as_ref()
            .and_then(|error| error.rejected()?.retry_after());
        let asked = retry_after.max(self.decoder.reconnection_time());
        let delay = backoff.delay(self.failures, asked);
        self.phase = Phase::Waiting(Box::pin(sleep(delay)));
        Some(Ok(Update::Disconnected { error, delay }))
    }
}

impl Settings {
    fn ends(&self, event: &ReceivedEvent) -> bool {
        self.end_if.as_ref().is_some_and(|is_end| is_end(event))
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

impl fmt::Debug for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSource")
            .field("method", self.request.method())
            .field("uri", self.request.uri())
            .field("body", &self.body)
            .field("ready_state", &self.ready_state())
            .field("last_event_id", &self.last_event_id())
            .field("reconnection_time", &self.reconnection_time())
            .field("failures", &self.failures)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
