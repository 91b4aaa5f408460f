//! Any HTTP stack, with its types erased, so that `EventSource` has no type parameters. This costs
//! one allocation per request and one per response.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tower_service::Service;

use crate::boxed::{BoxError, BoxFuture, erase_data};
use crate::request_body::RequestBody;

/// The body of a response, with its type erased.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// An HTTP stack that is sent one request at a time.
pub(crate) trait Transport: Send {
    fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Body>, BoxError>>;
}

/// Erases the type of a service.
pub(crate) fn erase<S, R>(service: S) -> Box<dyn Transport>
where
    S: Service<Request<RequestBody>, Response = Response<R>> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: http_body::Body + Send + 'static,
    R::Data: Send,
    R::Error: Into<BoxError> + Send,
{
    Box::new(Erased(service))
}

struct Erased<S>(S);

impl<S, R> Transport for Erased<S>
where
    S: Service<Request<RequestBody>, Response = Response<R>> + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: http_body::Body + Send + 'static,
    R::Data: Send,
    R::Error: Into<BoxError> + Send,
{
    fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> BoxFuture<'_, Result<Response<Body>, BoxError>> {
        Box::pin(async move {
            poll_fn(|cx| self.0.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            let sent = self.0.call(request.map(RequestBody::make));
            let response = sent.await.map_err(Into::into)?;
            Ok(response.map(|body| {
                let body = body.map_frame(erase_data);
                body.map_err(Into::into).boxed_unsync()
            }))
        })
    }
}

/// An async function as a service.
pub(crate) struct Function<F>(pub(crate) F);

impl<F, T, R, E> Service<Request<RequestBody>> for Function<F>
where
    F: FnMut(Request<RequestBody>) -> T,
    T: Future<Output = Result<Response<R>, E>>,
{
    type Response = Response<R>;
    type Error = E;
    type Future = T;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> T {
        (self.0)(request)
    }
}
