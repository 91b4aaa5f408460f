//! Topics that end in an engine, which may lose their end, or what was before it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::StreamExt as _;
use sse_hub::{Hub, PublishError, SubscribeError, Subscription};
use sse_hub_testing::engine::MemoryEngine;
use sse_hub_testing::reader::Reader;
use tokio::task::yield_now;

use crate::within_bounds;

const GAP: &str = "gap: lost";

struct Client {
    subscription: Subscription,
    reader: Reader,
}

impl Client {
    async fn of(node: &Hub, id: Option<&str>) -> Self {
        let subscribe = node.subscribe("a").resume(id);
        let subscription = subscribe.await.expect("a subscription");
        Self {
            reader: Reader::after(Some(&subscription.id())),
            subscription,
        }
    }

    /// The data of the next piece, and the reasons of its gaps; `None` if the stream ends.
    async fn piece(&mut self) -> Option<Vec<String>> {
        let piece = self.subscription.next().await?.expect("no error");
        let events = self.reader.feed(&piece).into_iter();
        let texts = events.map(|event| match &*event.name {
            "gap" => format!("gap: {}", event.gaps()[0].1),
            _ => event.data,
        });
        Some(texts.collect())
    }

    /// What comes up to the text.
    async fn read_to(&mut self, last: &str) -> Vec<String> {
        let mut all = Vec::new();
        within_bounds(async {
            while all.last().is_none_or(|data| data != last) {
                all.extend(self.piece().await.expect("it goes on"));
            }
        })
        .await;
        all
    }

    /// What comes until the stream ends.
    async fn read_all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        within_bounds(async {
            while let Some(piece) = self.piece().await {
                all.extend(piece);
            }
        })
        .await;
        all
    }

    fn id(&self) -> String {
        self.reader.id.clone().expect("an id")
    }
}

async fn publish(node: &Hub, range: std::ops::Range<usize>) {
    for number in range {
        let number = number.to_string();
        node.publish("a", number).await.expect("published");
    }
}

async fn is_over(node: &Hub, id: &str) -> bool {
    let opened = node.subscribe("a").resume(Some(id)).open().await;
    matches!(opened, Err(SubscribeError::Finished))
}

fn event(data: &str) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// Waits until so many losses are marked.
async fn until_marked(engine: &MemoryEngine, marks: usize) {
    within_bounds(async {
        while engine.marks("a") < marks {
            yield_now().await;
        }
    })
    .await;
    settle().await;
}

/// Lets everything happen that is going to happen.
async fn settle() {
    for _ in 0..2_000 {
        yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_entries_that_are_lost_doubled_or_late_change_nothing_about_the_end() {
    for _ in 0..20 {
        let engine = Arc::new(MemoryEngine::default());
        engine.faults.enabled.store(true, Ordering::Relaxed);
        let nodes = [engine.node(), engine.node(), engine.node_that_keeps(2)];
        let _driven = engine.drive();
        let mut clients = Vec::new();
        for node in &nodes {
            clients.push(Client::of(node, None).await);
        }
        let before = clients[0].id();
        publish(&nodes[1], 0..20).await;
        nodes[0].finish("a", "end").await.expect("finished");
        engine.interrupt();
        let expected: Vec<_> = (0..20).map(|number| number.to_string()).collect();
        let expected = [expected, vec!["end".to_owned()]].concat();
        for client in &mut clients {
            assert_eq!(client.read_all().await, expected);
        }
        for node in [&nodes[0], &nodes[2], &engine.node()] {
            let mut back = Client::of(node, Some(&before)).await;
            assert_eq!(back.read_all().await, expected);
            assert!(is_over(node, &back.id()).await);
        }
    }
}

#[tokio::test]
async fn a_lost_end_is_a_gap_and_the_topic_goes_on() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut open = Client::of(&nodes[0], None).await;
    let mut away = Client::of(&nodes[1], None).await;
    publish(&nodes[0], 0..3).await;
    assert_eq!(away.read_to("2").await, ["0", "1", "2"]);
    let before = away.id();
    drop(away);
    let end = nodes[0].finish("a", "end").await.expect("finished");
    let end = nodes[0].id_of("a", end);
    assert_eq!(open.read_all().await, ["0", "1", "2", "end"]);
    assert!(is_over(&nodes[0], &end).await);
    // One that has not been polled since, and waits.
    let mut behind = Client::of(&nodes[0], Some(&before)).await;

    engine.lose("a", 3);
    engine.interrupt();
    until_marked(&engine, 1).await;
    publish(&nodes[1], 3..4).await;
    assert_eq!(behind.read_to("3").await, [GAP, "3"]);
    for node in [&nodes[0], &nodes[1], &engine.node()] {
        assert!(!node.is_finished("a").await.expect("opened"));
        let mut back = Client::of(node, Some(&before)).await;
        assert_eq!(back.read_to("3").await, [GAP, "3"]);
        // The one that has had the end learns that it was lost.
        assert!(!is_over(node, &end).await);
        let mut ended = Client::of(node, Some(&end)).await;
        let gap = ended.piece().await.expect("it goes on");
        let gap = if gap.is_empty() {
            ended.piece().await.expect("it goes on")
        } else {
            gap
        };
        assert!(gap[0].starts_with("gap: "), "{gap:?}");
    }
    nodes[1].finish("a", "end again").await.expect("finished");
    assert_eq!(behind.read_all().await, ["end again"]);
}

#[tokio::test]
async fn a_loss_that_is_found_after_the_end_is_a_gap_before_no_content() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut open = Client::of(&node, None).await;
    let begin = open.id();
    publish(&node, 0..4).await;
    assert_eq!(open.read_to("3").await.len(), 4);
    let lost = open.id();
    engine.mute.store(true, Ordering::Relaxed);
    engine.lose("a", 3);
    engine.finish("a", event("end")).expect("finished");
    engine.mute.store(false, Ordering::Relaxed);
    engine.interrupt();
    until_marked(&engine, 1).await;
    assert_eq!(open.read_all().await, ["end", GAP]);
    for node in [&node, &engine.node()] {
        let mut back = Client::of(node, Some(&begin)).await;
        assert_eq!(back.read_to("end").await, ["0", "1", "2", "end"]);
        let end = back.id();
        assert_eq!(back.read_all().await, [GAP]);
        // One that was cut off between the two gets the gap as well.
        assert!(!is_over(node, &end).await);
        let mut after_end = Client::of(node, Some(&end)).await;
        assert_eq!(after_end.read_all().await, [GAP]);
        assert!(is_over(node, &after_end.id()).await);
        let refused = node.publish("a", "more").await;
        assert!(
            matches!(refused, Err(PublishError::Finished)),
            "{refused:?}"
        );
        assert!(!is_over(node, &lost).await);
    }
}

#[tokio::test]
async fn what_an_engine_has_after_the_end_is_never_delivered() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut open = Client::of(&nodes[0], None).await;
    let begin = open.id();
    publish(&nodes[0], 0..2).await;
    let end = nodes[0].finish("a", "end").await.expect("finished");
    let end = nodes[0].id_of("a", end);
    for data in ["late", "later"] {
        engine.append_after_end("a", event(data));
    }
    engine.interrupt();
    settle().await;
    assert_eq!(open.read_all().await, ["0", "1", "end"]);
    for node in [&nodes[0], &nodes[1], &engine.node()] {
        let mut back = Client::of(node, Some(&begin)).await;
        assert_eq!(back.read_all().await, ["0", "1", "end"]);
        let mut all = node.subscribe("a").from_start().await.expect("begun");
        let mut reader = Reader::default();
        let mut data = Vec::new();
        while let Some(piece) = all.next().await {
            data.extend(reader.feed(&piece.expect("no error")));
        }
        assert_eq!(data.len(), 3);
        // At the end, there is nothing.
        if let Ok(subscribe) = node.subscribe("a").resume(Some(&end)).open().await {
            let mut subscription = subscribe.await.expect("a subscription");
            within_bounds(async {
                while let Some(piece) = subscription.next().await {
                    let read = Reader::default().feed(&piece.expect("no error"));
                    assert_eq!(read, []);
                }
            })
            .await;
        }
    }
}
