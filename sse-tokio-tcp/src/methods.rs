//! Several services at one path, each for its method.

use std::fmt;

use bytes::Bytes;
use http::header::{ALLOW, HeaderValue};
use http::{Method, StatusCode};

use crate::request::Request;
use crate::response::{Response, plain};
use crate::service::{Endpoint, Route, Service};

/// Several services at one path, each for its method. Every other method is answered with 405.
///
/// A service for [`POST`](Self::post) or [any other method](Self::on) takes the body of the request as
/// bytes, after all of it has arrived, within [`Limits::max_body_size`](crate::Limits::max_body_size) and
/// [`Limits::body_timeout`](crate::Limits::body_timeout). Its handler is like that of the other adapters:
///
/// ```
/// use bytes::Bytes;
/// use sse_tokio_tcp::{
///     BoxError, Methods, Request, Response, Router, SendError, Sse, no_content, with_sse,
/// };
///
/// async fn ticks(_request: Request, sse: Sse) -> Result<(), SendError> {
///     sse.send("tick").await
/// }
///
/// // Answers a POST with a stream.
/// async fn answer(request: Request<Bytes>, sse: Sse) -> Result<(), BoxError> {
///     let question = str::from_utf8(request.body())?;
///     sse.send(format!("to {question}: 42")).await?;
///     Ok(())
/// }
///
/// async fn forget(_request: Request<Bytes>) -> Response {
///     no_content()
/// }
///
/// let methods = Methods::new()
///     .get(with_sse(ticks))
///     .post(with_sse(answer))
///     .on(http::Method::DELETE, forget);
/// let router = Router::new().route("/ticks", methods);
/// ```
///
/// A handler that keeps its request while its stream is open keeps the body too.
#[derive(Default)]
#[must_use = "methods do nothing unless served"]
pub struct Methods {
    get: Option<Box<dyn Route<()>>>,
    /// Few, so that they are compared one by one.
    others: Vec<(Method, Endpoint)>,
}

impl Methods {
    /// Returns no methods.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers `GET` and `HEAD` with `service`, in place of an earlier one. A body of such a request is
    /// ignored.
    pub fn get(mut self, service: impl Service) -> Self {
        self.get = Some(Box::new(service));
        self
    }

    /// Answers `POST` with `service`, in place of an earlier one.
    pub fn post(self, service: impl Service<Bytes>) -> Self {
        self.on(Method::POST, service)
    }

    /// Answers `method` with `service`, in place of an earlier one.
    ///
    /// A request without a body has an empty one, and so has each `GET`, `HEAD` and `OPTIONS`. The
    /// first two are answered by the service of [`Methods::get`], if there is one, and a `HEAD` that has
    /// no service of its own by that of `GET`.
    pub fn on(mut self, method: Method, service: impl Service<Bytes>) -> Self {
        self.others.retain(|(other, _)| *other != method);
        self.others.push((method, Endpoint::new(service)));
        self
    }

    fn other(&self, method: &Method) -> Option<&Endpoint> {
        let found = self.others.iter().find(|(other, _)| other == method);
        found.map(|(_, endpoint)| endpoint)
    }

    /// Answers a request whose body is not read.
    async fn call_other(&self, request: Request) -> Response {
        let other = self.other(request.method());
        let for_head = || self.other(&Method::GET);
        let other = match *request.method() {
            Method::HEAD => other.or_else(for_head),
            _ => other,
        };
        match other {
            Some(endpoint) => endpoint.call(request.map(|()| Bytes::new())).await,
            None => self.not_allowed(),
        }
    }

    fn not_allowed(&self) -> Response {
        let mut allowed = Vec::with_capacity(2 + self.others.len());
        let has_get = self.get.is_some() || self.other(&Method::GET).is_some();
        if has_get {
            allowed.extend(["GET", "HEAD"]);
        }
        let others = self.others.iter().map(|(method, _)| method.as_str());
        allowed.extend(others.filter(|method| !has_get || !["GET", "HEAD"].contains(method)));
        let mut response = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "the method is not supported here",
        );
        // Methods are tokens, so they are a valid value.
        if let Ok(allowed) = HeaderValue::try_from(allowed.join(", ")) {
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let get = self.get.as_ref().map(|_| &Method::GET);
        let others = self.others.iter().map(|(method, _)| method);
        f.debug_set()
            .entries(get.into_iter().chain(others))
            .finish()
    }
}

impl Service for Methods {
    async fn call(&self, request: Request) -> Response {
        match &self.get {
            Some(get) => get.call_boxed(request).await,
            None => self.call_other(request).await,
        }
    }

    async fn preflight(&self, request: Request) -> Response {
        self.call_other(request).await
    }

    fn endpoint(&self, head: &Request) -> Result<&Endpoint, Response> {
        self.other(head.method()).ok_or_else(|| self.not_allowed())
    }
}
