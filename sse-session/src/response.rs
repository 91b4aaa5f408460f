//! Event streams as `http::Response`s.

use std::future::Future;

use futures_core::Stream;
use http::{HeaderMap, Method, Request, Response, StatusCode, request};

use crate::body::SseBody;
use crate::forward::forward;
use crate::handler_result::IntoHandlerResult;
use crate::into_event::IntoEvent;
use crate::last_event_id::parse_last_event_id;
use crate::options::SseOptions;
use crate::sse::Sse;
use crate::stream::SseStream;

/// A request, or as much of it as the handler wants to have: the whole `http::Request`, its
/// `Parts`, or its headers alone.
pub trait RequestHead {
    /// The request's headers.
    fn headers(&self) -> &HeaderMap;

    /// The request's method, where it is known.
    fn method(&self) -> Option<&Method>;
}

impl<B> RequestHead for Request<B> {
    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn method(&self) -> Option<&Method> {
        Some(self.method())
    }
}

impl RequestHead for request::Parts {
    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn method(&self) -> Option<&Method> {
        Some(&self.method)
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

/// Answers `request` with the events that `handler` sends.
///
/// The handler is called with the request and an [`Sse`], and runs while the response's body is
/// polled. `HEAD` is answered with the headers alone, without calling the handler.
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
    if request.method() == Some(&Method::HEAD) {
        return response(options, SseBody::empty());
    }
    let last_event_id = request
        .headers()
        .get("last-event-id")
        .and_then(|value| parse_last_event_id(value.as_bytes()))
        .map(ToOwned::to_owned);
    let start = |sse| handler(request, sse);
    let stream = SseStream::new(options, last_event_id.as_deref(), start);
    response(options, SseBody::new(stream))
}

/// A response with the events of a `futures::Stream`.
///
/// An item is an [`Event`](crate::Event), a [`Frame`](crate::Frame), text, JSON, or a `Result`
/// of one of these, whose error cuts the stream.
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
    response(options, SseBody::new(stream))
}

/// `204 No Content`: tells an `EventSource` to stop reconnecting (HTML § 9.2.3).
pub fn no_content() -> Response<SseBody> {
    let mut response = Response::new(SseBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn response(options: &SseOptions, body: SseBody) -> Response<SseBody> {
    let mut response = Response::new(body);
    *response.headers_mut() = options.response_headers();
    response
}
