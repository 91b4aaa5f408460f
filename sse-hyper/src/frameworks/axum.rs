use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use sse_hyper::sse_response;

use crate::events;

fn routes() -> Router {
    Router::new().route(
        "/events",
        get(|request: Request| async { sse_response(request, events) }),
    )
}
