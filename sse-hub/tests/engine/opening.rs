//! Topics that are being opened, while the engine takes its time.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{EngineError, OpenError, Subscription};
use sse_hub_testing::engine::MemoryEngine;
use tokio::task::yield_now;

use crate::{next_event, within_bounds};

/// Polls the future until the engine delays the answer to its read. It reads, as live entries may have
/// been lost while it waited for the engine to open the topic.
macro_rules! poll_until_delayed {
    ($engine:expr, $opening:expr) => {
        poll_until!($engine.delay_next_open, $opening);
        $engine.interrupt();
        // The driver takes it.
        yield_now().await;
        $engine.release.notify_one();
        poll_until!($engine.delay_next_read, $opening);
    };
}

/// Sets a delay, and polls the future until an answer is delayed.
macro_rules! poll_until {
    ($delay:expr, $opening:expr) => {
        $delay.store(true, Ordering::Relaxed);
        while $delay.load(Ordering::Relaxed) {
            assert!($opening.as_mut().now_or_never().is_none(), "not yet");
            yield_now().await;
        }
    };
}

async fn open_one(engine: &Arc<MemoryEngine>, node: &sse_hub::Hub) -> Subscription {
    let mut opening = pin!(node.subscribe(["a"]).into_future());
    poll_until_delayed!(engine, opening);
    // Nothing subscribes yet, and the window is empty.
    node.sweep();
    assert_eq!(node.metrics().topics, 1, "it is pinned");
    engine.release.notify_one();
    opening.await.expect("a subscription")
}

#[tokio::test]
async fn a_topic_that_is_being_opened_is_not_evicted() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut open = open_one(&engine, &node).await;
    node.publish("a", "x").await.expect("published");
    within_bounds(async {
        assert_eq!(next_event(&mut open).await.data, "x");
    })
    .await;
}

#[tokio::test]
async fn a_topic_whose_opening_is_given_up_is_evicted() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    {
        let mut opening = Box::pin(node.subscribe(["a"]).into_future());
        poll_until_delayed!(engine, opening);
    }
    assert_eq!(node.metrics().topics, 0);
    engine.release.notify_one();
    let mut open = node.subscribe(["a"]).await.expect("a subscription");
    open.next().await.expect("a block").expect("no error");
}

#[tokio::test]
async fn a_subscriber_of_a_topic_that_another_one_is_opening_misses_nothing_and_does_not_wait_for_it()
 {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let begin = node.subscribe(["a"]).await.expect("a subscription").id();
    // Appended after the read of the first one, and not delivered live.
    engine.mute.store(true, Ordering::Relaxed);
    let mut first = Box::pin(node.presence("a"));
    poll_until_delayed!(engine, first);
    let unheard = Bytes::from_static(b"data: unheard\n\n");
    engine.append("a", unheard).expect("appended");
    within_bounds(async {
        let subscribe = node.subscribe(["a"]).resume(Some(&begin));
        let mut second = subscribe.await.expect("a subscription");
        // There is no later entry that would reveal the hole.
        assert_eq!(next_event(&mut second).await.data, "unheard");
    })
    .await;
}

#[tokio::test]
async fn a_topic_is_read_at_its_opening_only_if_something_arrived_meanwhile() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    within_bounds(async {
        let _quiet = node.subscribe(["quiet"]).await.expect("a subscription");
        assert_eq!(engine.calls.read.load(Ordering::Relaxed), 0);

        let mut opening = pin!(node.subscribe(["busy"]).into_future());
        poll_until!(engine.delay_next_open, opening);
        let event = |data: &str| Bytes::from(format!("data: {data}\n\n"));
        engine.append("busy", event("meanwhile")).expect("appended");
        yield_now().await;
        engine.release.notify_one();
        let mut busy = opening.await.expect("a subscription");
        assert!(engine.calls.read.load(Ordering::Relaxed) > 0);
        engine.append("busy", event("next")).expect("appended");
        assert_eq!(next_event(&mut busy).await.data, "next");
    })
    .await;
}

#[tokio::test]
async fn presence_of_a_topic_that_cannot_be_opened_is_an_error() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    engine.down.store(true, Ordering::Relaxed);
    let error = node.presence("a").await.expect_err("it is down");
    assert!(matches!(error, OpenError::Engine(EngineError::Unavailable)));
    let error = node.presence("").await.expect_err("no name");
    assert!(matches!(error, OpenError::Topic(_)));
}
