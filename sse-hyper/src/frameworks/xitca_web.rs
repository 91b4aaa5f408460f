use sse_hyper::sse_response;
use xitca_web::WebContext;
use xitca_web::body::{ResponseBody, StreamDataBody};
use xitca_web::http::WebResponse;

use crate::events;

async fn stream(context: &WebContext<'_>) -> WebResponse {
    let response = sse_response(context.req().headers().clone(), events);
    response.map(|body| ResponseBody::boxed(StreamDataBody::new(body)))
}
