use std::convert::Infallible;

use http::Response;
use sse_hyper::{Request, SseBody, with_sse};
use tower::{Service, ServiceBuilder};

use crate::events;

fn service()
-> impl Service<Request, Response = Response<SseBody>, Error = Infallible, Future: Send> + Clone {
    ServiceBuilder::new()
        .concurrency_limit(1000)
        .service(with_sse(events))
}
