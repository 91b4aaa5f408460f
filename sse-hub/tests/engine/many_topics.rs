//! Thousands of different topics that are opened at once, as when all clients come back after a node was
//! restarted. What that costs must not depend on how many there are.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use sse_hub::{Hub, Subscription};
use sse_hub_testing::engine::MemoryEngine;

use crate::within_bounds;

async fn open(node: &Hub, topics: std::ops::Range<usize>) -> Vec<Subscription> {
    let opening = topics.map(|number| async move {
        let subscribe = node.subscribe(format!("user {number}"));
        subscribe.await.expect("a subscription")
    });
    join_all(opening).await
}

/// Takes how often topics were opened and closed since the last call.
fn take_calls(engine: &MemoryEngine) -> [usize; 2] {
    let calls = [&engine.calls.open, &engine.calls.close];
    calls.map(|calls| calls.swap(0, Ordering::Relaxed))
}

#[tokio::test]
async fn each_of_many_topics_that_are_opened_at_once_is_opened_once() {
    const TOPICS: usize = 5_000;
    within_bounds(async {
        let engine = Arc::new(MemoryEngine::default());
        let node = engine.node();
        let _driven = engine.drive();
        let first = open(&node, 0..TOPICS).await;
        assert_eq!(take_calls(&engine), [TOPICS, 0]);
        assert_eq!(node.metrics().topics, TOPICS);
        // Others close meanwhile, and some of their topics are opened again.
        let mut first = first.into_iter();
        let closing = async {
            while let Some(subscription) = first.next() {
                drop(subscription);
                if first.len() % 8 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        };
        let opening = open(&node, TOPICS - 500..2 * TOPICS - 500);
        let (second, ()) = tokio::join!(opening, closing);
        let [opened, closed] = take_calls(&engine);
        assert!(opened <= TOPICS, "{opened}");
        assert_eq!(TOPICS + opened - closed, TOPICS, "{closed}");
        assert_eq!(node.metrics().topics, TOPICS);
        drop(second);
        assert_eq!(take_calls(&engine), [0, TOPICS]);
        assert_eq!(node.metrics().topics, 0);
    })
    .await;
}

#[tokio::test]
async fn after_a_restart_each_of_many_topics_is_opened_once_and_not_read() {
    const TOPICS: usize = 10_000;
    within_bounds(async {
        let engine = Arc::new(MemoryEngine::default());
        let ids: Vec<_> = {
            let node = engine.node();
            let _driven = engine.drive();
            let open = open(&node, 0..TOPICS).await;
            open.iter().map(Subscription::id).collect()
        };
        assert_eq!(take_calls(&engine), [TOPICS, TOPICS]);
        engine.calls.read.store(0, Ordering::Relaxed);
        let node = engine.node();
        let _driven = engine.drive();
        let resuming = ids.iter().enumerate().map(|(number, id)| {
            let subscribe = node.subscribe(format!("user {number}")).resume(Some(id));
            async move { subscribe.await.expect("a subscription") }
        });
        let open = join_all(resuming).await;
        assert_eq!(take_calls(&engine), [TOPICS, 0]);
        assert_eq!(engine.calls.read.load(Ordering::Relaxed), 0);
        assert_eq!(node.metrics().topics, TOPICS);
        drop(open);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_are_opened_by_several_threads_at_once_stay_open() {
    const TOPICS: usize = 1_000;
    within_bounds(async {
        let engine = Arc::new(MemoryEngine::default());
        let node = engine.node();
        let _driven = engine.drive();
        let opening: Vec<_> = (0..2 * TOPICS)
            .map(|number| {
                let node = node.clone();
                // Two for each topic.
                tokio::spawn(async move { open(&node, number / 2..number / 2 + 1).await })
            })
            .collect();
        let open = join_all(opening).await;
        let [opened, closed] = take_calls(&engine);
        assert_eq!(opened - closed, TOPICS, "{opened}");
        assert_eq!(node.metrics().topics, TOPICS);
        drop(open);
    })
    .await;
}
