//! The demo on a tokio listener, without an HTTP framework: a router with a service for each path.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use sse_tokio_tcp::{
    Body, Limits, Methods, Request, Router, Server, Service, Sse, sse_response_with, with_sse,
};
use tokio::net::TcpListener;

use crate::demo::{Demo, GRACE_PERIOD, MAX_BODY, bad_request};
use crate::handlers::{chat, hello, ticks};

/// Returns a service whose response is not an event stream.
fn fixed(
    demo: &Arc<Demo>,
    answer: fn(&Demo, &Request) -> http::Response<Bytes>,
) -> impl Service + use<> {
    let demo = Arc::clone(demo);
    move |request: Request| {
        let response = answer(&demo, &request).map(Body::from);
        async { response }
    }
}

pub(crate) async fn serve(listener: TcpListener, demo: Arc<Demo>) -> io::Result<()> {
    let hello = with_sse(hello).options(demo.hello_options.clone());
    let ticking = Arc::clone(&demo);
    let ticks = with_sse(move |request: Request, sse: Sse| {
        let query = request.uri().query().map(str::to_owned);
        ticks(Arc::clone(&ticking), query, sse)
    })
    .options(demo.ticks_options.clone());
    let chatting = Arc::clone(&demo);
    // A service function instead of `with_sse`, as the response may not be an event stream.
    let events = move |request: Request| {
        let query = request.uri().query().map(str::to_owned);
        let demo = Arc::clone(&chatting);
        let response = match demo.chat.visitor(query.as_deref()) {
            Ok(visitor) => sse_response_with(&demo.chat_options.clone(), request, |_, sse| {
                chat(demo, visitor, query, sse)
            }),
            Err(invalid) => bad_request(&invalid).map(Body::from),
        };
        async { response }
    };
    let saying = Arc::clone(&demo);
    let say = move |request: Request<Bytes>| {
        let demo = Arc::clone(&saying);
        async move {
            let content_type = request.headers().get(CONTENT_TYPE);
            let content_type = content_type.map(HeaderValue::as_bytes);
            let said = demo.say(request.uri().query(), content_type, request.body());
            said.await.map(Body::from)
        }
    };
    let router = Router::new()
        .route("/hello", hello)
        .route("/ticks", ticks)
        .route("/chat/events", events)
        .route("/chat/say", Methods::new().post(say))
        .route("/chat", fixed(&demo, |demo, _| demo.chat_page()))
        .route("/", fixed(&demo, |demo, _| demo.page()))
        .route("/servers", fixed(&demo, |demo, _| demo.servers()))
        .route(
            "/drop",
            fixed(&demo, |demo, request| {
                demo.drop_stream(request.uri().query())
            }),
        );
    let limits = Limits::new().grace_period(GRACE_PERIOD);
    let limits = limits.max_body_size(MAX_BODY);
    Server::new()
        .limits(limits)
        .shutdown(demo.stop.clone())
        .serve(listener, router)
        .await;
    Ok(())
}
