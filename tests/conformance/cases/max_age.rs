//! A stream that reaches its age ends in order.

use std::time::Duration;

use sse_session::SseOptions;

use crate::handlers::{Handlers, idle};
use crate::transports::{Site, Transport};

on_every_transport! {
    a_stream_ends_at_its_age_and_the_next_one_lives_as_long,
}

async fn a_stream_ends_at_its_age_and_the_next_one_lives_as_long<T: Transport>() {
    let handlers = Handlers::new();
    let options = SseOptions::new()
        .max_age(Duration::from_millis(50))
        .retry_on_shutdown(Duration::from_secs(3))
        .end_event("end")
        .expect("a valid event");
    let site: Site = idle(&handlers).options(options);
    let server = T::start(site).await;
    for streams in 1..=2 {
        assert_eq!(server.get("/").await.complete().await, "data: hello\n\n");
        handlers.dropped(streams).await;
    }
}
