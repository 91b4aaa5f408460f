//! The event that ends a stream: one for a failed handler, another one for the end of the content.

use sse_session::{BoxError, Event, Sse, SseOptions};
use tokio_util::sync::CancellationToken;

use crate::client::End;
use crate::handlers::{Handlers, idle};
use crate::transports::{RequestInfo, Site, Transport};

on_every_transport! {
    a_failure_is_told_before_the_stream_is_cut,
    an_end_in_order_is_told,
    a_shutdown_is_not_told_as_an_end,
}

fn options() -> SseOptions {
    SseOptions::new()
        .failure_event(Event::new().event("failed").data("later"))
        .and_then(|options| options.end_event(Event::new().event("end").data("[DONE]")))
        .expect("valid events")
}

const FAILED: &str = "event: failed\ndata: later\n\n";
const END: &str = "event: end\ndata: [DONE]\n\n";

async fn a_failure_is_told_before_the_stream_is_cut<T: Transport>() {
    let site = Site::new(|request: RequestInfo, sse: Sse| async move {
        if request.target.contains("sends") {
            sse.send("before").await?;
        }
        if request.target.contains("later") {
            tokio::task::yield_now().await;
        }
        assert!(!request.target.contains("panics"), "a panic for this test");
        Err::<(), BoxError>("database gone".into())
    });
    let server = T::start(site.options(options())).await;
    for (target, before) in [
        ("/", ""),
        ("/?panics", ""),
        ("/?sends", "data: before\n\n"),
        ("/?sends&panics", "data: before\n\n"),
        ("/response?sends&later", "data: before\n\n"),
        ("/response?sends&later&panics", "data: before\n\n"),
    ] {
        let (text, end) = server.get(target).await.rest().await;
        assert_eq!(text, format!("{before}{FAILED}"), "{target}");
        assert_ne!(end, End::Complete, "{target}");
    }
}

async fn an_end_in_order_is_told<T: Transport>() {
    let site = Site::new(|_, sse: Sse| async move { sse.send("one").await });
    let server = T::start(site.options(options())).await;
    for (path, events) in [
        ("/", "data: one\n\n"),
        ("/response", "data: one\n\n"),
        ("/stream", "data: one\n\nevent: second\ndata: two\n\n"),
    ] {
        let mut response = server.get(path).await;
        assert_eq!(response.complete().await, format!("{events}{END}"));
    }
}

async fn a_shutdown_is_not_told_as_an_end<T: Transport>() {
    let (handlers, stop) = (Handlers::new(), CancellationToken::new());
    let options = options().shutdown(stop.clone());
    let server = T::start(idle(&handlers).options(options)).await;
    let mut response = server.get("/").await;
    response.receive("hello").await;
    stop.cancel();
    assert_eq!(response.complete().await, "data: hello\n\n");
    assert_eq!(handlers.running(), 0);
}
