//! What happens while an engine takes its time to answer a read.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{EngineError, Hub, SubscribeError, Subscription};
use sse_hub_testing::engine::MemoryEngine;
use sse_hub_testing::reader::{Event, Reader};
use tokio::task::{JoinSet, yield_now};
use tokio::time::Instant;

use crate::{next_event, until_published, within_bounds};

fn append(engine: &MemoryEngine, data: &str) {
    let event = Bytes::from(format!("data: {data}\n\n"));
    engine.append("a", event).expect("appended");
}

/// Interrupts the engine, and returns when the answer to the read that follows is delayed.
async fn delay_repair(engine: &MemoryEngine) {
    engine.delay_next_read.store(true, Ordering::Relaxed);
    engine.interrupt();
    within_bounds(async {
        while engine.delay_next_read.load(Ordering::Relaxed) {
            yield_now().await;
        }
    })
    .await;
}

async fn open(node: &Hub) -> Subscription {
    let mut open = node.subscribe(["a"]).await.expect("a subscription");
    open.next().await.expect("a block").expect("no error");
    open
}

#[tokio::test]
async fn an_old_entry_that_arrives_again_during_a_repair_does_not_hide_a_new_one() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut open = open(&node).await;
    append(&engine, "old");
    assert_eq!(next_event(&mut open).await.data, "old");
    delay_repair(&engine).await;
    append(&engine, "new");
    engine.deliver_oldest("a");
    for _ in 0..10 {
        yield_now().await;
    }
    engine.release.notify_one();
    within_bounds(async {
        assert_eq!(next_event(&mut open).await.data, "new");
    })
    .await;
}

/// Appends "0", "1" and "2" to the topic "a", and waits until its window on `node` has had them.
async fn append_three(engine: &MemoryEngine, node: &Hub) {
    for data in ["0", "1", "2"] {
        append(engine, data);
    }
    until_published(node, 3).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_follow_the_position_is_an_error_and_gives_nothing_twice() {
    let engine = Arc::new(MemoryEngine::default());
    let (node, other) = (engine.node_that_keeps(1), engine.node());
    let _driven = engine.drive();
    let begin = node.subscribe(["a"]).await.expect("a subscription").id();
    let _open = open(&node).await;
    append_three(&engine, &node).await;
    engine.repeat.store(true, Ordering::Relaxed);
    within_bounds(async {
        let mut opening = pin!(other.subscribe(["a"]).into_future());
        engine.delay_next_open.store(true, Ordering::Relaxed);
        while engine.delay_next_open.load(Ordering::Relaxed) {
            assert!(opening.as_mut().now_or_never().is_none(), "it waits");
            yield_now().await;
        }
        // Live entries may be lost, so the topic is read.
        engine.interrupt();
        yield_now().await;
        engine.release.notify_one();
        let error = opening.await.expect_err("an invalid answer");
        assert!(
            matches!(error, SubscribeError::Engine(EngineError::InvalidAnswer(_))),
            "{error:?}"
        );
    })
    .await;
    let subscribe = node.subscribe(["a"]).resume(Some(&begin));
    let mut late = subscribe.await.expect("a subscription");
    let mut reader = Reader::after(Some(&begin));
    late.next().await.expect("a block").expect("no error");
    // No entry is at the first position, so this answer is valid.
    let mut events = Vec::new();
    let second = Duration::from_secs(1);
    while let Ok(piece) = tokio::time::timeout(second, late.next()).await {
        events.extend(reader.feed(&piece.expect("a piece").expect("no error")));
        assert!(events.len() <= 3, "{events:?}");
    }
    engine.repeat.store(false, Ordering::Relaxed);
    append(&engine, "3");
    while events.last().is_none_or(|event| event.data != "3") {
        let piece = late.next().await.expect("a piece").expect("no error");
        events.extend(reader.feed(&piece));
    }
    let data: Vec<_> = events.iter().map(|event| &*event.data).collect();
    assert_eq!(data, ["0", "1", "2", "3"]);
}

#[tokio::test]
async fn at_shutdown_a_stream_that_waits_for_the_engine_ends_after_what_was_published() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node_that_keeps(1);
    let _driven = engine.drive();
    let begin = node.subscribe(["a"]).await.expect("a subscription").id();
    let open = open(&node).await;
    append_three(&engine, &node).await;
    // It also waits for a topic that has nothing.
    let mut late = node
        .subscribe(["a", "b"])
        .resume(Some(&begin))
        .await
        .expect("a subscription");
    late.next().await.expect("a block").expect("no error");
    engine.delay_next_read.store(true, Ordering::Relaxed);
    let retry = Duration::from_secs(1)..=Duration::from_secs(1);
    let reading = tokio::spawn(async move {
        let mut reader = Reader::after(Some(&begin));
        let mut events: Vec<Event> = Vec::new();
        while let Some(piece) = late.next().await {
            events.extend(reader.feed(&piece.expect("no error")));
        }
        events
            .into_iter()
            .map(|event| event.data)
            .collect::<Vec<_>>()
    });
    within_bounds(async {
        while engine.delay_next_read.load(Ordering::Relaxed) {
            yield_now().await;
        }
    })
    .await;
    let shutting_down = {
        let node = node.clone();
        tokio::spawn(async move { node.shutdown(Duration::from_secs(30), retry).await })
    };
    for _ in 0..10 {
        yield_now().await;
    }
    engine.release.notify_one();
    within_bounds(async {
        assert_eq!(reading.await.expect("no panic"), ["0", "1", "2"]);
    })
    .await;
    drop((open, shutting_down));
}

/// A node whose subscriber to "a" waits for the answer to a read, which the engine delays.
async fn with_a_reader_that_waits(engine: &Arc<MemoryEngine>) -> (Hub, Subscription, JoinSet<()>) {
    let node = engine.node_that_keeps(1);
    let driven = engine.drive();
    let begin = node.subscribe(["a"]).await.expect("a subscription").id();
    let _open = open(&node).await;
    append_three(engine, &node).await;
    let subscribe = node.subscribe(["a"]).resume(Some(&begin));
    let mut late = subscribe.await.expect("a subscription");
    late.next().await.expect("a block").expect("no error");
    engine.delay_next_read.store(true, Ordering::Relaxed);
    while engine.delay_next_read.load(Ordering::Relaxed) {
        assert!(late.next().now_or_never().is_none(), "it waits");
        yield_now().await;
    }
    (node, late, driven)
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_of_a_shutdown_a_stream_ends_although_the_engine_has_not_answered() {
    let engine = Arc::new(MemoryEngine::default());
    let (node, mut late, _driven) = with_a_reader_that_waits(&engine).await;
    let begun = Instant::now();
    let reading = tokio::spawn(async move {
        let last = late.next().await.expect("a block").expect("no error");
        assert_eq!(last.into_bytes(), "retry: 1000\n\n");
        assert!(late.next().await.is_none());
        begun.elapsed()
    });
    let within = Duration::from_secs(5);
    let retry = Duration::from_secs(1)..=Duration::from_secs(1);
    {
        // Dropping the future only ends the waiting.
        let mut shutdown = pin!(node.shutdown(within, retry));
        assert!(shutdown.as_mut().now_or_never().is_none());
    }
    within_bounds(async {
        let elapsed = reading.await.expect("no panic");
        let soon = within + Duration::from_millis(100);
        assert!((within..soon).contains(&elapsed), "{elapsed:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_of_a_shutdown_a_subscription_that_waits_for_the_engine_is_refused() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut begins = Box::pin(node.subscribe(["a"]).into_future());
    engine.delay_next_open.store(true, Ordering::Relaxed);
    while engine.delay_next_open.load(Ordering::Relaxed) {
        assert!(begins.as_mut().now_or_never().is_none(), "it waits");
        yield_now().await;
    }
    let now = Duration::ZERO..=Duration::ZERO;
    let mut shutdown = pin!(node.shutdown(Duration::from_secs(5), now));
    assert!(shutdown.as_mut().now_or_never().is_none());
    within_bounds(async {
        let refused = begins.await;
        assert!(
            matches!(refused, Err(SubscribeError::Shutdown)),
            "{refused:?}"
        );
        assert_eq!(shutdown.await, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_the_driver_a_stream_ends_although_the_engine_never_answers() {
    for is_last_handle in [false, true] {
        let engine = Arc::new(MemoryEngine::default());
        let (node, mut late, mut driven) = with_a_reader_that_waits(&engine).await;
        // Dropped, the hub waits for what was published, however long that takes.
        let _node = (!is_last_handle).then_some(node);
        let begun = Instant::now();
        driven.shutdown().await;
        within_bounds(async {
            assert!(late.next().await.is_none());
        })
        .await;
        let within = Duration::from_secs(5);
        let soon = within + Duration::from_millis(100);
        assert!((within..soon).contains(&begun.elapsed()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_after_the_driver_was_dropped_has_its_deadline_and_its_reconnection_time() {
    for seconds in [1, 30] {
        let engine = Arc::new(MemoryEngine::default());
        let (node, mut late, mut driven) = with_a_reader_that_waits(&engine).await;
        driven.shutdown().await;
        let begun = Instant::now();
        let reading = tokio::spawn(async move {
            let last = late.next().await.expect("a block").expect("no error");
            assert_eq!(last.into_bytes(), "retry: 1000\n\n");
            assert!(late.next().await.is_none());
            begun.elapsed()
        });
        yield_now().await;
        let within = Duration::from_secs(seconds);
        let retry = Duration::from_secs(1)..=Duration::from_secs(1);
        let mut shutdown = pin!(node.shutdown(within, retry));
        assert!(shutdown.as_mut().now_or_never().is_none());
        let elapsed = reading.await.expect("no panic");
        let soon = within + Duration::from_millis(100);
        assert!((within..soon).contains(&elapsed), "{elapsed:?}");
    }
}
