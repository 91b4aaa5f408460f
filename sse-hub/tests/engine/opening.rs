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

/// Polls the future until the topic is in the registry and the engine has delayed an answer.
macro_rules! poll_until_delayed {
    ($engine:expr, $node:expr, $opening:expr) => {
        while $node.metrics().topics == 0 {
            assert!($opening.as_mut().now_or_never().is_none(), "not yet");
            yield_now().await;
        }
        $engine.delay_next.store(true, Ordering::Relaxed);
        while $engine.delay_next.load(Ordering::Relaxed) {
            assert!($opening.as_mut().now_or_never().is_none(), "not yet");
            yield_now().await;
        }
    };
}

async fn open_one(engine: &Arc<MemoryEngine>, node: &sse_hub::Hub) -> Subscription {
    let mut opening = pin!(node.subscribe(["a"]).into_future());
    poll_until_delayed!(engine, node, opening);
    // Nothing subscribes yet, and nothing is held.
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
        poll_until_delayed!(engine, node, opening);
    }
    assert_eq!(node.metrics().topics, 0);
    engine.release.notify_one();
    let mut open = node.subscribe(["a"]).await.expect("a subscription");
    open.next().await.expect("a block").expect("no error");
}

#[tokio::test]
async fn a_subscriber_of_a_topic_whose_opening_has_failed_misses_nothing() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    // What is appended before the topic is in use here does not arrive live.
    engine.mute.store(true, Ordering::Relaxed);
    let mut first = Box::pin(node.presence("a"));
    poll_until_delayed!(engine, node, first);
    let unheard = Bytes::from_static(b"data: unheard\n\n");
    engine.append("a", unheard).expect("appended");
    engine.mute.store(false, Ordering::Relaxed);
    let mut second = pin!(node.subscribe(["a"]).into_future());
    for _ in 0..1_000 {
        assert!(second.as_mut().now_or_never().is_none(), "it waits");
        yield_now().await;
    }
    // The first one is given up before its answer.
    drop(first);
    within_bounds(async {
        let mut open = second.await.expect("a subscription");
        open.next().await.expect("a block").expect("no error");
        let next = node.publish("a", "next").await;
        next.expect("published");
        // It was caught up with before the subscription began.
        assert_eq!(next_event(&mut open).await.data, "next");
        assert_eq!(node.metrics().published, 2);
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
