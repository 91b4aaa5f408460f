//! The status and the headers of a response.

use http::header::{CONNECTION, DATE, TRANSFER_ENCODING, UPGRADE};
use sse_session::{Sse, SseOptions};

use crate::client::End;
use crate::handlers::Handlers;
use crate::transports::{RequestInfo, Site, Transport};

on_every_transport! {
    an_event_stream_has_its_status_and_headers,
    extra_headers_are_sent_and_defaults_can_be_replaced,
    head_is_answered_with_the_headers_alone_and_runs_no_handler,
    no_content_is_a_204_without_a_body,
}

async fn hello(_: RequestInfo, sse: Sse) -> Result<(), sse_session::SendError> {
    sse.send("hello").await
}

async fn an_event_stream_has_its_status_and_headers<T: Transport>() {
    let server = T::start(Site::new(hello)).await;
    for path in ["/", "/response", "/stream"] {
        let response = server.get(path).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.minor_version, 1);
        assert_eq!(
            response.header("content-type"),
            ["text/event-stream; charset=utf-8"]
        );
        assert_eq!(response.header("cache-control"), ["no-cache, no-transform"]);
        assert_eq!(response.header("x-accel-buffering"), ["no"]);
        assert_eq!(response.header(TRANSFER_ENCODING.as_str()), ["chunked"]);
        assert_eq!(response.header(DATE.as_str()).len(), 1);
        assert!(response.header(UPGRADE.as_str()).is_empty());
        assert!(response.header("keep-alive").is_empty());
        assert!(
            matches!(response.header(CONNECTION.as_str())[..], [] | ["close"]),
            "no other option of the connection"
        );
    }
}

async fn extra_headers_are_sent_and_defaults_can_be_replaced<T: Transport>() {
    let options = SseOptions::new()
        .header("Access-Control-Allow-Origin", "*")
        .and_then(|options| options.header("X-Twice", "1"))
        .and_then(|options| options.header("X-Twice", "2"))
        .and_then(|options| options.header("Cache-Control", "no-store"))
        .expect("valid headers");
    let server = T::start(Site::new(hello).options(options)).await;
    for path in ["/", "/response", "/stream"] {
        let response = server.get(path).await;
        assert_eq!(response.header("access-control-allow-origin"), ["*"]);
        assert_eq!(response.header("x-twice"), ["1", "2"]);
        assert_eq!(response.header("cache-control"), ["no-store"]);
        assert_eq!(
            response.header("content-type"),
            ["text/event-stream; charset=utf-8"]
        );
    }
}

async fn head_is_answered_with_the_headers_alone_and_runs_no_handler<T: Transport>() {
    let handlers = Handlers::new();
    let server = T::start(Site::new({
        let handlers = handlers.clone();
        move |request, sse| {
            let _guard = handlers.guard();
            hello(request, sse)
        }
    }))
    .await;
    for path in ["/", "/response"] {
        let mut connection = server.connect().await;
        connection
            .send(format!(
                "HEAD {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
            ))
            .await;
        let response = connection.response_to_head().await;
        assert_eq!(response.status, 200);
        assert_eq!(
            response.header("content-type"),
            ["text/event-stream; charset=utf-8"]
        );
        assert_eq!(response.header("x-accel-buffering"), ["no"]);
        assert!(
            response.into_connection().response_if_any().await.is_none(),
            "nothing follows"
        );
    }
    assert_eq!(handlers.total(), 0);
}

async fn no_content_is_a_204_without_a_body<T: Transport>() {
    let server = T::start(Site::new(hello)).await;
    let mut connection = server.connect().await;
    connection
        .send("GET /gone HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        .await;
    let mut response = connection.response().await;
    assert_eq!(response.status, 204);
    assert_eq!(response.header("cache-control"), ["no-cache"]);
    assert!(response.header("content-length").is_empty());
    assert!(response.header("transfer-encoding").is_empty());
    assert_eq!(response.rest().await, (String::new(), End::Complete));
    assert!(
        response.into_connection().response_if_any().await.is_none(),
        "nothing follows"
    );
}
