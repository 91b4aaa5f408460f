//! The builder of an event source: its request and its settings.

use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use sse_codec::{Decoder, ReceivedEvent};
use tower_service::Service;
use url::Url;

use crate::backoff::Backoff;
use crate::boxed::BoxError;
use crate::error::{BuildError, Error};
use crate::event_source::EventSource;
use crate::redirect::Redirects;
use crate::request_body::RequestBody;
use crate::settings::{Reconnect, Settings};
use crate::transport;

impl EventSource {
    /// Returns the builder of an event source that requests `url` with GET.
    ///
    /// An invalid URL is an error of [`EventSourceBuilder::build`].
    pub fn get(url: impl AsRef<str>) -> EventSourceBuilder {
        EventSourceBuilder::new(Method::GET, url.as_ref())
    }

    /// Returns the builder of an event source that posts a body to `url`, by default once: see
    /// [`Reconnect`].
    pub fn post(url: impl AsRef<str>) -> EventSourceBuilder {
        EventSourceBuilder::new(Method::POST, url.as_ref())
    }

    /// Returns the builder of an event source that requests `url` with any method.
    pub fn builder(method: Method, url: impl AsRef<str>) -> EventSourceBuilder {
        EventSourceBuilder::new(method, url.as_ref())
    }
}

/// Builds an event source: started by [`EventSource::get`] or [`EventSource::post`], finished by
/// [`build`](Self::build) or [`build_with`](Self::build_with).
///
/// ```
/// # #[cfg(all(feature = "client", feature = "json"))]
/// # fn build() -> Result<(), sse_eventsource::BuildError> {
/// use std::time::Duration;
///
/// use sse_eventsource::{EventSource, Reconnect};
///
/// let completion = EventSource::post("https://llm.example/v1/chat/completions")
///     .header("Authorization", "Bearer …")
///     .json(&[("stream", true)])
///     .reconnect(Reconnect::UntilOpen)
///     .max_attempts(5)
///     .idle_timeout(Duration::from_secs(60))
///     .end_if(|event| event.data() == "[DONE]")
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct EventSourceBuilder {
    request: Result<Request<RequestBody>, BuildError>,
    settings: Settings,
    decoder: Decoder,
    #[cfg(feature = "compression")]
    compression: bool,
}

impl EventSourceBuilder {
    /// The default limit on redirects, as in browsers: 20.
    pub const DEFAULT_MAX_REDIRECTS: usize = 20;

    /// The default time limit for the head of the response: 60 seconds.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

    fn new(method: Method, url: &str) -> Self {
        let reconnect = if method == Method::GET {
            Reconnect::Always
        } else {
            Reconnect::Never
        };
        Self {
            request: request(method, url),
            settings: Settings {
                hook: None,
                connect_timeout: Some(Self::DEFAULT_CONNECT_TIMEOUT),
                idle_timeout: None,
                redirects: Redirects {
                    limit: Self::DEFAULT_MAX_REDIRECTS,
                    allow_insecure: false,
                },
                reconnect,
                backoff: Backoff::new(),
                max_attempts: None,
                retry_if: Box::new(Error::is_transient),
                end_if: None,
            },
            decoder: Decoder::new(),
            #[cfg(feature = "compression")]
            compression: false,
        }
    }

    /// Sets a header of the request, including `Accept` and `Cache-Control`, which have defaults.
    ///
    /// A redirect to another origin drops values that are marked with
    /// [`HeaderValue::set_sensitive`], and always drops `Authorization`, `Cookie`,
    /// `Proxy-Authorization`, `Api-Key`, `X-Api-Key`, `X-Auth-Token` and `X-Goog-Api-Key`.
    ///
    /// An invalid name or value is an error of [`build`](Self::build).
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        N::Error: Into<http::Error>,
        V: TryInto<HeaderValue>,
        V::Error: Into<http::Error>,
    {
        self.request = self.request.and_then(|mut request| {
            let invalid = |error: http::Error| BuildError::Http(error);
            let name = name.try_into().map_err(|error| invalid(error.into()))?;
            let value = value.try_into().map_err(|error| invalid(error.into()))?;
            let set = request.headers_mut().try_insert(name, value);
            set.map_err(|error| invalid(error.into()))?;
            Ok(request)
        });
        self
    }

    /// Sets the body of the request: bytes, which are sent with every attempt, or any other
    /// [`RequestBody`].
    pub fn body(mut self, body: impl Into<RequestBody>) -> Self {
        if let Ok(request) = &mut self.request {
            *request.body_mut() = body.into();
        }
        self
    }

    /// Sets the body of the request to the JSON of `value`, and its `Content-Type`.
    ///
    /// A value that cannot be serialized is an error of [`build`](Self::build).
    #[cfg(feature = "json")]
    pub fn json(mut self, value: &(impl serde::Serialize + ?Sized)) -> Self {
        self.request = self.request.and_then(|mut request| {
            let json = serde_json::to_vec(value).map_err(BuildError::Json)?;
            *request.body_mut() = json.into();
            request.headers_mut().insert(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            Ok(request)
        });
        self
    }

    /// Sets the last event ID of the first attempt, to resume an earlier stream.
    pub fn last_event_id(mut self, id: impl Into<String>) -> Self {
        self.decoder = self.decoder.with_last_event_id(id);
        self
    }

    /// Sets a hook that may change the request of each attempt: to add a fresh token, or to send
    /// the last event ID, which is in its header, in another way.
    ///
    /// Its error becomes [`Error::Hook`], which is not retried by default. The hook has no time
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
        self.settings.hook = Some(Box::new(move |request| Box::pin(hook(request))));
        self
    }

    /// Sets when to connect again, by default [`Reconnect::Always`] for GET and
    /// [`Reconnect::Never`] for other methods.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.settings.reconnect = reconnect;
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

    /// Sets how long an attempt may take until the head of the response has arrived, including
    /// redirects; by default 60 seconds. `None` removes the limit.
    pub fn connect_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.connect_timeout = limit.into();
        self
    }

    /// Sets how long an open stream may be silent before the connection counts as lost. Comments
    /// count as data, so the timeout should be more than twice the keep-alive interval of the
    /// server. `None`, the default, means no limit.
    pub fn idle_timeout(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.settings.idle_timeout = limit.into();
        self
    }

    /// Ends the stream for good at the first event for which `is_end` returns `true`. That event
    /// is not yielded.
    pub fn end_if(
        mut self,
        is_end: impl Fn(&ReceivedEvent) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.end_if = Some(Box::new(is_end));
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

    /// Sets the limit on the length of one line in bytes, see [`Decoder::max_line_len`].
    pub fn max_line_len(mut self, limit: usize) -> Self {
        self.decoder = self.decoder.max_line_len(limit);
        self
    }

    /// Sets the limit on the length of one event's data in bytes, see
    /// [`Decoder::max_event_len`].
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

    /// Builds the event source over [`HttpClient`](crate::HttpClient). It does nothing until it is
    /// read.
    ///
    /// # Errors
    ///
    /// If the URL, a header or the body is invalid.
    #[cfg(feature = "client")]
    pub fn build(self) -> Result<EventSource, BuildError> {
        self.build_with(crate::HttpClient::new())
    }

    /// Builds the event source over any HTTP stack: a `tower::Service` of requests with a
    /// [`RequestBody`], such as [`HttpClient`](crate::HttpClient) or the client of hyper-util. The
    /// service must not follow redirects, and is sent one request at a time.
    ///
    /// # Errors
    ///
    /// If the URL, a header or the body is invalid.
    pub fn build_with<S, R>(self, service: S) -> Result<EventSource, BuildError>
    where
        S: Service<Request<RequestBody>, Response = Response<R>> + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: http_body::Body + Send + 'static,
        R::Data: Send,
        R::Error: Into<BoxError> + Send,
    {
        #[cfg(feature = "compression")]
        let transport = if self.compression {
            transport::erase(tower_http::decompression::Decompression::new(service))
        } else {
            transport::erase(service)
        };
        #[cfg(not(feature = "compression"))]
        let transport = transport::erase(service);
        Ok(EventSource::new(
            self.request?,
            self.settings,
            self.decoder,
            transport,
        ))
    }

    /// Builds the event source over an async function that sends a request, as
    /// [`build_with`](Self::build_with) does over a service.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use futures_util::TryStreamExt as _;
    /// use http::Response;
    /// use sse_eventsource::EventSource;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let builder = EventSource::get("http://example.com/");
    /// let mut events = builder.build_with_fn(async |_request| {
    ///     let mut response = Response::new("data: hello\n\n".to_owned());
    ///     let content_type = http::HeaderValue::from_static("text/event-stream");
    ///     response.headers_mut().insert("content-type", content_type);
    ///     Ok::<_, Infallible>(response)
    /// })?;
    /// assert_eq!(events.try_next().await?.expect("an event").data(), "hello");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the URL, a header or the body is invalid.
    pub fn build_with_fn<F, T, R, E>(self, send: F) -> Result<EventSource, BuildError>
    where
        F: FnMut(Request<RequestBody>) -> T + Send + 'static,
        T: Future<Output = Result<Response<R>, E>> + Send + 'static,
        E: Into<BoxError>,
        R: http_body::Body + Send + 'static,
        R::Data: Send,
        R::Error: Into<BoxError> + Send,
    {
        self.build_with(transport::Function(send))
    }
}

/// HTML § 9.2.2: the request of the standard, before headers and body are set.
fn request(method: Method, url: &str) -> Result<Request<RequestBody>, BuildError> {
    let mut url = Url::parse(url).map_err(BuildError::Url)?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = url.scheme().to_owned();
        return Err(BuildError::Scheme { scheme });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BuildError::Credentials);
    }
    url.set_fragment(None);
    Request::builder()
        .method(method)
        .uri(url.as_str())
        .header(ACCEPT, "text/event-stream")
        // HTML § 9.2.2: the cache mode "no-store", for which Fetch sends this header.
        .header(CACHE_CONTROL, "no-cache")
        .body(RequestBody::default())
        .map_err(BuildError::Http)
}

impl fmt::Debug for EventSourceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.request.as_ref().map(Request::uri);
        f.debug_struct("EventSourceBuilder")
            .field("uri", &uri)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
