use axum::extract::Request;
use axum::routing::get;
use sse_hyper::sse_response;
use tonic::service::Routes;

use crate::events;

/// Next to the services of gRPC. `Server::accept_http1` lets browsers in.
fn routes() -> Routes {
    let router = Routes::default().into_axum_router().route(
        "/events",
        get(|request: Request| async { sse_response(request, events) }),
    );
    router.into()
}
