//! A stream that begins with silence opens at once.

use std::time::Duration;

use sse_session::{SendError, Sse, SseOptions};
use tokio::sync::watch;

use crate::transports::{Site, Transport};

on_every_transport! {
    a_silent_stream_begins_with_a_comment,
    a_stream_that_begins_with_an_event_or_a_reconnection_time_has_no_such_comment,
    the_comment_can_be_turned_off,
}

/// Returns a site whose handlers send an event when they are asked to, and what asks them.
fn waiting() -> (Site, watch::Sender<bool>) {
    let (ask, asked) = watch::channel(false);
    let site = Site::new(move |_, sse: Sse| {
        let mut asked = asked.clone();
        async move {
            asked.wait_for(|asked| *asked).await.expect("a test");
            sse.send("late").await
        }
    });
    (site, ask)
}

async fn a_silent_stream_begins_with_a_comment<T: Transport>() {
    for options in [SseOptions::new(), SseOptions::new().without_keep_alive()] {
        let (site, ask) = waiting();
        let server = T::start(site.options(options)).await;
        for path in ["/", "/response"] {
            ask.send_replace(false);
            let mut response = server.get(path).await;
            // The handler waits until the comment has arrived.
            response.read_until("\n").await;
            assert_eq!(response.text(), ":\n");
            ask.send_replace(true);
            assert_eq!(response.complete().await, ":\ndata: late\n\n");
        }
    }
}

async fn a_stream_that_begins_with_an_event_or_a_reconnection_time_has_no_such_comment<
    T: Transport,
>() {
    let (site, ask) = waiting();
    let options = SseOptions::new().retry(Duration::from_secs(2));
    let server = T::start(site.options(options)).await;
    let mut response = server.get("/").await;
    response.read_until("\n").await;
    assert_eq!(response.text(), "retry: 2000\n");
    ask.send_replace(true);
    assert_eq!(response.complete().await, "retry: 2000\ndata: late\n\n");

    let server = T::start(Site::new(|_, sse: Sse| async move {
        sse.send("at once").await?;
        tokio::task::yield_now().await;
        sse.send("and again").await
    }))
    .await;
    assert_eq!(
        server.get("/").await.complete().await,
        "data: at once\n\ndata: and again\n\n"
    );
}

async fn the_comment_can_be_turned_off<T: Transport>() {
    let options = SseOptions::new()
        .without_opening_comment()
        .without_keep_alive();
    let site = Site::new(|_, sse: Sse| async move {
        tokio::task::yield_now().await;
        sse.send("late").await?;
        Ok::<_, SendError>(())
    });
    let server = T::start(site.options(options)).await;
    assert_eq!(server.get("/").await.complete().await, "data: late\n\n");
}
