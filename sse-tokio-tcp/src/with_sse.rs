//! Handlers as services.

use std::fmt;
use std::future::Future;

use sse_session::{IntoHandlerResult, Sse, SseOptions};

use crate::request::Request;
use crate::response::{Response, sse_response_with};
use crate::service::Service;

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
