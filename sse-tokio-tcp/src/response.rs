//! Responses to requests.

use std::future::Future;

use futures_core::Stream;
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use sse_session::{
    IntoEvent, IntoHandlerResult, OpenStream, Refusal, RequestHead, Sse, SseOptions,
};

use crate::body::Body;

/// A response to a request.
pub type Response = http::Response<Body>;

/// Answers `request` with the events that `handler` sends.
///
/// Calls the handler with the request and an [`Sse`]; its future runs while the response is
/// written. `HEAD` is answered with the headers alone, without calling the handler. What is given for the
/// request is a [`Request`](crate::Request) with any body, its `Parts`, or its headers.
///
/// ```
/// use sse_tokio_tcp::{Request, Response, Sse, not_found, sse_response};
///
/// // A service is any async function from a request to a response.
/// async fn app(request: Request) -> Response {
///     match request.uri().path() {
///         "/hello" => sse_response(request, |_request, sse: Sse| async move {
///             sse.send("hello").await
///         }),
///         _ => not_found(),
///     }
/// }
/// ```
pub fn sse_response<R, H, F>(request: R, handler: H) -> Response
where
    R: RequestHead,
    H: FnOnce(R, Sse) -> F,
    F: Future + Send + 'static,
    F::Output: IntoHandlerResult,
{
    sse_response_with(&SseOptions::new(), request, handler)
}

/// Answers `request` as [`sse_response`] does, with options.
pub fn sse_response_with<R, H, F>(options: &SseOptions, request: R, handler: H) -> Response
where
    R: RequestHead,
    H: FnOnce(R, Sse) -> F,
    F: Future + Send + 'static,
    F::Output: IntoHandlerResult,
{
    sse_session::sse_response_with(options, request, handler).map(Body::from)
}

/// Answers `request` with a stream that may be refused, such as a subscription of `sse-hub`: with its events, after the
/// request's last event ID, or with the status of its refusal.
///
/// So a topic that is finished is answered with 204 to a client that has everything, and an engine that is down with 503 and
/// `Retry-After`.
///
/// ```
/// use sse_tokio_tcp::{OpenStream, Request, Response, sse_open};
///
/// /// For one of `hub.subscribe("news")`.
/// async fn answer(request: Request, subscribe: impl OpenStream) -> Response {
///     sse_open(request, subscribe).await
/// }
/// ```
///
/// # Cancel safety
///
/// The future may be dropped at any time.
pub async fn sse_open<R, S>(request: R, stream: S) -> Response
where
    R: RequestHead,
    S: OpenStream,
{
    sse_open_with(&SseOptions::new(), request, stream).await
}

/// Answers `request` as [`sse_open`] does, with options.
///
/// # Cancel safety
///
/// The future may be dropped at any time.
pub async fn sse_open_with<R, S>(options: &SseOptions, request: R, stream: S) -> Response
where
    R: RequestHead,
    S: OpenStream,
{
    let response = sse_session::sse_open_with(options, request, stream);
    response.await.map(Body::from)
}

/// Returns a response with the events of a stream.
///
/// An item is an [`Event`](crate::Event), a [`Frame`](crate::Frame), text, JSON, or a `Result`
/// of one of these. An error cuts the stream short.
pub fn sse_stream<S>(events: S) -> Response
where
    S: Stream + Send + 'static,
    S::Item: IntoEvent + Send,
    <S::Item as IntoEvent>::Event: Send,
{
    sse_stream_with(&SseOptions::new(), events)
}

/// Returns a response as [`sse_stream`] does, with options.
pub fn sse_stream_with<S>(options: &SseOptions, events: S) -> Response
where
    S: Stream + Send + 'static,
    S::Item: IntoEvent + Send,
    <S::Item as IntoEvent>::Event: Send,
{
    sse_session::sse_stream_with(options, events).map(Body::from)
}

/// Returns `204 No Content`, which makes an `EventSource` stop reconnecting (HTML § 9.2.3).
///
/// It has `Cache-Control: no-cache`. Otherwise a cache, such as Varnish, may give it to other clients.
#[must_use]
pub fn no_content() -> Response {
    sse_session::no_content().map(|_| Body::empty())
}

/// Returns the response to a request that gets no stream: the error's status, and `Retry-After` if the same
/// request may succeed later. It has no body, and nothing of the error's text.
///
/// ```
/// use sse_tokio_tcp::{
///     Limiter, Request, Response, SendError, Sse, SseOptions, refused, sse_response_with,
/// };
///
/// async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
///     sse.send("hello").await
/// }
///
/// fn respond(limiter: &Limiter<String>, user: &str, request: Request) -> Response {
///     match limiter.try_acquire(user.to_owned()) {
///         Ok(permit) => sse_response_with(&SseOptions::new().permit(permit), request, hello),
///         Err(error) => refused(&error),
///     }
/// }
/// ```
#[must_use]
pub fn refused(error: &(impl Refusal + ?Sized)) -> Response {
    sse_session::refused(error).map(|_| Body::empty())
}

/// Returns `404 Not Found`.
#[must_use]
pub fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "not found")
}

pub(crate) fn method_not_allowed() -> Response {
    let mut response = plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "only GET and HEAD are supported",
    );
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// Returns a response with a short text.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
