//! Services, which answer requests.

use std::fmt;
use std::future::Future;

use sse_session::{IntoHandlerResult, Sse, SseOptions};

use crate::request::Request;
use crate::response::{Response, method_not_allowed, sse_response_with};
use crate::route::Endpoint;

/// Answers requests: any async function from a [`Request`] to a [`Response`], a handler in
/// [`with_sse`], several at their [methods](crate::Methods) or at the paths of a
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

/// Returns a service that answers each request with the events that `handler` sends. The handler
/// is an async function of the request and an [`Sse`].
pub fn with_sse<H>(handler: H) -> WithSse<H> {
    WithSse {
        handler,
        options: SseOptions::new(),
    }
}

/// A service that answers each request with the events that its handler sends. [`with_sse`]
/// returns it.
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
}

impl<H> fmt::Debug for WithSse<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithSse")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<H, B, F> Service<B> for WithSse<H>
where
    H: Fn(Request<B>, Sse) -> F + Send + Sync + 'static,
    B: Send,
    F: Future + Send + 'static,
    F::Output: IntoHandlerResult,
{
    async fn call(&self, request: Request<B>) -> Response {
        sse_response_with(&self.options, request, &self.handler)
    }
}
