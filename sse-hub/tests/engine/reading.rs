//! What happens while an engine takes its time to answer a read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::StreamExt as _;
use sse_hub::{Hub, Subscription};
use sse_hub_testing::engine::MemoryEngine;
use tokio::task::yield_now;

use crate::{next_event, within_bounds};

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
