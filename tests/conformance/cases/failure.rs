//! A handler that fails: the client must not take what it got for all there is.

use sse_session::{BoxError, Sse};
use tokio::sync::watch;

use crate::client::End;
use crate::handlers::Handlers;
use crate::transports::{Asked, Site, Transport};

on_every_transport! {
    a_failed_handler_cuts_the_stream,
    a_handler_that_fails_at_once_cuts_the_stream,
    a_handler_that_panics_cuts_its_stream_and_no_other,
    a_failed_handler_cuts_the_stream_of_an_http_1_0_client_where_that_is_promised,
}

async fn a_failed_handler_cuts_the_stream<T: Transport>() {
    let server = T::start(Site::new(|_, sse: Sse| async move {
        sse.send("before").await?;
        Err::<(), BoxError>("database gone".into())
    }))
    .await;
    for path in ["/", "/response"] {
        let (text, end) = server.get(path).await.rest().await;
        assert_eq!(text, "data: before\n\n", "what was sent before arrives");
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
        move |asked: Asked, sse: Sse| {
            let guard = handlers.guard();
            let mut see = see.clone();
            async move {
                let _guard = guard;
                sse.send("before").await.expect("open");
                see.wait_for(|seen| *seen).await.expect("a client");
                assert!(!asked.target.contains("panic"), "a panic for this test");
                sse.send("after").await.expect("open");
            }
        }
    }))
    .await;
    let mut healthy = server.get("/").await;
    let mut doomed = server.get("/?panic").await;
    healthy.receive("before").await;
    doomed.receive("before").await;

    seen.send_replace(true);
    let (text, end) = doomed.rest().await;
    assert_eq!(text, "data: before\n\n");
    assert_ne!(end, End::Complete);
    assert_eq!(healthy.complete().await, "data: before\n\ndata: after\n\n");
    assert_eq!(
        server.get("/").await.complete().await,
        "data: before\n\ndata: after\n\n",
        "the server goes on"
    );
    handlers.dropped(3).await;
}

async fn a_failed_handler_cuts_the_stream_of_an_http_1_0_client_where_that_is_promised<
    T: Transport,
>() {
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
        // The end of the connection is all that such a client is told.
        assert_eq!(end, End::Complete);
    }
}
