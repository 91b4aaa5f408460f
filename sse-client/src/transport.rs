//! The HTTP stack, whichever it is, with its types erased: one allocation for a request and one
//! for a response, and an event source that can be named.

use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tower_service::Service;

use crate::error::BoxError;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A response body of any stack.
pub(crate) type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Sends one request at a time.
pub(crate) trait Transport: Send {
    fn send(&mut self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>, BoxError>>;
}

/// Erases a service whose requests have the body `B`.
pub(crate) fn erase<S, B, R>(service: S) -> Box<dyn Transport>
where
    S: Service<Request<B>, Response = Response<R>> + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: From<Bytes> + 'static,
    R: http_body::Body + Send + 'static,
    R::Data: Send,
    R::Error: Into<BoxError> + Send,
{
    Box::new(Erased {
        service,
        body: PhantomData,
    })
}

struct Erased<S, B> {
    service: S,
    body: PhantomData<fn(B)>,
}

impl<S, B, R> Transport for Erased<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Send,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: From<Bytes>,
    R: http_body::Body + Send + 'static,
    R::Data: Send,
    R::Error: Into<BoxError> + Send,
{
    fn send(&mut self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>, BoxError>> {
        Box::pin(async move {
            poll_fn(|cx| self.service.poll_ready(cx))
                .await
                .map_err(Into::into)?;
            let sent = self.service.call(request.map(B::from));
            let response = sent.await.map_err(Into::into)?;
            Ok(response.map(|body| {
                body.map_frame(|frame| {
                    frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))
                })
                .map_err(Into::into)
                .boxed_unsync()
            }))
        })
    }
}

/// A function as a service.
pub(crate) struct Function<F>(pub(crate) F);

impl<F, T, R, E> Service<Request<Bytes>> for Function<F>
where
    F: FnMut(Request<Bytes>) -> T,
    T: Future<Output = Result<Response<R>, E>>,
{
    type Response = Response<R>;
    type Error = E;
    type Future = T;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> T {
        (self.0)(request)
    }
}
