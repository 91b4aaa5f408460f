//! Handlers of axum, with extractors before the stream.

use std::future::Future;
use std::pin::Pin;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use http::HeaderName;
#[cfg(feature = "gzip")]
use http::header::{ACCEPT_ENCODING, HeaderValue};
use sse_session::{IntoHandlerResult, Sse, SseOptions, sse_response_with};

use crate::service::WithSse;

type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// An async function that sends the events of a response in axum: its arguments are extractors of axum, as many
/// as eight, and an [`Sse`] at the end. All but the last extractor implement `FromRequestParts`, the last one
/// may take the body.
///
/// With it, the result of [`with_sse`](crate::with_sse) is a handler of axum: see [In axum](crate#in-axum). It cannot
/// be implemented otherwise.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler of an event stream in axum",
    label = "not a function of extractors and an `Sse`",
    note = "its arguments must be extractors (all but the last of them without the body) and an `Sse` at the end",
    note = "its output must be `()` or a `Result` of it, and its future must be `Send`",
    note = "its extractors must fit the state of the router"
)]
pub trait SseHandler<T, S>: Clone + Send + Sync + Sized + 'static {
    #[doc(hidden)]
    fn respond(self, options: SseOptions, request: Request, state: S) -> ResponseFuture;
}

impl<H, T, S> Handler<T, S> for WithSse<H>
where
    H: SseHandler<T, S>,
    S: Send + Sync + 'static,
{
    type Future = ResponseFuture;

    fn call(self, request: Request, state: S) -> Self::Future {
        let (handler, options) = self.into_parts();
        handler.respond(options, request, state)
    }
}

/// Returns what the stream needs of a request that the extractors take.
fn head(options: &SseOptions, request: &Request) -> Request<()> {
    const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    if let Some(id) = request.headers().get(LAST_EVENT_ID) {
        head.headers_mut().insert(LAST_EVENT_ID, id.clone());
    }
    #[cfg(feature = "gzip")]
    {
        let accepted = request.headers().get_all(ACCEPT_ENCODING).iter();
        if options.uses_gzip(accepted.map(HeaderValue::as_bytes)) {
            let gzip = HeaderValue::from_static("gzip");
            head.headers_mut().insert(ACCEPT_ENCODING, gzip);
        }
    }
    #[cfg(not(feature = "gzip"))]
    let _ = options;
    head
}

impl<H, F, S> SseHandler<((),), S> for H
where
    H: Fn(Sse) -> F + Clone + Send + Sync + 'static,
    F: Future<Output: IntoHandlerResult> + Send + 'static,
{
    fn respond(self, options: SseOptions, request: Request, _state: S) -> ResponseFuture {
        let response = sse_response_with(&options, head(&options, &request), |_, sse| self(sse));
        Box::pin(async { response.into_response() })
    }
}

macro_rules! impl_handler {
    ($($extractor:ident)* , $last:ident) => {
        impl<H, F, S, M, $($extractor,)* $last> SseHandler<(M, $($extractor,)* $last,), S> for H
        where
            H: Fn($($extractor,)* $last, Sse) -> F + Clone + Send + Sync + 'static,
            F: Future<Output: IntoHandlerResult> + Send + 'static,
            S: Send + Sync + 'static,
            $($extractor: FromRequestParts<S> + Send,)*
            $last: FromRequest<S, M> + Send,
        {
            #[allow(non_snake_case, unused_mut, reason = "the extractors are named as their types")]
            fn respond(self, options: SseOptions, request: Request, state: S) -> ResponseFuture {
                Box::pin(async move {
                    let head = head(&options, &request);
                    let (mut parts, body) = request.into_parts();
                    $(
                        let $extractor =
                            match $extractor::from_request_parts(&mut parts, &state).await {
                                Ok(extracted) => extracted,
                                Err(rejection) => return rejection.into_response(),
                            };
                    )*
                    let request = Request::from_parts(parts, body);
                    let $last = match $last::from_request(request, &state).await {
                        Ok(extracted) => extracted,
                        Err(rejection) => return rejection.into_response(),
                    };
                    let start = |_, sse| self($($extractor,)* $last, sse);
                    sse_response_with(&options, head, start).into_response()
                })
            }
        }
    };
}

impl_handler!(, T1);
impl_handler!(T1, T2);
impl_handler!(T1 T2, T3);
impl_handler!(T1 T2 T3, T4);
impl_handler!(T1 T2 T3 T4, T5);
impl_handler!(T1 T2 T3 T4 T5, T6);
impl_handler!(T1 T2 T3 T4 T5 T6, T7);
impl_handler!(T1 T2 T3 T4 T5 T6 T7, T8);
