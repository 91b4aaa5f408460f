use salvo::http::ResBody;
use salvo::{Request, Response, Router, handler};
use sse_hyper::sse_response;

use crate::events;

#[handler]
async fn stream(req: &mut Request, res: &mut Response) {
    let response = sse_response(req.headers().clone(), events);
    res.merge_hyper(response.map(ResBody::stream));
}

fn routes() -> Router {
    Router::with_path("events").get(stream)
}
