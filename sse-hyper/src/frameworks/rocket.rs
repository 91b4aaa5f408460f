use http::HeaderMap;
use rocket::http::Status;
use rocket::response::{Responder, Result};
use rocket::{Request, Response, get};
use sse_hyper::{IntoHandlerResult, Sse, sse_response};
use tokio_util::io::StreamReader;

use crate::events;

/// Answers with the events that its handler sends.
struct Events<H>(H);

impl<'r, H, F> Responder<'r, 'static> for Events<H>
where
    H: FnOnce(HeaderMap, Sse) -> F,
    F: Future<Output: IntoHandlerResult> + Send + 'static,
{
    fn respond_to(self, request: &'r Request<'_>) -> Result<'static> {
        let headers = request.headers().iter().filter_map(|header| {
            let name = header.name().as_str().parse().ok()?;
            Some((name, header.value().parse().ok()?))
        });
        let (parts, body) = sse_response(headers.collect::<HeaderMap>(), self.0).into_parts();
        let mut response = Response::build();
        for (name, value) in &parts.headers {
            let value = value.to_str().or(Err(Status::InternalServerError))?;
            response.raw_header(name.to_string(), value.to_owned());
        }
        response.streamed_body(StreamReader::new(body)).ok()
    }
}

#[get("/events")]
fn stream() -> impl for<'r> Responder<'r, 'static> {
    Events(events)
}
