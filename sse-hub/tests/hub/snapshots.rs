//! The state of a topic, and exactly what follows it.

use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_hub::{Event, EventError, Hub, Retention, TopicOptions};

use crate::{publish, subscribe};
use sse_hub_testing::reader::Event as Read;

/// A hub whose topics have a list of everything published to them as their state.
fn with_snapshots() -> (Hub, Arc<Mutex<Vec<u32>>>) {
    let state = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&state);
    let hub = Hub::builder()
        .topics(move |name| {
            let options = TopicOptions::new().retention(Retention::new().max_events(2));
            if name.starts_with("plain") {
                return options;
            }
            let shared = Arc::clone(&shared);
            options.snapshot(move || {
                let state = shared.lock().expect("not poisoned").clone();
                Event::new().event("state").json(state)
            })
        })
        .build();
    (hub, state)
}

fn add(hub: &Hub, state: &Mutex<Vec<u32>>, number: u32) {
    hub.publish_with("list", || {
        state.lock().expect("not poisoned").push(number);
        Event::new().event("added").display(number)
    })
    .expect("published");
}

fn named(events: &[Read]) -> Vec<(&str, &str)> {
    events
        .iter()
        .map(|event| (&*event.name, &*event.data))
        .collect()
}

#[tokio::test]
async fn a_fresh_client_gets_the_snapshot_and_then_exactly_the_tail() {
    let (hub, state) = with_snapshots();
    for number in 1..=3 {
        add(&hub, &state, number);
    }
    let mut client = subscribe(&hub, &["list"], None).await;
    // The snapshot is taken when it is read, so it includes this one, and the tail does not.
    add(&hub, &state, 4);
    assert_eq!(named(&client.read()), [("state", "[1,2,3,4]")]);
    add(&hub, &state, 5);
    assert_eq!(named(&client.read()), [("added", "5")]);
    // A client that resumes in time needs no snapshot.
    let id = client.id();
    add(&hub, &state, 6);
    let mut client = subscribe(&hub, &["list"], Some(&id)).await;
    assert_eq!(named(&client.read()), [("added", "6")]);
}

#[tokio::test]
async fn a_client_with_a_gap_gets_the_snapshot_after_it() {
    let (hub, state) = with_snapshots();
    let mut client = subscribe(&hub, &["list"], None).await;
    client.read();
    let id = client.id();
    for number in 1..=4 {
        add(&hub, &state, number);
    }
    // Slow, late, and with an invalid id.
    let reasons = ["slow", "unknown", "unknown"];
    let late = subscribe(&hub, &["list"], Some(&id)).await;
    let lost = subscribe(&hub, &["list"], Some("invalid")).await;
    for (mut client, reason) in [client, late, lost].into_iter().zip(reasons) {
        let events = client.read();
        assert_eq!(events[0].gaps(), [("list".into(), reason.into())]);
        assert_eq!(named(&events[1..]), [("state", "[1,2,3,4]")]);
    }
}

#[tokio::test]
async fn a_client_that_drops_before_the_snapshot_gets_it_when_it_comes_back() {
    let (hub, state) = with_snapshots();
    add(&hub, &state, 1);
    let topics = ["plain", "list"];
    // The gap arrives, and the snapshot does not.
    let mut client = subscribe(&hub, &topics, Some("invalid")).await;
    let gap = client.subscription.next().await.expect("a gap");
    let gap = client.reader.feed(&gap.expect("no error"));
    assert_eq!(gap[0].gaps().len(), 2);
    let mut back = subscribe(&hub, &topics, Some(&client.id())).await;
    assert_eq!(named(&back.read()), [("state", "[1]")]);
    // An event of another topic arrives before it.
    let mut client = subscribe(&hub, &topics, None).await;
    publish(&hub, "plain", "one");
    let event = client.subscription.next().await.expect("an event");
    let event = client.reader.feed(&event.expect("no error"));
    assert_eq!(named(&event), [("message", "one")]);
    let mut back = subscribe(&hub, &topics, Some(&client.id())).await;
    assert_eq!(named(&back.read()), [("state", "[1]")]);
}

#[tokio::test]
async fn a_stream_that_begins_with_a_snapshot_has_no_block_before_it() {
    let (hub, state) = with_snapshots();
    add(&hub, &state, 1);
    let mut fresh = hub.subscribe(["list"]).await.expect("a subscription");
    let first = fresh.next().await.expect("the state").expect("no error");
    let id = fresh.id();
    let expected = format!("event: state\ndata: [1]\nid: {id}\n\n");
    assert_eq!(first.into_bytes(), expected);
}

#[tokio::test]
async fn a_topic_without_a_state_yet_sends_no_snapshot() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().snapshot(Event::new))
        .build();
    let mut client = subscribe(&hub, &["news"], None).await;
    assert_eq!(client.read(), []);
    let id = client.id();
    publish(&hub, "news", "one");
    assert_eq!(client.data(), ["one"]);
    assert_eq!(subscribe(&hub, &["news"], Some(&id)).await.data(), ["one"]);
}

#[tokio::test]
async fn without_a_state_nothing_is_skipped_that_was_published_before_it_was_asked_for() {
    let state = Arc::new(Mutex::new(None::<u32>));
    let shared = Arc::clone(&state);
    let hub = Hub::builder()
        .topics(move |_| {
            let shared = Arc::clone(&shared);
            TopicOptions::new().snapshot(move || {
                let state = *shared.lock().expect("not poisoned");
                let event = match state {
                    Some(state) => Event::new().event("state").display(state).to_frame(),
                    None => Event::new().to_frame(),
                };
                event.expect("a frame")
            })
        })
        .build();
    let mut fresh = subscribe(&hub, &["news"], None).await;
    let mut late = subscribe(&hub, &["news"], Some("invalid")).await;
    publish(&hub, "news", "one");
    publish(&hub, "news", "two");
    assert_eq!(fresh.data(), ["one", "two"]);
    let events = late.read();
    assert_eq!(events[0].gaps(), [("news".into(), "unknown".into())]);
    let tail = [("message", "one"), ("message", "two")];
    assert_eq!(named(&events[1..]), tail);
    *state.lock().expect("not poisoned") = Some(3);
    publish(&hub, "news", "three");
    let mut fresh = subscribe(&hub, &["news"], None).await;
    assert_eq!(named(&fresh.read()), [("state", "3")]);
}

#[tokio::test]
async fn a_snapshot_that_is_no_event_ends_the_subscription_with_an_error() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().snapshot(|| Event::new().id("own").data("x")))
        .build();
    let mut subscription = hub.subscribe(["news"]).await.expect("a subscription");
    let error = subscription
        .next()
        .await
        .expect("an item")
        .expect_err("an error");
    assert!(matches!(
        error,
        sse_hub::SubscriptionError::Snapshot(EventError::OwnId)
    ));
    assert!(subscription.next().await.is_none());
}

/// What a snapshot function owns, and that uses the hub when it is dropped.
struct UsesHub(Arc<OnceLock<Hub>>);

impl Drop for UsesHub {
    fn drop(&mut self) {
        let hub = self.0.get().expect("a hub");
        hub.publish_now("dropped", "x").expect("published");
    }
}

#[test]
fn what_the_function_owns_may_use_the_hub_when_it_is_dropped() {
    let (done, finished) = mpsc::channel();
    // In a thread of its own, as a deadlock would last.
    thread::spawn(move || {
        let cell = Arc::new(OnceLock::new());
        let own = Arc::clone(&cell);
        let hub = Hub::builder()
            .topics(move |name| {
                let options = TopicOptions::new().retention(Retention::new().max_bytes(10));
                if name == "dropped" {
                    return options;
                }
                let owned = UsesHub(Arc::clone(&own));
                options.snapshot(move || {
                    let _owned = &owned;
                    Event::new()
                })
            })
            .build();
        let _ = cell.set(hub.clone());
        // Refused, but the topic is in use until it is next checked.
        assert!(hub.publish_now("swept", "too long").is_err());
        hub.sweep();
        assert!(hub.publish_now("replaced", "too long").is_err());
        hub.publish_now("new", "x").expect("published");
        done.send(hub.metrics().published).expect("a receiver");
    });
    let published = finished.recv_timeout(Duration::from_secs(60));
    assert_eq!(published.expect("no deadlock"), 3);
}
