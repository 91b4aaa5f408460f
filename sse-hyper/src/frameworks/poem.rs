use poem::{Request, Response, Route, get, handler};
use sse_hyper::sse_response;

use crate::events;

#[handler]
fn stream(request: &Request) -> Response {
    let response = sse_response(request.headers().clone(), events);
    response.into()
}

fn routes() -> Route {
    Route::new().at("/events", get(stream))
}
