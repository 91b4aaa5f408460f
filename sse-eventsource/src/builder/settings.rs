//! How an event source behaves: when it connects again, and its limits.

use std::time::Duration;

use super::{EventSourceBuilder, request};
use crate::backoff::Backoff;
use crate::boxed::BoxError;
use crate::error::Error;
use crate::request_body::RequestBody;
use crate::settings::Reconnect;
use http::{HeaderValue, Request};
use sse_codec::ReceivedEvent;

impl EventSourceBuilder {
    /// Sets a hook that may change the request of each attempt: to add a fresh token, or to send
    /// the last event ID, which is in its header, in another way.
    ///
    /// Its error becomes [`ErrorKind::Hook`](crate::ErrorKind::Hook), which is not retried by default. The hook has no time
    /// limit.
    ///
    /// ```
    /// use http::HeaderValue;
    /// use sse_eventsource::{BoxError, EventSource};
    ///
    /// async fn token() -> Result<String, BoxError> {
    ///     Ok("secret".to_owned())
    /// }
    ///
    /// let builder = EventSource::get("https://example.com/").before_attempt(|mut request| async {
    ///     let token = HeaderValue::try_from(format!("Bearer {}", token().await?))?;
    ///     request.headers_mut().insert("authorization", token);
    ///     Ok(request)
    /// });
    /// # let _ = builder;
    /// ```
    pub fn before_attempt<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(Request<RequestBody>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Request<RequestBody>, BoxError>> + Send + 'static,
    {
        self.settings.before_attempt = Some(Box::new(move |request| Box::pin(hook(request))));
        self
    }

    /// Sets a hook that may change the request that follows a redirect, as
    /// [`before_attempt`](Self::before_attempt) may change the first: to add the credentials of the
    /// new origin, for instance. Credentials were removed before if the origin is another one, see
    /// [`header`](Self::header).
    ///
    /// Its error becomes [`ErrorKind::Hook`](crate::ErrorKind::Hook). Its time counts against
    /// [`response_timeout`](Self::response_timeout). What it adds goes on to further origins that are
    /// [trusted](Self::trust_origin).
    pub fn before_redirect<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(Request<RequestBody>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Request<RequestBody>, BoxError>> + Send + 'static,
    {
        self.settings.before_redirect = Some(Box::new(move |request| Box::pin(hook(request))));
        self
    }

    /// Lets this origin receive the credentials of the request when a redirect leads to it: the
    /// scheme, the host and the port of `url`. Without this, another origin than that of the request
    /// receives none, see [`header`](Self::header). May be called several times; name the origin of the
    /// request too if a trusted one leads back to it.
    ///
    /// ```
    /// use sse_eventsource::EventSource;
    ///
    /// let builder = EventSource::get("https://project.example/events")
    ///     .header("Authorization", "Bearer …")
    ///     .trust_origin("https://shard-7.project.example");
    /// # let _ = builder;
    /// ```
    ///
    /// An invalid URL, or one that is not `http` or `https`, is an error of [`build`](Self::build).
    pub fn trust_origin(mut self, url: impl AsRef<str>) -> Self {
        match request::parse(url.as_ref()) {
            Ok(url) => self.settings.redirects.trusted.push(url.origin()),
            Err(error) => self.request = self.request.and(Err(error)),
        }
        self
    }

    /// Accepts responses that do not say `text/event-stream`, where `accept` returns `true` for the
    /// value of their `Content-Type`. Some servers of language models send none, or `text/plain`.
    ///
    /// ```
    /// use sse_eventsource::EventSource;
    ///
    /// let builder = EventSource::get("https://llm.example/")
    ///     .accept_content_type(|found| found.is_none_or(|found| found == "text/plain"));
    /// # let _ = builder;
    /// ```
    pub fn accept_content_type(
        mut self,
        accept: impl Fn(Option<&HeaderValue>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.accept_content_type = Some(Box::new(accept));
        self
    }

    /// Sets when to connect again, by default [`Reconnect::Always`] for GET and
    /// [`Reconnect::Never`] for other methods.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.settings.reconnect = reconnect;
        self
    }

    /// Goes on with GET after a stream has ended or was cut, if it has set a last event ID: with the
    /// same URL and headers, without the body, and with `Last-Event-ID`. From then on it behaves as
    /// [`Reconnect::Always`], but never connects without the id: if the server refuses it, or no header
    /// can contain it, the stream has ended. By default a request other than GET is never made again in
    /// another way.
    ///
    /// This is what the Model Context Protocol does: a server may answer a POST with an event that
    /// has an ID and no message, and close the connection; the answer is then got by GET.
    ///
    /// ```
    /// use sse_eventsource::EventSource;
    ///
    /// let call = EventSource::post("https://tools.example/mcp")
    ///     .header("Accept", "application/json, text/event-stream")
    ///     .resume_with_get(true)
    ///     .end_after(|event| event.data().contains("\"result\""));
    /// # let _ = call;
    /// ```
    pub fn resume_with_get(mut self, resume: bool) -> Self {
        self.settings.resume_with_get = resume;
        self
    }

    /// Sets which errors are retried, by default those that are
    /// [transient](Error::is_transient).
    ///
    /// ```
    /// use sse_eventsource::EventSource;
    ///
    /// let builder = EventSource::get("https://example.com/").retry_if(|error| {
    ///     let rejected = error.rejected();
    ///     error.is_transient() || rejected.is_some_and(|rejected| rejected.status() == 404)
    /// });
    /// # let _ = builder;
    /// ```
    pub fn retry_if(mut self, retry: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        self.settings.retry_if = Box::new(retry);
        self
    }

    /// Sets how many attempts in a row may fail, including the first; the error of the last one
    /// ends the stream. By default there is no limit. A stream that was open for a
    /// [healthy](Backoff::healthy_after) time, or that ended in order, resets the count.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.settings.max_attempts = Some(attempts);
        self
    }

    /// Sets how long to wait before the next attempt.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// Sets how long an attempt may take until the head of the response has arrived, including the
    /// connection and redirects; by default 60 seconds for GET, 10 minutes for any other method.
    /// `None` removes the limit. `HttpClient` has a limit of its own for the connection.
    ///
    /// After this timeout, a request other than GET is not repeated if it was passed on in full,
    /// whatever [`reconnect`](Self::reconnect) says: the server may be working on it. To repeat it
    /// nevertheless:
    ///
    /// ```
    /// use sse_eventsource::{ErrorKind, EventSource, Reconnect};
    ///
    /// let builder = EventSource::post("https://llm.example/v1/chat/completions")
    ///     .reconnect(Reconnect::UntilOpen)
    ///     .retry_if(|error| {
    ///         let is_late = matches!(error.kind(), ErrorKind::ResponseTimeout { .. });
    ///         is_late || error.is_transient()
    ///     });
    /// # let _ = builder;
    /// ```
    pub fn response_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.response_timeout = limit.into();
        self
    }

    /// Sets how long an open stream may be silent before the connection counts as lost. Comments
    /// count as data, so the timeout should be more than twice the keep-alive interval of the
    /// server. `None`, the default, means no limit.
    pub fn idle_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.idle_timeout = limit.into();
        self
    }

    /// Sets how long an open stream may be without an event before the connection counts as lost:
    /// [`ErrorKind::EventTimeout`](crate::ErrorKind::EventTimeout). Comments do not count, so this
    /// finds a server that sends nothing but keep-alives. It is independent of
    /// [`idle_timeout`](Self::idle_timeout). `None`, the default, means no limit.
    pub fn event_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.event_timeout = limit.into();
        self
    }

    /// Ends the stream for good at the first event for which `is_end` returns `true`. That event
    /// is not yielded; [`end_after`](Self::end_after) yields it.
    ///
    /// A stream that ends in order without it is not complete: GET connects again, as it does after
    /// any end, and a stream that is not resumed ends with [`ErrorKind::Incomplete`](crate::ErrorKind::Incomplete).
    pub fn end_if(
        mut self,
        is_end: impl Fn(&ReceivedEvent) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.end_if = Some(Box::new(is_end));
        self
    }

    /// Ends the stream for good after the first event for which `is_last` returns `true`, which is
    /// yielded: for protocols whose last event has content. Otherwise as [`end_if`](Self::end_if).
    ///
    /// ```
    /// use sse_eventsource::EventSource;
    ///
    /// let builder = EventSource::post("https://llm.example/v1/responses")
    ///     .end_after(|event| event.event() == "response.completed");
    /// # let _ = builder;
    /// ```
    pub fn end_after(
        mut self,
        is_last: impl Fn(&ReceivedEvent) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.end_after = Some(Box::new(is_last));
        self
    }

    /// Makes an error of the first event for which `is_failure` returns `true`:
    /// [`ErrorKind::Event`](crate::ErrorKind::Event), with the event. APIs report failures in the stream, as their status was
    /// sent before. By default it is not retried, so it ends the stream.
    ///
    /// It is asked before [`end_if`](Self::end_if) and [`end_after`](Self::end_after).
    ///
    /// ```
    /// use sse_eventsource::EventSource;
    ///
    /// let builder = EventSource::post("https://llm.example/v1/messages")
    ///     .fail_if(|event| event.event() == "error");
    /// # let _ = builder;
    /// ```
    pub fn fail_if(
        mut self,
        is_failure: impl Fn(&ReceivedEvent) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.fail_if = Some(Box::new(is_failure));
        self
    }

    /// Sets how many redirects in a row are followed, by default 20.
    pub fn max_redirects(mut self, limit: usize) -> Self {
        self.settings.redirects.limit = limit;
        self
    }

    /// Sets whether redirects from `https` to `http` are followed. By default they are not.
    pub fn allow_insecure_redirects(mut self, allow: bool) -> Self {
        self.settings.redirects.allow_insecure = allow;
        self
    }

    /// Sets the limit on the length of one line in bytes, see [`Decoder::max_line_len`](sse_codec::Decoder::max_line_len).
    pub fn max_line_len(mut self, limit: usize) -> Self {
        self.decoder = self.decoder.max_line_len(limit);
        self
    }

    /// Sets the limit on the length of one event's data in bytes, see
    /// [`Decoder::max_event_len`](sse_codec::Decoder::max_event_len).
    pub fn max_event_len(mut self, limit: usize) -> Self {
        self.decoder = self.decoder.max_event_len(limit);
        self
    }

    /// Sets whether to ask for gzip, brotli or zstd, and to decompress the response. By default it
    /// does not: a server that compresses without flushing after each event delays events.
    ///
    /// The limits on [lines](Self::max_line_len) and [events](Self::max_event_len) apply to the
    /// decompressed data, and no more of it than they allow is kept.
    #[cfg(feature = "compression")]
    pub fn compression(mut self, ask: bool) -> Self {
        self.compression = ask;
        self
    }
}
