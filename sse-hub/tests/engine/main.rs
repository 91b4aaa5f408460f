//! An engine that answers late, and whose live entries arrive twice, in the wrong order or not at
//! all. Several hubs share it, as several processes would.

mod any_losses;
mod driver;
mod finish;
mod keys;
mod losses;
mod many_topics;
mod opening;
mod presence;
mod reading;
mod shards;
mod slow;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{EngineDown, EngineError, Hub, Position, PublishError, SubscribeError, Subscription};
use sse_hub_testing::engine::MemoryEngine;
use sse_hub_testing::reader::{Event, Reader};
use tokio::task::JoinSet;

const TOPICS: [&str; 2] = ["a", "b"];
const EVENTS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscribers_that_hop_between_nodes_lose_nothing_and_get_nothing_twice() {
    let engine = Arc::new(MemoryEngine::default());
    engine.faults.enabled.store(true, Ordering::Relaxed);
    // The third one keeps so little that its subscribers often read from the engine.
    let nodes = [engine.node(), engine.node(), engine.node_that_keeps(1)];
    let _driven = engine.drive();

    // From before the first event.
    let begin = nodes[0]
        .subscribe(TOPICS)
        .await
        .expect("a subscription")
        .id();
    let mut followers = JoinSet::new();
    for _ in 0..50 {
        followers.spawn(follow(nodes.clone(), begin.clone()));
    }
    for number in 0..EVENTS {
        for topic in TOPICS {
            let node = &nodes[fastrand::usize(0..nodes.len())];
            let event = format!("{topic} {number}");
            node.publish(topic, event).await.expect("published");
        }
        // Followers come and go meanwhile.
        tokio::task::yield_now().await;
    }
    // The last entries certainly arrive, and reveal what was lost before.
    engine.faults.enabled.store(false, Ordering::Relaxed);
    for topic in TOPICS {
        let event = format!("{topic} {EVENTS}");
        nodes[0].publish(topic, event).await.expect("published");
    }
    within_bounds(async {
        while let Some(follower) = followers.join_next().await {
            follower.expect("it got everything");
        }
    })
    .await;
    for fault in [
        &engine.faults.lost,
        &engine.faults.doubled,
        &engine.faults.late,
    ] {
        assert!(
            fault.load(Ordering::Relaxed) > 10,
            "the faults have not happened"
        );
    }
}

/// Follows both topics from node to node.
async fn follow(nodes: [Hub; 3], begin: String) {
    let mut id = begin;
    let mut seen = [0; 2];
    loop {
        let node = &nodes[fastrand::usize(0..nodes.len())];
        let mut topics = TOPICS;
        fastrand::shuffle(&mut topics);
        let mut subscription = node
            .subscribe(topics)
            .resume(Some(&id))
            .await
            .expect("a subscription");
        let mut reader = Reader::after(Some(&id));
        let mut until_cut = fastrand::usize(0..40);
        'connection: while let Some(piece) = subscription.next().await {
            for event in reader.feed(&piece.expect("no error")) {
                assert_eq!(event.name, "message", "{event:?}");
                let (topic, number) = event.data.split_once(' ').expect("topic and number");
                let topic = TOPICS
                    .iter()
                    .position(|name| *name == topic)
                    .expect("a topic");
                assert_eq!(number, seen[topic].to_string(), "a hole or a duplicate");
                seen[topic] += 1;
                id = event.id;
                if seen == [EVENTS + 1; 2] {
                    return;
                }
                if until_cut == 0 {
                    break 'connection;
                }
                until_cut -= 1;
            }
        }
    }
}

async fn within_bounds(case: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), case)
        .await
        .expect("it completes");
}

/// Waits until the windows of a node have had so many events.
async fn until_published(node: &Hub, events: u64) {
    within_bounds(async {
        while node.metrics().published < events {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// What one subscription to one topic gives, up to the event with this data.
async fn read_to(node: &Hub, id: &str, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    within_bounds(async {
        let mut subscription = node
            .subscribe(["a"])
            .resume(Some(id))
            .await
            .expect("a subscription");
        let mut reader = Reader::after(Some(id));
        while all.last().is_none_or(|data| data != last) {
            let piece = subscription
                .next()
                .await
                .expect("a piece")
                .expect("no error");
            for event in reader.feed(&piece) {
                assert_eq!(event.name, "message", "{event:?}");
                all.push(event.data);
            }
        }
    })
    .await;
    all
}

#[tokio::test]
async fn history_beyond_the_window_is_read_from_the_engine_in_pages() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node_that_keeps(3), engine.node()];
    let mut ids = Vec::new();
    for number in 0..30 {
        // The second node has no subscribers, so it keeps nothing.
        let position = nodes[1]
            .publish("a", number.to_string())
            .await
            .expect("published");
        ids.push(nodes[1].id_of("a", position));
    }
    let _driven = engine.drive();
    for node in &nodes {
        for after in [0, 1, 20, 28] {
            let expected: Vec<_> = (after + 1..30).map(|number| number.to_string()).collect();
            assert_eq!(read_to(node, &ids[after], "29").await, expected);
        }
    }
}

#[tokio::test]
async fn what_the_engine_has_trimmed_is_a_gap() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut ids = Vec::new();
    for number in 0..10 {
        let position = node
            .publish("a", number.to_string())
            .await
            .expect("published");
        ids.push(node.id_of("a", position));
    }
    engine.trim("a", 3);
    let mut late = node
        .subscribe(["a"])
        .resume(Some(&ids[2]))
        .await
        .expect("a subscription");
    let gap = next_event(&mut late).await;
    assert_eq!(gap.gaps(), [("a".into(), "unknown".into())]);
    node.publish("a", "live").await.expect("published");
    assert_eq!(next_event(&mut late).await.data, "live");
    // Just in time.
    assert_eq!(
        read_to(&node, &ids[6], "live").await,
        ["7", "8", "9", "live"]
    );
    let future = node.id_of("a", Position::new(8, 0));
    let mut early = node
        .subscribe(["a"])
        .resume(Some(&future))
        .await
        .expect("a subscription");
    let gap = next_event(&mut early).await;
    assert_eq!(gap.gaps(), [("a".into(), "unknown".into())]);
}

#[tokio::test]
async fn a_history_that_is_another_one_is_a_gap_even_if_its_positions_are_smaller() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut open = node.subscribe(["a"]).await.expect("a subscription");
    for number in 0..5 {
        let number = number.to_string();
        node.publish("a", number).await.expect("published");
    }
    while next_event(&mut open).await.data != "4" {}
    engine.wipe();
    engine.set_clock_back();
    // Its position is among those of the window.
    let entry = Bytes::from_static(b"data: new\n\n");
    engine.append("a", entry).expect("appended");
    let gap = next_event(&mut open).await;
    assert_eq!(gap.gaps(), [("a".into(), "unknown".into())]);
    node.publish("a", "newer").await.expect("published");
    assert_eq!(next_event(&mut open).await.data, "newer");
}

#[tokio::test]
async fn after_an_interruption_every_topic_is_read_without_a_new_entry() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut open = nodes[0].subscribe(["a"]).await.expect("a subscription");
    engine.mute.store(true, Ordering::Relaxed);
    nodes[1].publish("a", "unheard").await.expect("published");
    engine.mute.store(false, Ordering::Relaxed);
    engine.interrupt();
    assert_eq!(next_event(&mut open).await.data, "unheard");
}

#[tokio::test]
async fn an_entry_that_arrives_while_an_answer_without_entries_is_delayed_is_not_skipped() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node_that_keeps(2);
    let _driven = engine.drive();
    let _open = node.subscribe(["a"]).await.expect("a subscription");
    let append = |number: u8| {
        let event = Bytes::from(format!("data: {number}\n\n"));
        engine.append("a", event).expect("appended")
    };
    // A client comes back with the id of an event that this node has not got yet.
    engine.mute.store(true, Ordering::Relaxed);
    let id = node.id_of("a", append(0));
    engine.mute.store(false, Ordering::Relaxed);
    let mut late = node
        .subscribe(["a"])
        .resume(Some(&id))
        .await
        .expect("a subscription");
    late.next().await.expect("a block").expect("no error");
    engine.delay_next_read.store(true, Ordering::Relaxed);
    while engine.delay_next_read.load(Ordering::Relaxed) {
        assert!(late.next().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    // The first ones of these are no longer in the window when the answer arrives.
    for number in 1..=4 {
        append(number);
    }
    until_published(&node, 5).await;
    engine.release.notify_one();
    let mut events = Vec::new();
    let mut reader = Reader::after(Some(&id));
    while events.last().is_none_or(|last| last != "4") {
        let piece = late.next().await.expect("a piece").expect("no error");
        events.extend(reader.feed(&piece).into_iter().map(|event| event.data));
    }
    assert_eq!(events, ["1", "2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn while_the_engine_is_down_streams_wait_and_go_on_when_it_is_back() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node_that_keeps(2);
    let _driven = engine.drive();
    let begin = node.subscribe(["a"]).await.expect("a subscription").id();
    let _open = node.subscribe(["a"]).await.expect("a subscription");
    for number in 0..5 {
        let number = number.to_string();
        node.publish("a", number).await.expect("published");
    }
    until_published(&node, 5).await;
    engine.down.store(true, Ordering::Relaxed);
    let subscribe = || node.subscribe(["a"]).resume(Some(&begin));
    let refused = subscribe().engine_down(EngineDown::Refuse).await;
    assert!(matches!(
        refused,
        Err(SubscribeError::Engine(EngineError::Unavailable))
    ));
    // A topic that is not in use here cannot be opened.
    let refused = node.subscribe(["b"]).await;
    assert!(matches!(
        refused,
        Err(SubscribeError::Engine(EngineError::Unavailable))
    ));
    // The oldest ones are not in the window.
    let mut waits = subscribe().await.expect("a subscription");
    waits.next().await.expect("a block").expect("no error");
    let minute = Duration::from_secs(60);
    assert!(tokio::time::timeout(minute, waits.next()).await.is_err());
    engine.down.store(false, Ordering::Relaxed);
    let mut events = Vec::new();
    let mut reader = Reader::after(Some(&begin));
    while events.len() < 5 {
        let piece = waits.next().await.expect("a piece").expect("no error");
        events.extend(reader.feed(&piece).into_iter().map(|event| event.data));
    }
    assert_eq!(events, ["0", "1", "2", "3", "4"]);
}

/// The last event of the next piece that has any.
async fn next_event(subscription: &mut Subscription) -> Event {
    loop {
        let piece = subscription.next().await.expect("a piece");
        let mut reader = Reader::default();
        let mut events = reader.feed(&piece.expect("no error"));
        if let Some(event) = events.pop() {
            return event;
        }
    }
}

#[tokio::test]
async fn an_engine_that_is_down_is_an_error_at_once_and_streams_stay_open() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut open = node.subscribe(["a"]).await.expect("a subscription");
    open.next().await.expect("a block").expect("no error");
    engine.down.store(true, Ordering::Relaxed);
    let refused = node.publish("a", "x").await;
    assert!(matches!(
        refused,
        Err(PublishError::Engine(EngineError::Unavailable))
    ));
    engine.down.store(false, Ordering::Relaxed);
    node.publish("a", "y").await.expect("published");
    let piece = open.next().await.expect("a piece").expect("no error");
    assert!(piece.starts_with(b"data: y\nid: "));
}

#[tokio::test]
async fn entries_of_other_programs_are_skipped_if_they_are_not_events() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let begin = node.subscribe(["a"]).await.expect("a subscription").id();
    let mut live = node.subscribe(["a"]).await.expect("a subscription");
    live.next().await.expect("a block").expect("no error");
    for forged in [
        "",
        "data: x",
        "id: 1\ndata: x\n\n",
        "data: x\n\ndata: y\n\n",
        // To a client, CR ends a line too (HTML § 9.2.6).
        "data: x\rid: 1\n\n",
        "data: x\r\rdata: y\n\n",
    ] {
        let entry = Bytes::from_static(forged.as_bytes());
        engine.append("a", entry).expect("appended");
    }
    node.publish("a", "true").await.expect("published");
    let piece = live.next().await.expect("a piece").expect("no error");
    assert_eq!(piece.windows(5).filter(|five| five == b"data:").count(), 1);
    // The same from the engine, on a node that has none of it in its window.
    let other = engine.node();
    assert_eq!(read_to(&other, &begin, "true").await, ["true"]);
}

#[tokio::test]
async fn publishing_without_waiting_is_refused() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let refused = node.publish_now("a", "x");
    assert!(matches!(refused, Err(PublishError::WouldWait)));
    let _open = node.subscribe(["a"]).await.expect("a subscription");
    let refused = node.publish_with("a", || -> &str { panic!("nothing is to be changed") });
    assert!(matches!(refused, Err(PublishError::WouldWait)));
    assert_eq!(engine.len("a"), 0);
}
