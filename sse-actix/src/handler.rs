//! An actix handler that runs a handler with an `Sse`.

use std::fmt;
use std::future::{Future, Ready, ready};

use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse};
use sse_session::{IntoHandlerResult, Sse, SseOptions};

use crate::body::SseBody;
use crate::response::respond;

/// Returns an actix handler that answers each request with the events that `handler` sends. The
/// handler is an async function of the request and an [`Sse`].
///
/// The first argument is the [`HttpRequest`] or any other extractor. Several extractors go into a
/// tuple:
///
/// ```
/// use actix_web::{App, web};
/// use sse_actix::{SendError, Sse, with_sse};
///
/// async fn room(room: web::Path<String>, sse: Sse) -> Result<(), SendError> {
///     sse.send(format!("welcome to {room}")).await
/// }
///
/// let app = App::new().route("/rooms/{room}", web::get().to(with_sse(room)));
/// ```
pub fn with_sse<H>(handler: H) -> WithSse<H> {
    WithSse {
        handler,
        options: SseOptions::new(),
    }
}

/// An actix handler that answers each request with the events that its handler sends.
/// [`with_sse`] returns it.
#[derive(Clone)]
#[must_use = "handlers do nothing unless they are routed to"]
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

impl<H, A, F> Handler<(HttpRequest, A)> for WithSse<H>
where
    H: Fn(A, Sse) -> F + Clone + 'static,
    A: FromRequest + 'static,
    F: Future + 'static,
    F::Output: IntoHandlerResult,
{
    type Output = HttpResponse<SseBody>;
    type Future = Ready<HttpResponse<SseBody>>;

    fn call(&self, (request, extracted): (HttpRequest, A)) -> Self::Future {
        ready(respond(&self.options, &request, |sse| {
            (self.handler)(extracted, sse)
        }))
    }
}
