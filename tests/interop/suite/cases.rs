//! The cases: what the servers send, by handlers that any application could have.
//!
//! | case | the first response | the following ones |
//! |---|---|---|
//! | `events` | everything that an event can have, with silence in the middle | |
//! | `cut` | one event, half of the second one, and a failed handler | what follows the last event ID |
//! | `cut-after-id` | the same, but only the blank line of the second event is missing | the same |
//! | `failure` | one event and a failed handler | the same |
//! | `shutdown` | one event and an orderly shutdown | the same |
//! | `shutdown-with-retry` | the same with a reconnection time at the end | the same |
//! | `stop-after-end` | one event and the end | 204, then, if there is one more request, an event |
//! | `stop-after-cut` | one event and a failed handler | the same |
//! | `hub` | a hub's events and a failed handler | what was published meanwhile, and one more event |
//! | `hub-without-an-event` | the same, but no event is published until the handler fails | the same |

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, pending};
use sse_hub::Hub;
use sse_session::{BoxError, CancellationToken, Event, Frame, Sse, SseOptions};
use tokio::time::{sleep, timeout};

use crate::server::{Answer, not_found};
use crate::shape::{LAST, Shape};

/// A short reconnection time, so that the tests are fast. Some clients never wait that little.
const RETRY: Duration = Duration::from_millis(100);

/// Several keep-alives long, so that there are some in the stream on a busy machine too.
const SILENCE: Duration = Duration::from_millis(250);

/// Answers the request `visit`, counted from 1, for a case.
///
/// A case has a topic of its own in the hub.
pub(crate) fn answer(case: &str, visit: usize, shape: Shape, hub: &Hub) -> Answer {
    let (hub, topic) = (hub.clone(), case.to_owned());
    match (case, visit) {
        ("events", _) => stream(options(), move |sse| Box::pin(events(sse, shape))),
        ("cut", _) => resumable(shape, Some(First::Half)),
        ("cut-after-id", _) => resumable(shape, Some(First::AllButTheBlankLine)),
        ("failure", _) => resumable(shape, Some(First::Nothing)),
        ("shutdown", 1) => shutdown(shape, options()),
        ("shutdown-with-retry", 1) => shutdown(shape, options().retry_on_shutdown(RETRY)),
        ("shutdown" | "shutdown-with-retry", _) => resumable(shape, None),
        ("stop-after-end", 1) => stream(options(), move |sse| {
            Box::pin(async move { Ok(sse.send(shape.event(1, "one")).await?) })
        }),
        ("stop-after-cut", 1) => resumable(shape, Some(First::Nothing)),
        ("stop-after-end" | "stop-after-cut", 2) => Answer::NoContent,
        ("stop-after-end" | "stop-after-cut", _) => resumable(shape, None),
        ("hub", 1) => stream(options(), move |sse| Box::pin(hub_events(sse, hub, topic, shape))),
        ("hub-without-an-event", 1) => {
            stream(options(), move |sse| Box::pin(hub_without_an_event(sse, hub, topic, shape)))
        }
        ("hub" | "hub-without-an-event", _) => stream(options(), move |sse| {
            Box::pin(async move {
                hub.publish(&topic, LAST).await?;
                hub.subscribe([&topic]).serve(sse).await
            })
        }),
        _ => not_found(),
    }
}

/// The part of the second event that is sent before the handler fails.
#[derive(Clone, Copy)]
enum First {
    Nothing,
    Half,
    AllButTheBlankLine,
}

/// Returns the options of all cases.
fn options() -> SseOptions {
    SseOptions::new().keep_alive(SILENCE / 6).retry(RETRY)
}

fn stream(
    options: SseOptions,
    handler: impl FnOnce(Sse) -> BoxFuture<'static, Result<(), BoxError>> + Send + 'static,
) -> Answer {
    Answer::Stream(options, Box::new(handler))
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

/// A stream that goes on after the last event ID. Without one, there is one event, then this part of
/// the second one, and the handler fails.
fn resumable(shape: Shape, first: Option<First>) -> Answer {
    stream(options(), move |sse| Box::pin(resume(sse, shape, first)))
}

async fn resume(sse: Sse, shape: Shape, first: Option<First>) -> Result<(), BoxError> {
    let last: usize = sse.last_event_id().map_or(Ok(0), str::parse)?;
    if let (0, Some(first)) = (last, first) {
        sse.send(shape.event(1, "one")).await?;
        let second = Frame::new(shape.event(2, "two"))?.into_bytes();
        let sent = match first {
            First::Nothing => 0,
            First::Half => second.len() / 2,
            First::AllButTheBlankLine => second.len() - 1,
        };
        sse.send_encoded(second.slice(..sent)).await?;
        return Err("the handler fails".into());
    }
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

/// One event and an orderly shutdown.
fn shutdown(shape: Shape, options: SseOptions) -> Answer {
    let signal = CancellationToken::new();
    stream(options.shutdown(signal.clone()), move |sse| {
        Box::pin(async move {
            sse.send(shape.event(1, "one")).await?;
            signal.cancel();
            pending().await
        })
    })
}

/// A hub's stream with two events that is cut in the middle of something, while the third event is
/// published.
async fn hub_events(sse: Sse, hub: Hub, topic: String, shape: Shape) -> Result<(), BoxError> {
    let subscription = hub.subscribe([&topic]).await?;
    hub.publish(&topic, Event::new().json(shape.data("one"))).await?;
    let mut serving = Box::pin(subscription.serve(sse.clone()));
    // Only its time ends it.
    let _ = timeout(SILENCE, &mut serving).await;
    hub.publish(&topic, Event::new().json(shape.data("two"))).await?;
    let _ = timeout(SILENCE, &mut serving).await;
    drop(serving);
    hub.publish(&topic, Event::new().json(shape.data("three"))).await?;
    sse.send_encoded(Bytes::from_static(b"data: unfini")).await?;
    Err("the handler fails".into())
}

/// A hub's stream that is cut before its first event, which is published then.
async fn hub_without_an_event(sse: Sse, hub: Hub, topic: String, shape: Shape) -> Result<(), BoxError> {
    let serving = hub.subscribe([&topic]).await?.serve(sse.clone());
    let _ = timeout(SILENCE, serving).await;
    hub.publish(&topic, Event::new().json(shape.data("one"))).await?;
    Err("the handler fails".into())
}
