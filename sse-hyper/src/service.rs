//! A service that runs a handler.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderValue, Request, Response};
use hyper::service::Service;
use sse_session::{IntoHandlerResult, Sse, SseBody, SseOptions, sse_response_with};

/// Returns a service that answers each request with the events that `handler` sends. The handler
/// is an async function of the request and an [`Sse`]. Requests with a body are better answered by
/// [`sse_response`](crate::sse_response), see [Request bodies](crate#request-bodies).
///
/// ```
/// use sse_hyper::{Request, SendError, Sse, with_sse};
///
/// async fn ticks(_request: Request, sse: Sse) -> Result<(), SendError> {
///     sse.send("tick").await
/// }
///
/// let service = with_sse(ticks);
/// ```
pub fn with_sse<H>(handler: H) -> WithSse<H> {
    WithSse {
        handler,
        options: SseOptions::new(),
    }
}

/// A service that answers each request with the events that its handler sends. [`with_sse`]
/// returns it.
///
/// It implements [`hyper::service::Service`] and, with the feature `tower`, `tower::Service`; with the feature
/// `axum`, it is a handler of axum.
#[derive(Clone)]
#[must_use = "services do nothing unless served"]
pub struct WithSse<H> {
    handler: H,
    options: SseOptions,
}

impl<H> WithSse<H> {
    /// Sets the options.
    pub fn options(mut self, options: SseOptions) -> Self {
        self.options = options;
        self
    }

    #[cfg(feature = "axum")]
    pub(crate) fn into_parts(self) -> (H, SseOptions) {
        (self.handler, self.options)
    }

    fn respond<B, F>(&self, request: Request<B>) -> ResponseFuture
    where
        H: Fn(Request<B>, Sse) -> F,
        F: Future + Send + 'static,
        F::Output: IntoHandlerResult,
    {
        ResponseFuture {
            head: request.headers().values().next().cloned(),
            response: Some(sse_response_with(&self.options, request, &self.handler)),
        }
    }
}

impl<H> fmt::Debug for WithSse<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithSse")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The response of a [`WithSse`], which is ready at once.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture {
    /// A value in the buffer into which the request's head was read. hyper reads on before it polls this
    /// future, and takes another buffer for that while this one is in use. Otherwise it would keep this
    /// one, which is as long as the head was, for as long as the connection is open.
    head: Option<HeaderValue>,
    response: Option<Response<SseBody>>,
}

impl Future for ResponseFuture {
    type Output = Result<Response<SseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        self.head = None;
        // Like a future of the standard library, it must not be polled again, but does not panic.
        self.response
            .take()
            .map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("response", &self.response)
            .finish_non_exhaustive()
    }
}

impl<H, B, F> Service<Request<B>> for WithSse<H>
where
    H: Fn(Request<B>, Sse) -> F,
    F: Future + Send + 'static,
    F::Output: IntoHandlerResult,
{
    type Response = Response<SseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<B>) -> Self::Future {
        self.respond(request)
    }
}

#[cfg(feature = "tower")]
impl<H, B, F> tower_service::Service<Request<B>> for WithSse<H>
where
    H: Fn(Request<B>, Sse) -> F,
    F: Future + Send + 'static,
    F::Output: IntoHandlerResult,
{
    type Response = Response<SseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.respond(request)
    }
}
