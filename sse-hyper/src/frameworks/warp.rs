use sse_hyper::sse_response;
use warp::{Filter, Rejection, Reply};

use crate::events;

fn routes() -> impl Filter<Extract = (impl Reply,), Error = Rejection> + Clone {
    warp::path("events")
        .and(warp::header::headers_cloned())
        .map(|headers| {
            let response = sse_response(headers, events);
            response.map(|body| warp::reply::stream(body).into_response().into_body())
        })
}
