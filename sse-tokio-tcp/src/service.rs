//! Services, which answer requests.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use crate::request::Request;
use crate::response::{Response, method_not_allowed};

/// Answers requests: any async function from a [`Request`] to a [`Response`], a handler in
/// [`with_sse`](crate::with_sse), several at their [methods](crate::Methods) or at the paths of a
/// [`Router`](crate::Router).
///
/// A service for requests with a body is a `Service<Bytes>`. [`Methods`](crate::Methods) or an
/// [`Endpoint`] makes it a part of another one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer requests",
    note = "`with_sse` takes an `async fn(Request, Sse)` that returns `()`, or a `Result<(), E>` whose error is `Into<BoxError>`",
    note = "another service is an `async fn(Request)` that returns a `Response`",
    note = "for `POST`, `Methods::post` takes both, with a `Request<Bytes>`",
    note = "the futures of both must be `Send`"
)]
pub trait Service<B = ()>: Send + Sync + 'static {
    /// Answers a `GET` or `HEAD` request, or one with a body.
    fn call(&self, request: Request<B>) -> impl Future<Output = Response> + Send;

    /// Answers an `OPTIONS` request, which is a preflight of CORS (Fetch § 4.8) in most cases, unless
    /// [`Server::cors`](crate::Server::cors) has answered it. By default, the answer is 405. A
    /// [`Router`](crate::Router) asks the service at the path, unless
    /// [`Router::preflight`](crate::Router::preflight) sets one for all paths.
    fn preflight(&self, _request: Request) -> impl Future<Output = Response> + Send {
        async { method_not_allowed() }
    }

    /// Returns the service that answers a request of another method, before its body is read. By
    /// default, there is none.
    ///
    /// # Errors
    ///
    /// The response, 405 by default, if there is no such service.
    #[expect(
        clippy::result_large_err,
        reason = "it is a response either way, and returned once for a request"
    )]
    fn endpoint(&self, _head: &Request) -> Result<&Endpoint, Response> {
        Err(method_not_allowed())
    }
}

impl<S, B, F> Service<B> for S
where
    S: Fn(Request<B>) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send,
{
    fn call(&self, request: Request<B>) -> impl Future<Output = Response> + Send {
        self(request)
    }
}

/// A [`Service`] that can be boxed, so that those of different types fit into one collection.
pub(crate) trait Route<B>: Send + Sync {
    fn call_boxed(&self, request: Request<B>) -> Answer<'_>;

    fn preflight_boxed(&self, request: Request) -> Answer<'_>;

    #[expect(
        clippy::result_large_err,
        reason = "it is a response either way, and returned once for a request"
    )]
    fn endpoint(&self, head: &Request) -> Result<&Endpoint, Response>;
}

pub(crate) type Answer<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

impl<B: 'static, S: Service<B>> Route<B> for S {
    fn call_boxed(&self, request: Request<B>) -> Answer<'_> {
        Box::pin(self.call(request))
    }

    fn preflight_boxed(&self, request: Request) -> Answer<'_> {
        Box::pin(self.preflight(request))
    }

    fn endpoint(&self, head: &Request) -> Result<&Endpoint, Response> {
        Service::endpoint(self, head)
    }
}

/// A service for requests with a body, which gets it as bytes. [`Service::endpoint`] returns it.
pub struct Endpoint(Box<dyn Route<Bytes>>);

impl Endpoint {
    /// Returns an endpoint with this service.
    pub fn new(service: impl Service<Bytes>) -> Self {
        Self(Box::new(service))
    }

    /// Answers a request.
    pub async fn call(&self, request: Request<Bytes>) -> Response {
        self.0.call_boxed(request).await
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}
