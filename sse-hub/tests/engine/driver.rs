//! When the driver of a hub completes, and what becomes of a hub without one.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{EngineError, PublishError, SubscribeError};
use sse_hub_testing::engine::MemoryEngine;
use sse_hub_testing::log::Log;

use crate::{until_published, within_bounds};

#[tokio::test]
async fn a_driver_completes_after_a_shutdown_when_the_last_subscription_has_ended() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let mut driven = engine.drive();
    let open = node.subscribe(["a"]).await.expect("a subscription");
    let retry = Duration::ZERO..=Duration::ZERO;
    assert_eq!(node.shutdown(Duration::ZERO, retry).await, 1);
    tokio::task::yield_now().await;
    assert!(driven.try_join_next().is_none(), "one is open");
    drop(open);
    within_bounds(async {
        driven.join_next().await.expect("one").expect("no panic");
    })
    .await;
}

#[tokio::test]
async fn a_driver_completes_when_the_last_handle_of_its_hub_is_dropped() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let mut driven = engine.drive();
    let mut open = node.subscribe(["a"]).await.expect("a subscription");
    node.publish("a", "last").await.expect("published");
    let other = node.clone();
    drop(node);
    tokio::task::yield_now().await;
    assert!(driven.try_join_next().is_none(), "there is another handle");
    until_published(&other, 1).await;
    drop(other);
    let mut pieces = Vec::new();
    while let Some(piece) = open.next().await {
        pieces.extend_from_slice(&piece.expect("no error"));
    }
    let pieces = String::from_utf8(pieces).expect("text");
    let (before_id, _) = pieces.rsplit_once("\nid: ").expect("an id");
    assert!(before_id.ends_with("\n\ndata: last"), "{pieces:?}");
    drop(open);
    within_bounds(async {
        driven.join_next().await.expect("one").expect("no panic");
    })
    .await;
}

#[tokio::test]
async fn a_driver_that_has_completed_is_ready_again() {
    let engine = Arc::new(MemoryEngine::default());
    drop(engine.node());
    let mut driver = pin!(engine.take_driver());
    for _ in 0..3 {
        let cx = &mut Context::from_waker(Waker::noop());
        assert_eq!(driver.as_mut().poll(cx), Poll::Ready(()));
    }
}

#[tokio::test]
async fn a_publish_to_an_engine_that_is_polled_after_it_has_completed_stays_pending() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let mut published = pin!(node.publish("a", "x"));
    published.as_mut().await.expect("published");
    assert!(published.as_mut().now_or_never().is_none());
    engine.down.store(true, Ordering::Relaxed);
    let mut refused = pin!(node.publish("a", "y"));
    let error = refused.as_mut().await.expect_err("it is down");
    assert!(matches!(
        error,
        PublishError::Engine(EngineError::Unavailable)
    ));
    assert!(refused.as_mut().now_or_never().is_none());
    engine.down.store(false, Ordering::Relaxed);
    assert!(refused.now_or_never().is_none());
    assert_eq!(engine.len("a"), 1);
}

#[tokio::test]
async fn a_hub_whose_driver_was_dropped_has_shut_down() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let mut driven = engine.drive();
    let mut open = node.subscribe(["a"]).await.expect("a subscription");
    open.next().await.expect("a block").expect("no error");
    driven.shutdown().await;
    within_bounds(async {
        assert!(open.next().await.is_none(), "it has ended");
    })
    .await;
    let refused = node.publish("a", "x").await;
    assert!(matches!(refused, Err(PublishError::Shutdown)));
    let refused = node.subscribe(["a"]).await;
    assert!(matches!(refused, Err(SubscribeError::Shutdown)));
    assert_eq!(engine.len("a"), 0);
}

#[tokio::test]
async fn a_driver_that_was_not_polled_when_the_engine_has_answered_is_logged_once() {
    let warnings = || {
        let engine = Arc::new(MemoryEngine::default());
        (engine.node(), engine, Log::default())
    };
    // A driver that is kept.
    let (node, engine, log) = warnings();
    let _kept = engine.take_driver();
    log.of(async {
        for _ in 0..3 {
            node.publish("a", "x").await.expect("published");
            drop(node.subscribe(["a"]).await.expect("a subscription"));
        }
    })
    .await;
    let [warning] = &log.messages()[..] else {
        panic!("{:?}", log.messages());
    };
    assert!(
        warning.starts_with("WARN driver was not polled yet"),
        "{warning}"
    );
    // One that is spawned, and polled before an engine on the network has answered.
    let (node, engine, log) = warnings();
    let _driven = engine.drive();
    tokio::task::yield_now().await;
    log.of(async {
        drop(node.subscribe(["a"]).await.expect("a subscription"));
        node.publish("a", "x").await.expect("published");
    })
    .await;
    assert_eq!(log.messages(), [""; 0]);
}
