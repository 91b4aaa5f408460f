//! A failed handler: the client must not take what it received for the whole stream.

use sse_session::{BoxError, Sse};
use tokio::sync::watch;

use crate::client::End;
use crate::handlers::Handlers;
use crate::transports::{RequestInfo, Site, Transport};

on_every_transport! {
    a_failed_handler_cuts_the_stream,
    a_handler_that_fails_at_once_cuts_the_stream,
    a_handler_that_panics_cuts_its_stream_and_no_other,
    a_failed_handler_resets_an_http_1_0_client_where_that_is_documented,
}

async fn a_failed_handler_cuts_the_stream<T: Transport>() {
    let server = T::start(Site::new(|_, sse: Sse| async move {
        sse.send("before").await?;
        Err::<(), BoxError>("database gone".into())
    }))
    .await;
    for path in ["/", "/response"] {
        let (text, end) = server.get(path).await.rest().await;
        assert_eq!(
            text, "data: before\n\n",
            "events sent before the failure arrive"
        );
        assert_ne!(end, End::Complete);
    }
}

async fn a_handler_that_fails_at_once_cuts_the_stream<T: Transport>() {
    let server = T::start(Site::new(|_, _| async {
        Err::<(), BoxError>("database gone".into())
    }))
    .await;
    let (text, end) = server.get("/").await.rest().await;
    assert_eq!(text, "");
    assert_ne!(end, End::Complete);
}

async fn a_handler_that_panics_cuts_its_stream_and_no_other<T: Transport>() {
    let handlers = Handlers::new();
    let (seen, see) = watch::channel(false);
    let server = T::start(Site::new({
        let handlers = handlers.clone();
        move |request: RequestInfo, sse: Sse| {
            let guard = handlers.guard();
            let mut see = see.clone();
            async move {
                let _guard = guard;
                sse.send("before").await.expect("open");
                see.wait_for(|seen| *seen).await.expect("a client");
                assert!(!request.target.contains("panic"), "a panic for this test");
                sse.send("after").await.expect("open");
            }
        }
    }))
    .await;
    let mut succeeding = server.get("/").await;
    let mut panicking = server.get("/?panic").await;
    succeeding.receive("before").await;
    panicking.receive("before").await;

    seen.send_replace(true);
    let (text, end) = panicking.rest().await;
    assert_eq!(text, "data: before\n\n");
    assert_ne!(end, End::Complete);
    assert_eq!(
        succeeding.complete().await,
        "data: before\n\ndata: after\n\n"
    );
    assert_eq!(
        server.get("/").await.complete().await,
        "data: before\n\ndata: after\n\n",
        "the server continues"
    );
    handlers.dropped(3).await;
}

async fn a_failed_handler_resets_an_http_1_0_client_where_that_is_documented<T: Transport>() {
    let (seen, see) = watch::channel(false);
    let server = T::start(Site::new(move |_, sse: Sse| {
        let mut see = see.clone();
        async move {
            sse.send("before").await?;
            see.wait_for(|seen| *seen).await?;
            Err::<(), BoxError>("database gone".into())
        }
    }))
    .await;
    let mut connection = server.connect().await;
    connection.send("GET / HTTP/1.0\r\n\r\n").await;
    let mut response = connection.response().await;
    response.receive("before").await;
    seen.send_replace(true);
    let (_, end) = response.rest().await;
    if T::RESETS_HTTP_10 {
        assert_eq!(end, End::Reset);
    } else {
        // Such a client sees nothing but the end of the connection.
        assert_eq!(end, End::Complete);
    }
}
