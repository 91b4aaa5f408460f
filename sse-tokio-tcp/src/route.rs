//! Services that are boxed, so that those of different types fit into one collection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use crate::request::Request;
use crate::response::Response;
use crate::service::Service;

/// A [`Service`] that can be boxed.
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
