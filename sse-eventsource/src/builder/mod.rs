//! The builder of an event source: its request, and what it is built over.

mod request;
mod settings;

use std::fmt;
use std::time::Duration;

use http::header::ACCEPT_ENCODING;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use sse_codec::Decoder;
use tower_service::Service;

use crate::backoff::Backoff;
use crate::boxed::BoxError;
use crate::error::{BuildError, Error};
use crate::event_source::EventSource;
use crate::redirect::Redirects;
use crate::request_body::RequestBody;
use crate::settings::{Reconnect, Settings};
use crate::shown_url::ShownUrl;
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

    /// The default time limit for the head of the response to GET: 60 seconds.
    pub const DEFAULT_RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

    /// The default time limit for the head of the response to any other method: 10 minutes.
    /// Language models load and think before they answer.
    pub const DEFAULT_POST_RESPONSE_TIMEOUT: Duration = Duration::from_secs(10 * 60);

    fn new(method: Method, url: &str) -> Self {
        let (reconnect, response_timeout) = if method == Method::GET {
            (Reconnect::Always, Self::DEFAULT_RESPONSE_TIMEOUT)
        } else {
            (Reconnect::Never, Self::DEFAULT_POST_RESPONSE_TIMEOUT)
        };
        Self {
            request: request::new(method, url),
            settings: Settings {
                before_attempt: None,
                before_redirect: None,
                accept_content_type: None,
                response_timeout: Some(response_timeout),
                idle_timeout: None,
                event_timeout: None,
                redirects: Redirects {
                    limit: Self::DEFAULT_MAX_REDIRECTS,
                    allow_insecure: false,
                    trusted: Vec::new(),
                },
                reconnect,
                resume_with_get: false,
                backoff: Backoff::new(),
                max_attempts: None,
                retry_if: Box::new(Error::is_transient),
                end_if: None,
                end_after: None,
                fail_if: None,
            },
            decoder: Decoder::new(),
            #[cfg(feature = "compression")]
            compression: false,
        }
    }

    /// Sets a header of the request, including those that have defaults: `Accept`,
    /// `Accept-Encoding`, `Cache-Control`, `Pragma` and `User-Agent`.
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
        let mut request = self.request?;
        #[cfg(feature = "compression")]
        let compression = self.compression;
        #[cfg(not(feature = "compression"))]
        let compression = false;
        if !compression {
            // Without this header, a server may encode as it likes (RFC 9110 § 12.5.3).
            let identity = HeaderValue::from_static("identity");
            let headers = request.headers_mut();
            headers.entry(ACCEPT_ENCODING).or_insert(identity);
        }
        #[cfg(feature = "compression")]
        let transport = if compression {
            transport::erase(tower_http::decompression::Decompression::new(service))
        } else {
            transport::erase(service)
        };
        #[cfg(not(feature = "compression"))]
        let transport = transport::erase(service);
        Ok(EventSource::new(
            request,
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

impl fmt::Debug for EventSourceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("EventSourceBuilder");
        match &self.request {
            Ok(request) => shown.field("url", &format_args!("{}", ShownUrl(request.uri()))),
            Err(error) => shown.field("error", error),
        };
        shown
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
