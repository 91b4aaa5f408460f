//! The demo on a tokio listener, without an HTTP framework: a router with a service for each path.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use sse_tokio_tcp::{Body, Limits, Request, Router, Server, Service, Sse, with_sse};
use tokio::net::TcpListener;

use crate::GRACE_PERIOD;
use crate::demo::Demo;
use crate::handlers::{hello, ticks};

/// A service with an answer that is no event stream.
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
    let router = Router::new()
        .route("/hello", hello)
        .route("/ticks", ticks)
        .route("/", fixed(&demo, |demo, _| demo.page()))
        .route("/servers", fixed(&demo, |demo, _| demo.servers()))
        .route(
            "/drop",
            fixed(&demo, |demo, request| {
                demo.drop_stream(request.uri().query())
            }),
        );
    Server::new()
        .limits(Limits::new().grace_period(GRACE_PERIOD))
        .shutdown(demo.stop.clone())
        .serve(listener, router)
        .await;
    Ok(())
}
