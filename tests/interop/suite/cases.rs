//! The cases: what the servers send, by handlers that any application could have.
//!
//! | case | the first response | the following ones |
//! |---|---|---|
//! | `events` | a reconnection time, all that an event can have, and silence between | |
//! | `compressed` | compressed, three events that wait until the one before was seen | |
//! | `silent-start` | silence, then an event | |
//! | `cut` | one event, half of the second one, and a failed handler | what follows the last event ID |
//! | `cut-after-id` | the same, but of the second event only the blank line is missing | the same |
//! | `failure` | one event and a failed handler | the same |
//! | `failure-event` | the same, and an event that says so | the same |
//! | `shutdown` | one event and an orderly shutdown | the same |
//! | `shutdown-with-retry` | the same, and a reconnection time at the end | the same |
//! | `stop-after-end` | one event and the end | 204, then an event |
//! | `stop-after-cut` | one event and a failed handler | the same |
//!
//! `hub` and those that begin with `hub-` are in [`hub_cases`](crate::hub_cases).

use futures_util::future::pending;
use sse_hub::Hub;
use sse_session::{BoxError, CancellationToken, Compression, Event, Frame, Sse, SseOptions};
use tokio::time::sleep;

use crate::hub_cases;
use crate::seen::Seen;
use crate::server::{Answer, not_found};
use crate::shape::Shape;
use crate::stream::{RETRY, SILENCE, interrupted, options, stream};

/// Answers the request `visit`, counted from 1, for a case.
pub(crate) fn answer(case: &str, visit: usize, shape: Shape, hub: &Hub, seen: Seen) -> Answer {
    match (case, visit) {
        ("events", _) => stream(options().retry(RETRY), |sse| events(sse, shape)),
        ("compressed", _) => {
            let options = options().compression(Compression::Gzip);
            stream(options, |sse| compressed(sse, shape, seen))
        }
        ("silent-start", _) => stream(options(), |sse| silent_start(sse, shape)),
        ("cut", 1) => failing(shape, Some(Unfinished::Half), seen),
        ("cut-after-id", 1) => failing(shape, Some(Unfinished::AllButTheBlankLine), seen),
        ("failure" | "stop-after-cut", 1) => failing(shape, None, seen),
        ("failure-event", 1) => {
            let options = interrupted().failure_event(shape.failure());
            stream(options.expect("an event"), |sse| {
                fail(sse, shape, None, seen)
            })
        }
        ("shutdown", 1) => shutdown(shape, options().retry(RETRY)),
        ("shutdown-with-retry", 1) => shutdown(shape, options().retry_on_shutdown(RETRY)),
        ("stop-after-end", 1) => stream(interrupted(), move |sse| async move {
            Ok(sse.send(shape.event(1, "one")).await?)
        }),
        ("stop-after-end" | "stop-after-cut", 2) => Answer::NoContent,
        (_, 1) => hub_cases::first(case, hub, seen).unwrap_or_else(not_found),
        _ => hub_cases::following(case, hub)
            .unwrap_or_else(|| stream(options(), |sse| resume(sse, shape))),
    }
}

async fn events(sse: Sse, shape: Shape) -> Result<(), BoxError> {
    sse.send(shape.event(1, "Grüße, 世界 😀")).await?;
    sleep(SILENCE).await;
    sse.send(shape.event(2, "a\u{2028}b\u{2029}c\u{85}d"))
        .await?;
    if matches!(shape, Shape::Plain) {
        let update = Event::new().event("update").id("3").data("two\nlines");
        sse.send(update).await?;
    }
    finish(&sse, shape).await
}

/// The texts of events that are long enough to be compressed.
const LONG: [&str; 2] = [
    "first, and first again, and first again, and first again, and then",
    "second, and first again, and first again, and first again, and end",
];

async fn compressed(sse: Sse, shape: Shape, seen: Seen) -> Result<(), BoxError> {
    for (id, text) in (1..).zip(LONG) {
        sse.send(shape.event(id, text)).await?;
        // A client that holds an event back gets no other one.
        seen.has(text).await;
    }
    finish(&sse, shape).await
}

async fn silent_start(sse: Sse, shape: Shape) -> Result<(), BoxError> {
    sleep(SILENCE).await;
    sse.send(shape.event(1, "one")).await?;
    finish(&sse, shape).await
}

/// The part of the second event that is sent before a handler fails.
#[derive(Clone, Copy)]
enum Unfinished {
    Half,
    AllButTheBlankLine,
}

fn failing(shape: Shape, second: Option<Unfinished>, seen: Seen) -> Answer {
    stream(interrupted(), move |sse| fail(sse, shape, second, seen))
}

async fn fail(
    sse: Sse,
    shape: Shape,
    second: Option<Unfinished>,
    seen: Seen,
) -> Result<(), BoxError> {
    sse.send(shape.event(1, "one")).await?;
    if let Some(unfinished) = second {
        let second = Frame::new(shape.event(2, "two"))?.into_bytes();
        let len = match unfinished {
            Unfinished::Half => second.len() / 2,
            Unfinished::AllButTheBlankLine => second.len() - 1,
        };
        sse.send_encoded(second.slice(..len)).await?;
    }
    // In a browser, a cut discards what the page has not read yet.
    seen.has("one").await;
    Err("the handler fails".into())
}

/// One event and an orderly shutdown.
fn shutdown(shape: Shape, options: SseOptions) -> Answer {
    let signal = CancellationToken::new();
    stream(options.shutdown(signal.clone()), move |sse| async move {
        sse.send(shape.event(1, "one")).await?;
        signal.cancel();
        pending().await
    })
}

/// Sends what follows the last event ID.
async fn resume(sse: Sse, shape: Shape) -> Result<(), BoxError> {
    let last: usize = sse.last_event_id().map_or(Ok(0), str::parse)?;
    for (id, text) in [(1, "one"), (2, "two")].into_iter().skip(last) {
        sse.send(shape.event(id, text)).await?;
    }
    finish(&sse, shape).await
}

async fn finish(sse: &Sse, shape: Shape) -> Result<(), BoxError> {
    for event in shape.ending() {
        sse.send(event).await?;
    }
    Ok(())
}
