//! The steps of the state machine.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderValue, Method};
use tokio::time::sleep;

use super::{EventSource, Phase};
use crate::attempt::{Attempted, Outcome, attempt};
use crate::error::{Error, ErrorKind};
use crate::open::{Open, Timers};
use crate::redirect::remove_body_headers;
use crate::request_body::RequestBody;
use crate::settings::{Reconnect, Settings};
use crate::shown_url::ShownUrl;
use crate::update::Update;

impl EventSource {
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
                    let last_event_id = self.decoder.last_event_id();
                    let Ok(last_event_id) = self.resumption.header(last_event_id) else {
                        self.transport = Some(transport);
                        return Poll::Ready(Some(Ok(Update::NotResumed {
                            last_event_id: last_event_id.to_owned(),
                            error: None,
                        })));
                    };
                    let settings = Arc::clone(&self.settings);
                    let request = self.request.clone().map(|()| self.body.take());
                    let attempt = attempt(transport, settings, request, last_event_id);
                    self.phase = Phase::Connecting(Box::pin(attempt));
                    let attempt = self.failures.saturating_add(1);
                    tracing::debug!(url = %self.shown_url(), attempt, "connecting to an event stream");
                    return Poll::Ready(Some(Ok(Update::Connecting { attempt })));
                }
                Phase::Connecting(attempt) => {
                    let Attempted { transport, outcome } = ready!(attempt.as_mut().poll(cx));
                    self.transport = Some(transport);
                    match outcome {
                        Ok(Outcome::Open(response)) => {
                            let (head, body) = response.into_parts();
                            let timers = Timers::new(&self.settings);
                            self.decoder.reset();
                            self.phase = Phase::Open(Box::new(Open::new(body, timers)));
                            tracing::debug!(url = %self.shown_url(), "event stream open");
                            return Poll::Ready(Some(Ok(Update::Open(Box::new(head)))));
                        }
                        // There is no answer to a request that was made once.
                        Ok(Outcome::NoContent) if self.is_incomplete_without_content() => {
                            let error = Some(ErrorKind::Incomplete);
                            return Poll::Ready(self.disconnect(error, false));
                        }
                        // HTML § 9.2.3: 204 tells the client to stop.
                        Ok(Outcome::NoContent) => self.close(),
                        Err(error) => {
                            let reconnects = self.reconnect != Reconnect::Never;
                            // A stream that goes on with GET is another one without its id.
                            if reconnects
                                && !self.has_switched
                                && self.resumption.may_be_refused(&error)
                            {
                                return Poll::Ready(self.drop_last_event_id(error));
                            }
                            return Poll::Ready(self.disconnect(Some(error), reconnects));
                        }
                    }
                }
                Phase::Open(open) => match ready!(open.poll_next(&mut self.decoder, cx)) {
                    Some(Ok(Update::Event(event))) if self.settings.is_failure(&event) => {
                        let error = ErrorKind::Event(Box::new(event));
                        return Poll::Ready(self.end_stream(Some(error)));
                    }
                    Some(Ok(Update::Event(event))) if self.settings.is_end(&event) => self.close(),
                    Some(Ok(Update::Event(event))) if self.settings.is_last(&event) => {
                        self.close();
                        return Poll::Ready(Some(Ok(Update::Event(event))));
                    }
                    Some(Ok(update)) => return Poll::Ready(Some(Ok(update))),
                    end => {
                        let error = end.and_then(Result::err).map(|error| *error);
                        return Poll::Ready(self.end_stream(error));
                    }
                },
                Phase::Restarting => {
                    let resumes = self.resumes_with_get();
                    let update = self.disconnect(None, true);
                    self.switch_to_get(resumes);
                    return Poll::Ready(update);
                }
                Phase::Waiting(wait) => {
                    ready!(wait.as_mut().poll(cx));
                    self.phase = Phase::Idle;
                }
                Phase::Closed => return Poll::Ready(None),
            }
        }
    }

    /// Ends an open stream: in order, or by an error.
    fn end_stream(&mut self, error: Option<ErrorKind>) -> Option<Result<Update, Error>> {
        if let Phase::Open(open) = &self.phase
            && open.since().elapsed() >= self.settings.backoff.healthy()
        {
            self.failures = 0;
        }
        let resumes = self.resumes_with_get();
        let is_repeated = self.reconnect == Reconnect::Always && self.body.is_repeatable();
        let reconnects = resumes || is_repeated && !self.has_switched;
        // A stream that is resumed is complete at its last event, however often it ends.
        let is_incomplete = self.settings.has_end() && !reconnects;
        let error = error.or(is_incomplete.then_some(ErrorKind::Incomplete));
        let update = self.disconnect(error, reconnects);
        // After the error, which names the request that it happened to.
        self.switch_to_get(resumes);
        update
    }

    /// Whether 204 leaves an answer without its last event. To a stream that is resumed, it is the end.
    fn is_incomplete_without_content(&self) -> bool {
        self.settings.has_end() && self.reconnect != Reconnect::Always
    }

    /// Whether the stream is to go on with GET: it has set an id, which a header can contain. Without
    /// one, GET would ask for another stream.
    fn resumes_with_get(&self) -> bool {
        let id = self.decoder.last_event_id();
        self.settings.resume_with_get
            && (self.has_switched || !id.is_empty() && id != self.initial_id)
            && HeaderValue::from_bytes(id.as_bytes()).is_ok()
    }

    fn switch_to_get(&mut self, resumes: bool) {
        if resumes && !self.has_switched {
            *self.request.method_mut() = Method::GET;
            remove_body_headers(self.request.headers_mut());
            self.body = RequestBody::default();
            self.reconnect = Reconnect::Always;
            self.has_switched = true;
        }
    }

    /// Makes another attempt at once, without the id that was sent, unless the limit is reached.
    fn drop_last_event_id(&mut self, error: ErrorKind) -> Option<Result<Update, Error>> {
        let is_last = |limit| self.failures.saturating_add(1) >= limit;
        if self.settings.max_attempts.is_some_and(is_last) || !self.body.is_repeatable() {
            return self.disconnect(Some(error), false);
        }
        self.failures = self.failures.saturating_add(1);
        let last_event_id = self.decoder.last_event_id().to_owned();
        self.resumption.refuse(&last_event_id);
        self.phase = Phase::Idle;
        let error = self.error(error);
        tracing::warn!(%error, "event stream not resumed: the server refused the last event ID");
        Some(Ok(Update::NotResumed {
            last_event_id,
            error: Some(error),
        }))
    }

    /// Returns the URL as it is shown.
    pub(super) fn shown_url(&self) -> impl fmt::Display {
        ShownUrl(self.request.uri())
    }

    /// Adds to an error what it happened to.
    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.request.method(), self.request.uri())
    }

    /// Drops the connection, if there is one, and waits for the next attempt or ends the stream.
    fn disconnect(
        &mut self,
        error: Option<ErrorKind>,
        reconnects: bool,
    ) -> Option<Result<Update, Error>> {
        let error = error.map(|kind| self.error(kind));
        // Nothing that has ended stays to be polled again, even if `retry_if` panics.
        self.phase = Phase::Closed;
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
        let has_body = self.body.is_repeatable() || self.resumes_with_get();
        if !reconnects || !is_retried || !has_body {
            self.close();
            if let Some(error) = &error {
                tracing::debug!(%error, "event stream ended");
            }
            return error.map(Err);
        }
        let retry_after = error
            .as_ref()
            .and_then(|error| error.rejected()?.retry_after());
        let asked = retry_after.max(self.decoder.reconnection_time());
        let delay = backoff.delay(self.failures, asked);
        self.phase = Phase::Waiting(Box::pin(sleep(delay)));
        match &error {
            Some(error) => tracing::warn!(%error, ?delay, "event stream lost"),
            None => tracing::debug!(url = %self.shown_url(), ?delay, "event stream ended"),
        }
        Some(Ok(Update::Disconnected { error, delay }))
    }
}
