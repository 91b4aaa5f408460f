//! Entries at the end of a topic that the engine loses after it has appended them.

use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Event, Hub, Retention, SlowConsumer, Subscription, TopicOptions};
use sse_hub_testing::engine::MemoryEngine;
use sse_hub_testing::log::Log;
use sse_hub_testing::reader::Reader;
use tokio::task::yield_now;

use crate::{until_published, within_bounds};

const GAP: &str = "gap: lost";

/// A subscription, and what its client reads.
struct Client {
    subscription: Subscription,
    reader: Reader,
}

impl Client {
    fn new(subscription: Subscription) -> Self {
        Self {
            subscription,
            reader: Reader::default(),
        }
    }

    async fn of(node: &Hub, id: Option<&str>) -> Self {
        let subscribe = node.subscribe(["a"]).resume(id);
        let mut client = Self::new(subscribe.await.expect("a subscription"));
        assert_eq!(client.read_piece().await, [""; 0]);
        client
    }

    /// The data of the events in the next piece, and the reasons of gaps.
    async fn read_piece(&mut self) -> Vec<String> {
        let piece = self.subscription.next().await.expect("a piece");
        let events = self.reader.feed(&piece.expect("no error"));
        let text = |event: sse_hub_testing::reader::Event| match &*event.name {
            "gap" => {
                let reasons = event.gaps().into_iter().map(|(_, reason)| reason);
                format!("gap: {}", reasons.collect::<Vec<_>>().join(" "))
            }
            _ => event.data,
        };
        events.into_iter().map(text).collect()
    }

    /// What comes up to the event with this data.
    async fn read_to(&mut self, last: &str) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        within_bounds(async {
            while all.last().is_none_or(|data| data != last) {
                all.extend(self.read_piece().await);
            }
        })
        .await;
        all
    }

    fn id(&self) -> &str {
        self.reader.id.as_deref().expect("an id")
    }
}

async fn publish(node: &Hub, range: std::ops::Range<usize>) {
    for number in range {
        let number = number.to_string();
        node.publish("a", number).await.expect("published");
    }
}

/// Loses all but `keep` entries, and waits until the mark is there and the nodes have read it.
async fn lose(engine: &MemoryEngine, keep: usize) {
    engine.lose("a", keep);
    let marks = engine.marks("a");
    engine.interrupt();
    until_marked(engine, marks + 1).await;
    settle().await;
}

async fn until_marked(engine: &MemoryEngine, marks: usize) {
    within_bounds(async {
        while engine.marks("a") < marks {
            yield_now().await;
        }
    })
    .await;
}

/// Lets everything happen that is going to happen.
async fn settle() {
    for _ in 0..2_000 {
        yield_now().await;
    }
}

fn append(engine: &MemoryEngine, data: &str) {
    let event = Bytes::from(format!("data: {data}\n\n"));
    engine.append("a", event).expect("appended");
}

#[tokio::test]
async fn a_client_that_was_away_gets_what_is_left_and_a_gap() {
    let engine = Arc::new(MemoryEngine::default());
    let [node, other] = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let _open = Client::of(&node, None).await;
    let mut away = Client::of(&other, None).await;
    publish(&node, 0..3).await;
    assert_eq!(away.read_to("2").await, ["0", "1", "2"]);
    let id = away.id().to_owned();
    drop(away);
    publish(&node, 3..6).await;
    until_published(&node, 6).await;
    lose(&engine, 4).await;
    publish(&other, 6..8).await;
    for node in [&node, &other, &engine.node()] {
        let mut back = Client::of(node, Some(&id)).await;
        assert_eq!(back.read_to(GAP).await, ["3", GAP]);
        let after_gap = back.id().to_owned();
        assert_eq!(back.read_to("7").await, ["6", "7"]);
        // A client that has had the gap does not get it again.
        let mut again = Client::of(node, Some(&after_gap)).await;
        assert_eq!(again.read_to("7").await, ["6", "7"]);
    }
    assert_eq!(engine.marks("a"), 1);
}

#[tokio::test]
async fn subscribers_of_several_nodes_that_find_the_same_loss_get_one_gap_each() {
    for tail in [1, 3] {
        let engine = Arc::new(MemoryEngine::default());
        // The third one has lost all that its window had.
        let nodes = [engine.node(), engine.node(), engine.node_that_keeps(1)];
        let _driven = engine.drive();
        let mut clients = Vec::new();
        for node in &nodes {
            clients.push(Client::of(node, None).await);
        }
        publish(&nodes[0], 0..5).await;
        publish(&nodes[1], 5..6).await;
        for client in &mut clients {
            assert_eq!(client.read_to("5").await.len(), 6);
        }
        lose(&engine, 6 - tail).await;
        // The window of the third one begins after "4".
        let nothing_left = if tail == 1 { GAP } else { "gap: unknown" };
        for (client, reason) in clients.iter_mut().zip([GAP, GAP, nothing_left]) {
            assert_eq!(client.read_piece().await, [reason]);
        }
        publish(&nodes[2], 6..7).await;
        for client in &mut clients {
            assert_eq!(client.read_to("6").await, ["6"]);
        }
        assert_eq!(engine.marks("a"), 1);
        assert_eq!(nodes[0].metrics().gaps, 1);
    }
}

#[tokio::test]
async fn what_was_appended_after_a_loss_and_before_its_mark_is_delivered_before_the_gap() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut open = Client::of(&node, None).await;
    let mut slow = Client::of(&node, None).await;
    publish(&node, 0..6).await;
    assert_eq!(open.read_to("5").await.len(), 6);
    engine.mute.store(true, Ordering::Relaxed);
    engine.lose("a", 3);
    for is_behind in [false, true] {
        if is_behind {
            engine.set_clock_back();
        }
        append(&engine, if is_behind { "7" } else { "6" });
    }
    engine.mute.store(false, Ordering::Relaxed);
    engine.interrupt();
    assert_eq!(open.read_to(GAP).await, ["6", "7", GAP]);
    assert_eq!(slow.read_to(GAP).await, ["0", "1", "2", "6", "7", GAP]);
    assert_eq!(node.metrics().gaps, 2);
    assert_eq!(node.metrics().lag, 0);
}

#[tokio::test]
async fn a_loss_that_a_later_entry_reveals_is_marked_too() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut open = Client::of(&node, None).await;
    publish(&node, 0..6).await;
    assert_eq!(open.read_to("5").await.len(), 6);
    engine.lose("a", 3);
    append(&engine, "6");
    assert_eq!(open.read_to(GAP).await, ["6", GAP]);
}

#[tokio::test]
async fn a_node_that_has_only_published_marks_the_loss() {
    let engine = Arc::new(MemoryEngine::default());
    let [publisher, other] = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut away = Client::of(&other, None).await;
    publish(&publisher, 0..1).await;
    assert_eq!(away.read_to("0").await, ["0"]);
    let id = away.id().to_owned();
    drop(away);
    drop(other);
    publish(&publisher, 1..3).await;
    lose(&engine, 1).await;
    publish(&publisher, 3..4).await;
    let mut back = Client::of(&publisher, Some(&id)).await;
    assert_eq!(back.read_to("3").await, [GAP, "3"]);
    // It is known by now.
    engine.interrupt();
    settle().await;
    assert_eq!(engine.marks("a"), 1);
    // A loss of what came after that is another one.
    lose(&engine, 2).await;
    let mut back = Client::of(&publisher, Some(&id)).await;
    assert_eq!(back.read_to(GAP).await, [GAP]);
    assert_eq!(engine.marks("a"), 2);
}

#[tokio::test]
async fn the_loss_of_an_entry_that_was_answered_but_has_not_arrived_is_marked() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut open = Client::of(&node, None).await;
    publish(&node, 0..1).await;
    assert_eq!(open.read_to("0").await, ["0"]);
    engine.mute.store(true, Ordering::Relaxed);
    publish(&node, 1..2).await;
    engine.mute.store(false, Ordering::Relaxed);
    lose(&engine, 1).await;
    publish(&node, 2..3).await;
    assert_eq!(open.read_to("2").await, [GAP, "2"]);
}

#[tokio::test]
async fn the_loss_of_an_entry_whose_answer_comes_after_the_interruption_is_marked() {
    for is_in_use in [false, true] {
        let engine = Arc::new(MemoryEngine::default());
        let [node, other] = [engine.node(), engine.node()];
        let _driven = engine.drive();
        let id = Client::of(&other, None).await.id().to_owned();
        let _open = if is_in_use {
            Some(Client::of(&node, None).await)
        } else {
            None
        };
        // Its answer is on the way.
        engine.mute.store(true, Ordering::Relaxed);
        engine.delay_next_append.store(true, Ordering::Relaxed);
        let mut publishing = pin!(node.publish("a", "0"));
        while engine.delay_next_append.load(Ordering::Relaxed) {
            assert!(publishing.as_mut().now_or_never().is_none());
            yield_now().await;
        }
        engine.lose("a", 0);
        engine.mute.store(false, Ordering::Relaxed);
        engine.interrupt();
        settle().await;
        assert_eq!(engine.marks("a"), 0);
        engine.release.notify_one();
        publishing.await.expect("published");
        until_marked(&engine, 1).await;
        publish(&other, 1..2).await;
        let mut back = Client::of(&node, Some(&id)).await;
        assert_eq!(back.read_to("1").await, [GAP, "1"]);
    }
}

#[tokio::test]
async fn a_client_that_resumes_in_pages_gets_the_gap_between_what_is_left() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node_that_keeps(1);
    let _driven = engine.drive();
    let mut open = Client::of(&node, None).await;
    let id = open.id().to_owned();
    publish(&node, 0..30).await;
    until_published(&node, 30).await;
    // The only event that is in the window is lost, so the node continues at the end of the log.
    lose(&engine, 18).await;
    publish(&node, 30..50).await;
    let expected: Vec<_> = (0..18)
        .map(|number| number.to_string())
        .chain([GAP.to_owned()])
        .chain((30..50).map(|number| number.to_string()))
        .collect();
    assert_eq!(open.read_to("49").await, expected);
    let mut back = Client::of(&node, Some(&id)).await;
    assert_eq!(back.read_to("49").await, expected);
    let subscription = node.subscribe(["a"]).from_start().resume(None).await;
    let mut from_start = Client::new(subscription.expect("a subscription"));
    assert_eq!(from_start.read_to("49").await, expected);
}

#[tokio::test]
async fn a_client_that_comes_back_with_a_position_that_was_lost_has_a_gap() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut away = Client::of(&node, None).await;
    publish(&node, 0..3).await;
    assert_eq!(away.read_to("2").await.len(), 3);
    let id = away.id().to_owned();
    drop(away);
    lose(&engine, 1).await;
    let mut back = Client::of(&node, Some(&id)).await;
    assert_eq!(back.read_to("gap: unknown").await, ["gap: unknown"]);
    publish(&node, 3..4).await;
    assert_eq!(back.read_to("3").await, ["3"]);
}

#[tokio::test]
async fn a_gap_in_one_of_several_topics_keeps_the_places_in_the_others() {
    let engine = Arc::new(MemoryEngine::default());
    let [node, other] = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let both = |node: &Hub, id: Option<&str>| {
        let subscribe = node.subscribe(["a", "b"]).resume(id);
        async move { Client::new(subscribe.await.expect("a subscription")) }
    };
    let mut client = both(&node, None).await;
    client.read_piece().await;
    publish(&node, 0..3).await;
    node.publish("b", "b 0").await.expect("published");
    let mut read = Vec::new();
    while read.len() < 4 {
        read.extend(client.read_piece().await);
    }
    lose(&engine, 1).await;
    assert_eq!(client.read_piece().await, [GAP]);
    let id = client.id().to_owned();
    node.publish("b", "b 1").await.expect("published");
    assert_eq!(client.read_piece().await, ["b 1"]);
    publish(&node, 3..4).await;
    assert_eq!(client.read_piece().await, ["3"]);
    let mut back = both(&other, Some(&id)).await;
    let mut read = Vec::new();
    while read.len() < 2 {
        read.extend(back.read_piece().await);
    }
    read.sort();
    assert_eq!(read, ["3", "b 1"]);
}

#[tokio::test]
async fn a_topic_with_a_snapshot_continues_with_the_state_after_the_gap() {
    let engine = Arc::new(MemoryEngine::default());
    let state = Arc::new(Mutex::new(0));
    let current = Arc::clone(&state);
    let node = engine.node_of(move |_| {
        let current = Arc::clone(&current);
        TopicOptions::new().snapshot(move || {
            let state = *current.lock().expect("not poisoned");
            Event::new().data(format!("state {state}"))
        })
    });
    let _driven = engine.drive();
    let subscription = node.subscribe(["a"]).await.expect("a subscription");
    let mut open = Client::new(subscription);
    assert_eq!(open.read_piece().await, ["state 0"]);
    let id = open.id().to_owned();
    publish(&node, 0..3).await;
    assert_eq!(open.read_to("2").await, ["0", "1", "2"]);
    *state.lock().expect("not poisoned") = 3;
    lose(&engine, 1).await;
    assert_eq!(open.read_to("state 3").await, [GAP, "state 3"]);
    publish(&node, 3..4).await;
    assert_eq!(open.read_to("3").await, ["3"]);
    *state.lock().expect("not poisoned") = 4;
    // On a page of the log as well, from which it continues where the page has ended.
    let mut back = Client::of(&node, Some(&id)).await;
    assert_eq!(back.read_to("state 4").await, ["0", GAP, "state 4"]);
    publish(&node, 4..5).await;
    assert_eq!(back.read_to("4").await, ["4"]);
}

#[tokio::test]
async fn a_loss_does_not_disconnect_a_subscriber_that_is_not_slow() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node_of(|_| TopicOptions::new().retention(Retention::new().max_events(4)));
    let _driven = engine.drive();
    let subscribe = node
        .subscribe(["a"])
        .slow_consumer(SlowConsumer::Disconnect);
    let mut open = Client::new(subscribe.await.expect("a subscription"));
    open.read_piece().await;
    publish(&node, 0..3).await;
    assert_eq!(open.read_to("2").await.len(), 3);
    lose(&engine, 2).await;
    publish(&node, 3..4).await;
    assert_eq!(open.read_to("3").await, [GAP, "3"]);
}

#[tokio::test]
async fn a_loss_while_a_repair_runs_is_marked() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut open = Client::of(&node, None).await;
    publish(&node, 0..3).await;
    assert_eq!(open.read_to("2").await.len(), 3);
    engine.mute.store(true, Ordering::Relaxed);
    append(&engine, "3");
    append(&engine, "4");
    // The repair is about to be answered with the two that are then lost, with another one.
    engine.delay_next_read.store(true, Ordering::Relaxed);
    engine.interrupt();
    within_bounds(async {
        while engine.delay_next_read.load(Ordering::Relaxed) {
            yield_now().await;
        }
    })
    .await;
    engine.lose("a", 2);
    engine.mute.store(false, Ordering::Relaxed);
    engine.interrupt();
    append(&engine, "5");
    settle().await;
    engine.release.notify_one();
    let read = open.read_to(GAP).await;
    // What was lost may have been delivered before that was known.
    assert!(
        read == ["3", "4", "5", GAP] || read == ["5", GAP],
        "{read:?}"
    );
    publish(&node, 6..7).await;
    assert_eq!(open.read_to("6").await, ["6"]);
    assert_eq!(engine.marks("a"), 1);
}

#[tokio::test]
async fn a_second_loss_is_a_second_gap_even_if_it_takes_the_mark_of_the_first_one() {
    for takes_mark in [false, true] {
        let engine = Arc::new(MemoryEngine::default());
        let node = engine.node();
        let _driven = engine.drive();
        let mut open = Client::of(&node, None).await;
        let mut slow = Client::of(&node, None).await;
        let id = open.id().to_owned();
        publish(&node, 0..6).await;
        assert_eq!(open.read_to("5").await.len(), 6);
        lose(&engine, 4).await;
        publish(&node, 6..8).await;
        assert_eq!(open.read_to("7").await, [GAP, "6", "7"]);
        // Of "0" to "3", the mark, "6" and "7".
        lose(&engine, if takes_mark { 3 } else { 6 }).await;
        publish(&node, 8..9).await;
        assert_eq!(open.read_to("8").await, [GAP, "8"]);
        let left: &[&str] = if takes_mark {
            &["0", "1", "2", GAP, "8"]
        } else {
            &["0", "1", "2", "3", GAP, "6", GAP, "8"]
        };
        assert_eq!(slow.read_to("8").await, left);
        let mut back = Client::of(&node, Some(&id)).await;
        assert_eq!(back.read_to("8").await, left);
    }
}

#[tokio::test]
async fn a_slow_reader_that_was_not_polled_during_many_losses_misses_nothing_that_is_left() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut slow = Client::of(&node, None).await;
    publish(&node, 0..4).await;
    until_published(&node, 4).await;
    assert_eq!(slow.read_to("3").await.len(), 4);
    for number in 0..6 {
        publish(&node, 10 * number + 4..10 * number + 6).await;
        until_published(&node, 6 + 2 * number as u64).await;
        let len = engine.len("a");
        lose(&engine, len - 1).await;
    }
    let mut expected = Vec::new();
    for number in 0..6 {
        expected.extend([(10 * number + 4).to_string(), GAP.to_owned()]);
    }
    publish(&node, 99..100).await;
    expected.push("99".to_owned());
    assert_eq!(slow.read_to("99").await, expected);
}

#[tokio::test]
async fn an_engine_that_has_lost_everything_gets_no_mark() {
    let engine = Arc::new(MemoryEngine::default());
    let [node, publisher] = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut open = Client::of(&node, None).await;
    let id = open.id().to_owned();
    publish(&publisher, 0..3).await;
    assert_eq!(open.read_to("2").await.len(), 3);
    engine.wipe();
    engine.interrupt();
    settle().await;
    assert_eq!(open.read_piece().await, ["gap: unknown"]);
    publish(&publisher, 3..4).await;
    assert_eq!(open.read_to("3").await, ["3"]);
    assert_eq!(engine.marks("a"), 0);
    for node in [&node, &publisher] {
        let mut back = Client::of(node, Some(&id)).await;
        assert_eq!(back.read_piece().await, ["gap: unknown"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_marked_when_the_engine_is_back() {
    let engine = Arc::new(MemoryEngine::default());
    let [node, publisher] = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut open = Client::of(&node, None).await;
    publish(&node, 0..3).await;
    publisher.publish("b", "x").await.expect("published");
    publisher.publish("b", "y").await.expect("published");
    assert_eq!(open.read_to("2").await.len(), 3);
    engine.down.store(true, Ordering::Relaxed);
    engine.lose("a", 2);
    engine.lose("b", 1);
    engine.interrupt();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((engine.marks("a"), engine.marks("b")), (0, 0));
    engine.down.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((engine.marks("a"), engine.marks("b")), (1, 1));
    assert_eq!(open.read_piece().await, [GAP]);
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_marked_although_the_topic_is_left_before_it_can_be_read() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let id = Client::of(&node, None).await.id().to_owned();
    // By another node in one case, so that only the window knows of it.
    for is_read in [false, true] {
        let other = engine.node();
        let publisher = if is_read { &other } else { &node };
        publish(publisher, 0..2).await;
        settle().await;
        let last = Client::of(&node, None).await;
        drop(other);
        engine.down.store(true, Ordering::Relaxed);
        let (keep, marks) = (engine.len("a") - 1, engine.marks("a"));
        engine.lose("a", keep);
        engine.interrupt();
        let reads = engine.calls.read.load(Ordering::Relaxed);
        within_bounds(async {
            while engine.calls.read.load(Ordering::Relaxed) == reads {
                yield_now().await;
            }
        })
        .await;
        drop(last);
        tokio::time::sleep(Duration::from_millis(100)).await;
        engine.down.store(false, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(engine.marks("a"), marks + 1, "read: {is_read}");
    }
    let mut back = Client::of(&node, Some(&id)).await;
    assert_eq!(back.read_to(GAP).await, ["0", GAP]);
    assert_eq!(back.read_to(GAP).await, ["0", GAP]);
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_marked_although_the_topic_is_left_while_others_are_repaired() {
    // As many as are repaired at a time.
    const OTHERS: usize = 64;
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let id = Client::of(&node, None).await.id().to_owned();
    publish(&node, 0..2).await;
    let last = Client::of(&node, None).await;
    let mut others = Vec::new();
    for number in 0..OTHERS {
        let topic = format!("other {number}");
        others.push(node.subscribe([topic]).await.expect("a subscription"));
    }
    // Each has a hole, which cannot be repaired for now.
    for is_muted in [true, false] {
        engine.mute.store(is_muted, Ordering::Relaxed);
        for number in 0..OTHERS {
            let event = Bytes::from_static(b"data: x\n\n");
            let appended = engine.append(&format!("other {number}"), event);
            appended.expect("appended");
        }
    }
    engine.down.store(true, Ordering::Relaxed);
    settle().await;
    engine.lose("a", 1);
    engine.interrupt();
    settle().await;
    drop(last);
    settle().await;
    engine.down.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(engine.marks("a"), 1);
    let mut back = Client::of(&node, Some(&id)).await;
    assert_eq!(back.read_to(GAP).await, ["0", GAP]);
}

#[tokio::test]
async fn a_topic_that_has_expired_is_checked_without_a_word_and_not_created_again() {
    let log = Log::default();
    log.of(async {
        let engine = Arc::new(MemoryEngine::default());
        let node = engine.node();
        let _driven = engine.drive();
        // An answer before the driver was polled would be logged.
        settle().await;
        publish(&node, 0..2).await;
        settle().await;
        engine.wipe();
        let opened = engine.calls.open.load(Ordering::Relaxed);
        let reads = engine.calls.read.load(Ordering::Relaxed);
        for _ in 0..2 {
            engine.interrupt();
            settle().await;
        }
        assert!(engine.calls.read.load(Ordering::Relaxed) > reads, "checked");
        assert_eq!(engine.calls.open.load(Ordering::Relaxed), opened);
        assert_eq!(engine.names(), [""; 0]);
    })
    .await;
    assert_eq!(log.messages(), [""; 0]);
}

#[tokio::test]
async fn a_loss_that_is_marked_is_not_checked_again_although_the_clock_is_behind() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    publish(&node, 0..6).await;
    settle().await;
    engine.lose("a", 2);
    engine.set_clock_back();
    engine.interrupt();
    until_marked(&engine, 1).await;
    publish(&node, 6..7).await;
    settle().await;
    let marked = engine.calls.mark_loss.load(Ordering::Relaxed);
    for _ in 0..3 {
        engine.interrupt();
        settle().await;
    }
    assert_eq!(engine.calls.mark_loss.load(Ordering::Relaxed), marked);
    assert_eq!(engine.marks("a"), 1);
}

#[tokio::test]
async fn a_reader_that_was_ahead_of_its_node_gets_nothing_twice_and_misses_nothing() {
    for (seed, is_behind) in (0..40).flat_map(|seed| [(seed, false), (seed, true)]) {
        fastrand::seed(seed);
        let engine = Arc::new(MemoryEngine::default());
        let node = engine.node();
        let _driven = engine.drive();
        let _open = Client::of(&node, None).await;
        // The node gets nothing of what is appended, and its reader comes from another one.
        engine.mute.store(true, Ordering::Relaxed);
        let first = engine.append("a", "data: 0\n\n".into()).expect("appended");
        for number in 1..5 {
            append(&engine, &number.to_string());
        }
        let mut client = Client::of(&node, Some(&node.id_of("a", first))).await;
        assert_eq!(client.read_to("4").await, ["1", "2", "3", "4"]);
        engine.lose("a", 3);
        if is_behind {
            engine.set_clock_back();
        }
        append(&engine, "5");
        append(&engine, "6");
        engine.mute.store(false, Ordering::Relaxed);
        engine.interrupt();
        assert_eq!(client.read_to(GAP).await, ["5", "6", GAP], "{seed}");
        append(&engine, "7");
        assert_eq!(client.read_to("7").await, ["7"]);
        assert_eq!(engine.marks("a"), 1);
    }
}
