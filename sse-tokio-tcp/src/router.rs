//! Several services, each at its path.

use std::collections::HashMap;
use std::fmt;

use crate::request::Request;
use crate::response::{Response, method_not_allowed, not_found};
use crate::service::{Endpoint, Route, Service};

/// Several services, each at its path. Every other path is answered with 404. For several methods at one
/// path, there is [`Methods`](crate::Methods).
///
/// Paths are compared byte by byte, without patterns. For patterns, write a service that matches
/// `request.uri()` itself: any async function from a request to a response.
///
/// ```
/// use sse_tokio_tcp::{Request, Response, Router, SendError, Sse, with_sse};
///
/// async fn ticks(_request: Request, sse: Sse) -> Result<(), SendError> {
///     sse.send("tick").await
/// }
///
/// async fn page(_request: Request) -> Response {
///     Response::new("<!doctype html><title>ticks</title>".into())
/// }
///
/// let router = Router::new().route("/", page).route("/ticks", with_sse(ticks));
/// ```
#[derive(Default)]
#[must_use = "routers do nothing unless served"]
pub struct Router {
    routes: HashMap<String, Box<dyn Route<()>>>,
    preflight: Option<Box<dyn Route<()>>>,
}

impl Router {
    /// Returns a router without routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves `service` at `path`, in place of an earlier service at that path.
    pub fn route(mut self, path: impl Into<String>, service: impl Service) -> Self {
        self.routes.insert(path.into(), Box::new(service));
        self
    }

    /// Answers the `OPTIONS` requests for all paths with `service`, in place of an earlier one. Without
    /// it, the service at the path [answers](Service::preflight) them, by default with 405, as they
    /// are where there is none. See [CORS](crate#cors).
    pub fn preflight(mut self, service: impl Service) -> Self {
        self.preflight = Some(Box::new(service));
        self
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.routes.keys()).finish()
    }
}

impl Service for Router {
    async fn call(&self, request: Request) -> Response {
        match self.routes.get(request.uri().path()) {
            Some(route) => route.call_boxed(request).await,
            None => not_found(),
        }
    }

    async fn preflight(&self, request: Request) -> Response {
        if let Some(service) = &self.preflight {
            return service.call_boxed(request).await;
        }
        match self.routes.get(request.uri().path()) {
            Some(route) => route.preflight_boxed(request).await,
            None => method_not_allowed(),
        }
    }

    fn endpoint(&self, head: &Request) -> Result<&Endpoint, Response> {
        match self.routes.get(head.uri().path()) {
            Some(route) => route.endpoint(head),
            None => Err(not_found()),
        }
    }
}
