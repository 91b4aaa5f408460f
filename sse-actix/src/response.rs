//! Event streams as actix responses.

use std::borrow::Cow;
use std::future::Future;

#[cfg(feature = "gzip")]
use actix_web::http::header::ACCEPT_ENCODING;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, HeaderName, HeaderValue, RETRY_AFTER,
};
use actix_web::http::{ConnectionType, Method, StatusCode, Version};
use actix_web::{HttpRequest, HttpResponse};
use futures_core::Stream;
#[cfg(feature = "gzip")]
use sse_session::GzipStream;
use sse_session::{
    IntoEvent, IntoHandlerResult, OpenStream, Refusal, Sse, SseOptions, SseStream, forward,
};

use crate::body::SseBody;

/// Answers `request` with the events that `handler` sends.
///
/// Calls the handler with the request and an [`Sse`]; its future runs while the body of the
/// response is polled. `HEAD` is answered with the headers alone, without calling the handler.
///
/// ```
/// use actix_web::{HttpRequest, HttpResponse, web};
/// use sse_actix::{Sse, SseBody, sse_response};
///
/// async fn room(request: HttpRequest, room: web::Path<String>) -> HttpResponse<SseBody> {
///     sse_response(&request, |_request, sse: Sse| async move {
///         sse.send(format!("welcome to {room}")).await
///     })
/// }
/// ```
pub fn sse_response<H, F>(request: &HttpRequest, handler: H) -> HttpResponse<SseBody>
where
    H: FnOnce(HttpRequest, Sse) -> F,
    F: Future + 'static,
    F::Output: IntoHandlerResult,
{
    sse_response_with(&SseOptions::new(), request, handler)
}

/// Answers `request` as [`sse_response`] does, with options.
pub fn sse_response_with<H, F>(
    options: &SseOptions,
    request: &HttpRequest,
    handler: H,
) -> HttpResponse<SseBody>
where
    H: FnOnce(HttpRequest, Sse) -> F,
    F: Future + 'static,
    F::Output: IntoHandlerResult,
{
    respond(options, request, |sse| handler(request.clone(), sse))
}

/// Answers `request` with a stream that may be refused, such as a subscription of `sse-hub`: with its events, after the
/// request's last event ID, or with the status of its refusal.
///
/// So a topic that is finished is answered with 204 to a client that has everything, and an engine that is down with 503 and
/// `Retry-After`.
///
/// ```
/// use actix_web::{HttpRequest, HttpResponse};
/// use sse_actix::{OpenStream, SseBody, sse_open};
///
/// /// For one of `hub.subscribe("news")`.
/// async fn answer(request: HttpRequest, subscribe: impl OpenStream) -> HttpResponse<SseBody> {
///     sse_open(&request, subscribe).await
/// }
/// ```
///
/// # Cancel safety
///
/// The future may be dropped at any time.
pub async fn sse_open<S: OpenStream>(request: &HttpRequest, stream: S) -> HttpResponse<SseBody> {
    sse_open_with(&SseOptions::new(), request, stream).await
}

/// Answers `request` as [`sse_open`] does, with options.
///
/// # Cancel safety
///
/// The future may be dropped at any time.
pub async fn sse_open_with<S: OpenStream>(
    options: &SseOptions,
    request: &HttpRequest,
    stream: S,
) -> HttpResponse<SseBody> {
    let last_event_id = last_event_id_with(options, request);
    match stream.open(last_event_id.as_deref()).await {
        Ok(stream) => respond(options, request, |sse| stream.serve(sse)),
        Err(error) => refused(&error),
    }
}

/// Returns the last event ID of a request, for handlers that need it before their stream begins:
/// [`Sse::last_event_id`] has the same one then.
///
/// It is that of the header `Last-Event-ID`, or, without one, of the parameter `lastEventId` in the query. One
/// that is too long is a single NUL, which is the id of no event: see [`SseOptions::last_event_id`].
///
/// ```
/// use actix_web::test::TestRequest;
/// use sse_actix::last_event_id;
///
/// let request = TestRequest::with_uri("/news?lastEventId=41").to_http_request();
/// assert_eq!(last_event_id(&request).as_deref(), Some("41"));
/// ```
#[must_use]
pub fn last_event_id(request: &HttpRequest) -> Option<String> {
    last_event_id_with(&SseOptions::new(), request).map(Cow::into_owned)
}

fn last_event_id_with<'a>(options: &SseOptions, request: &'a HttpRequest) -> Option<Cow<'a, str>> {
    let header = request.headers().get("last-event-id");
    let query = request.uri().query();
    options.last_event_id(header.map(HeaderValue::as_bytes), query)
}

/// Returns a response with the events of a stream.
///
/// An item is an [`Event`](crate::Event), a [`Frame`](crate::Frame), text, JSON, or a `Result`
/// of one of these. An error cuts the stream short.
///
/// This function does not know the HTTP version of the request, so an HTTP/1.0 client receives
/// chunks, which it cannot read. For such clients, call [`forward`] in a handler of
/// [`sse_response`].
///
/// ```
/// use actix_web::HttpResponse;
/// use futures_util::stream;
/// use sse_actix::{Event, SseBody, sse_stream};
///
/// async fn countdown() -> HttpResponse<SseBody> {
///     sse_stream(stream::iter((0..10).rev().map(|count| Event::new().display(count))))
/// }
/// ```
pub fn sse_stream<S>(events: S) -> HttpResponse<SseBody>
where
    S: Stream + 'static,
    S::Item: IntoEvent,
{
    sse_stream_with(&SseOptions::new(), events)
}

/// Returns a response as [`sse_stream`] does, with options.
pub fn sse_stream_with<S>(options: &SseOptions, events: S) -> HttpResponse<SseBody>
where
    S: Stream + 'static,
    S::Item: IntoEvent,
{
    let stream = SseStream::new(
        options,
        None,
        |sse| async move { forward(events, &sse).await },
    );
    streaming(options, Coding::Identity, SseBody::new(stream))
}

/// Returns `204 No Content`, which makes an `EventSource` stop reconnecting (HTML § 9.2.3).
///
/// It has `Cache-Control: no-cache`. Otherwise a cache, such as Varnish, may give it to other clients.
#[must_use]
pub fn no_content() -> HttpResponse<SseBody> {
    let mut response = HttpResponse::with_body(StatusCode::NO_CONTENT, SseBody::empty());
    let no_cache = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(CACHE_CONTROL, no_cache);
    response
}

/// Returns the response to a request that gets no stream: the error's status, and `Retry-After` if the same
/// request may succeed later. It has no body, and nothing of the error's text.
///
/// ```
/// use actix_web::{HttpRequest, HttpResponse};
/// use sse_actix::{
///     Limiter, SendError, Sse, SseBody, SseOptions, refused, sse_response_with,
/// };
///
/// async fn hello(_request: HttpRequest, sse: Sse) -> Result<(), SendError> {
///     sse.send("hello").await
/// }
///
/// fn respond(limiter: &Limiter<String>, user: &str, request: &HttpRequest) -> HttpResponse<SseBody> {
///     match limiter.try_acquire(user.to_owned()) {
///         Ok(permit) => sse_response_with(&SseOptions::new().permit(permit), request, hello),
///         Err(error) => refused(&error),
///     }
/// }
/// ```
#[must_use]
pub fn refused(error: &(impl Refusal + ?Sized)) -> HttpResponse<SseBody> {
    // The error's status is of http 1, and actix's of http 0.2.
    let status = StatusCode::from_u16(error.status().as_u16());
    let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = HttpResponse::with_body(status, SseBody::of_no_bytes());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(seconds) = error.retry_after_secs() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Answers `request` with the stream whose handler `start` returns.
pub(crate) fn respond<F>(
    options: &SseOptions,
    request: &HttpRequest,
    start: impl FnOnce(Sse) -> F,
) -> HttpResponse<SseBody>
where
    F: Future + 'static,
    F::Output: IntoHandlerResult,
{
    let coding = Coding::of(options, request);
    if *request.method() == Method::HEAD {
        return streaming(options, coding, SseBody::empty());
    }
    let last_event_id = last_event_id_with(options, request);
    let stream = SseStream::new(options, last_event_id.as_deref(), start);
    let mut response = streaming(options, coding, coding.body(stream));
    if request.version() == Version::HTTP_10 {
        // HTTP/1.0 has no chunks, but actix would send them. The end of the connection ends the
        // body instead.
        let head = response.head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
    response
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
    fn of(options: &SseOptions, request: &HttpRequest) -> Self {
        let accepted = request.headers().get_all(ACCEPT_ENCODING);
        if options.uses_gzip(accepted.map(HeaderValue::as_bytes)) {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    #[cfg(not(feature = "gzip"))]
    const fn of(_: &SseOptions, _: &HttpRequest) -> Self {
        Self::Identity
    }

    fn body<F>(self, stream: SseStream<F>) -> SseBody
    where
        F: Future + 'static,
        F::Output: IntoHandlerResult,
    {
        match self {
            Self::Identity => SseBody::new(stream),
            #[cfg(feature = "gzip")]
            Self::Gzip => SseBody::new(GzipStream::new(stream)),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            // actix's `Compress` leaves alone what has a coding.
            Self::Identity => "identity",
            #[cfg(feature = "gzip")]
            Self::Gzip => "gzip",
        }
    }
}

/// Returns a response with the headers of an event stream. The options hold them in the types of
/// http 1, while actix uses those of http 0.2. Both allow the same names and values.
fn streaming(options: &SseOptions, coding: Coding, body: SseBody) -> HttpResponse<SseBody> {
    let mut response = HttpResponse::with_body(StatusCode::OK, body);
    let headers = response.headers_mut();
    for (name, value) in &options.response_headers() {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_ref()),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            headers.append(name, value);
        }
    }
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    response
}
