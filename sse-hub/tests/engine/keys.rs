//! Ids of hubs that share an engine: with the same keys, while these are changed, and without any.

use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Event, Hub, IdKey, Position, TopicOptions};
use sse_hub_testing::engine::MemoryEngine;
use sse_hub_testing::log::Log;

use crate::{next_event, read_to};

fn key(number: u8) -> IdKey {
    IdKey::new([number; 32])
}

fn node(engine: &Arc<MemoryEngine>, keys: &[u8]) -> Hub {
    engine.node_with(Hub::builder().id_keys(keys.iter().copied().map(key)))
}

/// What comes for an id until nothing more does, and the length of the first id.
async fn answer(node: &Hub, topic: &str, id: &str) -> (String, usize) {
    let subscribe = node.subscribe([topic]).resume(Some(id));
    let mut subscription = subscribe.await.expect("a subscription");
    let (mut answer, mut len) = (String::new(), None);
    for _ in 0..1_000 {
        if let Some(Some(piece)) = subscription.next().now_or_never() {
            let piece = piece.expect("no error");
            let text = std::str::from_utf8(&piece).expect("text");
            for line in text.split_inclusive('\n') {
                match line.strip_prefix("id: ") {
                    Some(id) => {
                        len.get_or_insert(id.len());
                        answer.push_str("id: ID\n");
                    }
                    None => answer.push_str(line),
                }
            }
        }
        tokio::task::yield_now().await;
    }
    (answer, len.expect("an id"))
}

/// Publishes three events by a node, and returns the id of the first one.
async fn publish(node: &Hub) -> String {
    let mut ids = Vec::new();
    for number in 0..3 {
        let published = node.publish("a", number.to_string()).await;
        ids.push(node.id_of("a", published.expect("published")));
    }
    ids.swap_remove(0)
}

#[tokio::test]
async fn a_client_may_come_back_to_any_node_with_the_same_key() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [
        node(&engine, &[1]),
        node(&engine, &[1]),
        node(&engine, &[1]),
    ];
    let _driven = engine.drive();
    let id = publish(&nodes[0]).await;
    for node in &nodes {
        assert_eq!(read_to(node, &id, "2").await, ["1", "2"]);
    }
}

#[tokio::test]
async fn while_a_key_is_changed_in_three_steps_no_client_gets_a_gap() {
    let engine = Arc::new(MemoryEngine::default());
    // The nodes as they are restarted one after the other, from step to step.
    let steps: [&[u8]; 4] = [&[1], &[1, 2], &[2, 1], &[2]];
    for (before, after) in steps.iter().zip(&steps[1..]) {
        let nodes = [node(&engine, before), node(&engine, after)];
        let _driven = engine.drive();
        // The last step is taken when no client has an id of the step before the last one.
        for (made_by, accepted_by) in [(0, 1), (1, 0)] {
            let id = publish(&nodes[made_by]).await;
            let read = read_to(&nodes[accepted_by], &id, "2").await;
            assert_eq!(read, ["1", "2"], "{before:?} {after:?}");
        }
    }
}

#[tokio::test]
async fn ids_of_a_retired_or_foreign_key_are_answered_as_those_that_are_trimmed() {
    let gap = "id: ID\n\nevent: gap\ndata: {\"gaps\":[{\"reason\":\"unknown\",\"topic\":\"a\"}]}\nid: ID\n\n";
    let state = "event: state\ndata: x\nid: ID\n\n";
    for (has_state, expected) in [(false, gap.to_owned()), (true, gap.to_owned() + state)] {
        let engine = Arc::new(MemoryEngine::default());
        let with_options = |keys: &[u8]| {
            let builder = Hub::builder().id_keys(keys.iter().copied().map(key));
            engine.node_with(builder.topics(move |_| {
                let options = TopicOptions::new();
                if has_state {
                    options.snapshot(|| Event::new().event("state").data("x"))
                } else {
                    options
                }
            }))
        };
        let node = with_options(&[2, 3]);
        let _driven = engine.drive();
        let trimmed = publish(&node).await;
        publish(&node).await;
        engine.trim("a", 2);
        let elsewhere = |keys: &[u8], engine: &Arc<MemoryEngine>| {
            let hub = crate::keys::node(engine, keys);
            hub.id_of("a", engine.head("a"))
        };
        let head = engine.head("a");
        let mut forged = node.id_of("a", head).into_bytes();
        forged[0] = if forged[0] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).expect("ASCII");
        let mut lens = Vec::new();
        for (why, id) in [
            ("trimmed", trimmed),
            ("forged", forged),
            ("of a retired key", elsewhere(&[1], &engine)),
            ("of the key that everybody knows", elsewhere(&[], &engine)),
            (
                "of another engine",
                node.id_of("a", Position::new(7, 1 << 40)),
            ),
            ("empty", String::new()),
            ("text", "text".to_owned()),
        ] {
            let (answer, len) = answer(&node, "a", &id).await;
            assert_eq!(answer, expected, "{why}");
            lens.push(len);
        }
        lens.dedup();
        assert_eq!(lens.len(), 1, "{lens:?}");
        // A key that is still listed is no reason.
        let listed = elsewhere(&[3, 2], &engine);
        let mut resumed = node
            .subscribe(["a"])
            .resume(Some(&listed))
            .await
            .expect("a subscription");
        node.publish("a", "next").await.expect("published");
        assert_eq!(next_event(&mut resumed).await.data, "next");
    }
}

/// A client that is cut off between the two comes back with the first id.
#[tokio::test]
async fn a_client_with_an_unknown_id_that_is_cut_off_before_the_gap_gets_it_when_it_is_back() {
    let engine = Arc::new(MemoryEngine::default());
    let node = node(&engine, &[1]);
    let _driven = engine.drive();
    let mut id = "forged".to_owned();
    for _ in 0..3 {
        let subscribe = node.subscribe(["a", "b"]).resume(Some(&id));
        let mut cut = subscribe.await.expect("a subscription");
        let opening = cut.next().await.expect("an opening").expect("no error");
        let opening = std::str::from_utf8(&opening).expect("text");
        let opening = opening.strip_prefix("id: ").expect("an id");
        assert_eq!(node.position_of("a", opening.trim_end()), None);
        id = opening.trim_end().to_owned();
    }
    let subscribe = node.subscribe(["a", "b"]).resume(Some(&id));
    let mut back = subscribe.await.expect("a subscription");
    for topic in ["a", "b"] {
        let gap = next_event(&mut back).await;
        assert_eq!(gap.gaps(), [(topic.into(), "unknown".into())]);
    }
    assert_eq!(
        engine.calls.read.load(std::sync::atomic::Ordering::Relaxed),
        0
    );
}

#[tokio::test]
async fn a_hub_on_an_engine_without_a_key_warns_once() {
    let engine = Arc::new(MemoryEngine::default());
    let log = Log::default();
    log.of(async {
        let unkeyed = node(&engine, &[]);
        let _driven = engine.drive();
        // An answer before the driver was polled would be logged as well.
        tokio::task::yield_now().await;
        let id = publish(&unkeyed).await;
        assert_eq!(read_to(&unkeyed, &id, "2").await, ["1", "2"]);
        let keyed = node(&engine, &[1]);
        // What is known to everybody is not accepted with a key.
        assert_eq!(keyed.position_of("a", &id), None);
    })
    .await;
    let [warning] = &log.messages()[..] else {
        panic!("{:?}", log.messages());
    };
    assert!(
        warning.starts_with("WARN hub on an engine has no key of ids"),
        "{warning}"
    );
}
