//! Event streams as `http::Response`s.

use std::borrow::Cow;
use std::future::Future;
#[cfg(feature = "gzip")]
use std::iter::once;
use std::sync::LazyLock;

use futures_core::Stream;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request};

use crate::body::SseBody;
use crate::forward::forward;
#[cfg(feature = "gzip")]
use crate::gzip::GzipStream;
use crate::handler_result::IntoHandlerResult;
use crate::into_event::IntoEvent;
use crate::open_stream::OpenStream;
use crate::options::SseOptions;
use crate::refusal::Refusal;
use crate::sse::Sse;
use crate::stream::SseStream;

/// A request, or the part of it that the handler needs: the `http::Request`, its `Parts`, its
/// headers, or nothing, `()`. Without the URI, a last event ID in the query is not seen.
pub trait RequestHead {
    /// Returns the request's headers.
    fn headers(&self) -> &HeaderMap;

    /// Returns the request's method, if it is known.
    fn method(&self) -> Option<&Method>;

    /// Returns the request's URI, if it is known.
    fn uri(&self) -> Option<&Uri> {
        None
    }
}

impl<B> RequestHead for Request<B> {
    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn method(&self) -> Option<&Method> {
        Some(self.method())
    }

    fn uri(&self) -> Option<&Uri> {
        Some(self.uri())
    }
}

impl RequestHead for request::Parts {
    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn method(&self) -> Option<&Method> {
        Some(&self.method)
    }

    fn uri(&self) -> Option<&Uri> {
        Some(&self.uri)
    }
}

impl RequestHead for HeaderMap {
    fn headers(&self) -> &HeaderMap {
        self
    }

    fn method(&self) -> Option<&Method> {
        None
    }
}

const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// Nothing of the request, for handlers that do not need it: it has no last event ID either.
impl RequestHead for () {
    fn headers(&self) -> &HeaderMap {
        static EMPTY: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        &EMPTY
    }

    fn method(&self) -> Option<&Method> {
        None
    }
}

/// Answers `request` with the events that `handler` sends.
///
/// The handler is called with the request and an [`Sse`], and runs while the response's body is
/// polled. `HEAD` is answered with the headers alone, without a call of the handler.
///
/// ```
/// use http::{Request, Response};
/// use sse_session::{SendError, Sse, SseBody, sse_response};
///
/// async fn hello<B>(request: Request<B>, sse: Sse) -> Result<(), SendError> {
///     sse.send(format!("hello from {}", request.uri().path())).await
/// }
///
/// fn respond<B: Send + 'static>(request: Request<B>) -> Response<SseBody> {
///     sse_response(request, hello)
/// }
/// ```
pub fn sse_response<R, H, F>(request: R, handler: H) -> Response<SseBody>
where
    R: RequestHead,
    H: FnOnce(R, Sse) -> F,
    F: Future + Send + 'static,
    F::Output: IntoHandlerResult,
{
    sse_response_with(&SseOptions::new(), request, handler)
}

/// [`sse_response`] with options.
pub fn sse_response_with<R, H, F>(options: &SseOptions, request: R, handler: H) -> Response<SseBody>
where
    R: RequestHead,
    H: FnOnce(R, Sse) -> F,
    F: Future + Send + 'static,
    F::Output: IntoHandlerResult,
{
    let coding = Coding::of(options, &request);
    if request.method() == Some(&Method::HEAD) {
        return response(options, coding, SseBody::empty());
    }
    let last_event_id = last_event_id_with(options, &request);
    let start = |sse| handler(request, sse);
    let stream = SseStream::new(options, last_event_id.as_deref(), start);
    response(options, coding, coding.body(stream))
}

/// Answers `request` with a stream that may be refused, such as a subscription of `sse-hub`: with its events, after the
/// request's last event ID, or with the status of its refusal.
///
/// So a topic that is finished is answered with 204 to a client that has everything, and an engine that is down with 503 and
/// `Retry-After`.
///
/// ```
/// use http::Response;
/// use sse_session::{OpenStream, RequestHead, SseBody, sse_open};
///
/// async fn news(news: impl OpenStream, request: impl RequestHead) -> Response<SseBody> {
///     sse_open(request, news).await
/// }
/// ```
///
/// # Cancel safety
///
/// The future may be dropped at any time.
pub async fn sse_open<R, S>(request: R, stream: S) -> Response<SseBody>
where
    R: RequestHead,
    S: OpenStream,
{
    sse_open_with(&SseOptions::new(), request, stream).await
}

/// [`sse_open`] with options.
///
/// # Cancel safety
///
/// The future may be dropped at any time.
pub async fn sse_open_with<R, S>(options: &SseOptions, request: R, stream: S) -> Response<SseBody>
where
    R: RequestHead,
    S: OpenStream,
{
    let last_event_id = last_event_id_with(options, &request);
    match stream.open(last_event_id.as_deref()).await {
        Ok(stream) => sse_response_with(options, request, |_, sse| stream.serve(sse)),
        Err(error) => refused(&error),
    }
}

/// The content coding of a response (RFC 9110 § 8.4).
#[derive(Clone, Copy)]
enum Coding {
    Identity,
    #[cfg(feature = "gzip")]
    Gzip,
}

impl Coding {
    #[cfg(feature = "gzip")]
    fn of(options: &SseOptions, request: &impl RequestHead) -> Self {
        // Looked up only if compression is on.
        let accepted = once(request.headers())
            .flat_map(|headers| headers.get_all(header::ACCEPT_ENCODING))
            .map(HeaderValue::as_bytes);
        if options.uses_gzip(accepted) {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    #[cfg(not(feature = "gzip"))]
    const fn of(_: &SseOptions, _: &impl RequestHead) -> Self {
        Self::Identity
    }

    fn body<F>(self, stream: SseStream<F>) -> SseBody
    where
        F: Future + Send + 'static,
        F::Output: IntoHandlerResult,
    {
        match self {
            Self::Identity => SseBody::new(stream),
            #[cfg(feature = "gzip")]
            Self::Gzip => SseBody::gzip(GzipStream::new(stream)),
        }
    }
}

/// Returns the last event ID of a request, for handlers that need it before their stream begins:
/// [`Sse::last_event_id`] has the same one then.
///
/// It is that of the header `Last-Event-ID`, or, without one, of the parameter `lastEventId` in the query. One
/// that is too long is a single NUL, which is the id of no event: see [`SseOptions::last_event_id`].
///
/// ```
/// use http::{HeaderMap, Request};
/// use sse_session::last_event_id;
///
/// let request = Request::get("/news?lastEventId=41").header("Last-Event-ID", "42").body(())?;
/// assert_eq!(last_event_id(&request).as_deref(), Some("42"));
/// let request = Request::get("/news?lastEventId=41").body(())?;
/// assert_eq!(last_event_id(&request).as_deref(), Some("41"));
/// assert_eq!(last_event_id(&HeaderMap::new()), None);
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn last_event_id(request: &impl RequestHead) -> Option<String> {
    last_event_id_with(&SseOptions::new(), request)
}

/// The text is owned, as a request with a body may not be borrowed while a `Send` future waits.
fn last_event_id_with(options: &SseOptions, request: &impl RequestHead) -> Option<String> {
    let header = request.headers().get("last-event-id");
    let query = request.uri().and_then(Uri::query);
    let id = options.last_event_id(header.map(HeaderValue::as_bytes), query);
    id.map(Cow::into_owned)
}

/// Returns a response with the events of a `futures::Stream`.
///
/// An item is an [`Event`](crate::Event), a [`Frame`](crate::Frame), text, JSON, anything else that
/// is [`IntoEvent`], or a `Result` of one of these, whose error cuts the stream.
///
/// ```
/// use futures_util::stream;
/// use sse_session::sse_stream;
///
/// let response = sse_stream(stream::iter(["one", "two"]));
/// assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
/// ```
pub fn sse_stream<S>(events: S) -> Response<SseBody>
where
    S: Stream + Send + 'static,
    S::Item: IntoEvent + Send,
    <S::Item as IntoEvent>::Event: Send,
{
    sse_stream_with(&SseOptions::new(), events)
}

/// [`sse_stream`] with options.
pub fn sse_stream_with<S>(options: &SseOptions, events: S) -> Response<SseBody>
where
    S: Stream + Send + 'static,
    S::Item: IntoEvent + Send,
    <S::Item as IntoEvent>::Event: Send,
{
    let stream = SseStream::new(
        options,
        None,
        |sse| async move { forward(events, &sse).await },
    );
    response(options, Coding::Identity, SseBody::new(stream))
}

/// Returns `204 No Content`, on which an `EventSource` stops reconnecting (HTML § 9.2.3).
///
/// It has `Cache-Control: no-cache`. Otherwise a cache, such as Varnish, may give it to other clients.
pub fn no_content() -> Response<SseBody> {
    let mut response = Response::new(SseBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, NO_CACHE);
    response
}

/// Returns the response to a request that gets no stream: the error's status, and `Retry-After` if the same
/// request may succeed later. It has no body, and nothing of the error's text.
///
/// ```
/// use http::{Request, Response};
/// use sse_session::{
///     Limiter, SendError, Sse, SseBody, SseOptions, refused, sse_response_with,
/// };
///
/// async fn events<B>(_request: Request<B>, sse: Sse) -> Result<(), SendError> {
///     sse.send("hello").await
/// }
///
/// fn respond<B: Send + 'static>(
///     limiter: &Limiter<String>,
///     user: &str,
///     request: Request<B>,
/// ) -> Response<SseBody> {
///     match limiter.try_acquire(user.to_owned()) {
///         Ok(permit) => sse_response_with(&SseOptions::new().permit(permit), request, events),
///         Err(error) => refused(&error),
///     }
/// }
/// ```
pub fn refused(error: &(impl Refusal + ?Sized)) -> Response<SseBody> {
    let mut response = Response::new(SseBody::empty());
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    if let Some(seconds) = error.retry_after_secs() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn response(options: &SseOptions, coding: Coding, body: SseBody) -> Response<SseBody> {
    let mut response = Response::new(body);
    *response.headers_mut() = options.response_headers();
    match coding {
        Coding::Identity => {}
        #[cfg(feature = "gzip")]
        Coding::Gzip => {
            let gzip = HeaderValue::from_static("gzip");
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, gzip);
        }
    }
    response
}
