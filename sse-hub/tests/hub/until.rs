//! Subscriptions that the server ends.

use std::future::{pending, ready};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Event, EventError, Frame, Hub, SubscriptionError, TopicOptions};
use sse_hub_testing::served::Served;
use tokio::sync::oneshot;
use tokio::time::{advance, sleep};

use crate::{Client, publish};

async fn until(hub: &Hub, end: impl Future + Send + 'static) -> Client {
    Client::new(hub.subscribe("a").until(end).await.expect("subscribed"))
}

#[tokio::test]
async fn a_subscription_ends_at_once_when_its_future_is_ready() {
    let hub = Hub::new();
    let (end, ended) = oneshot::channel::<()>();
    let mut client = until(&hub, ended).await;
    publish(&hub, "a", "1");
    assert_eq!(client.data(), ["1"]);
    publish(&hub, "a", "2");
    drop(end);
    assert!(
        client.data().is_empty(),
        "nothing that follows is delivered"
    );
    assert!(client.ended);
    drop(client);
    assert_eq!(hub.subscribers("a"), 0);
    // Before the opening.
    let mut client = until(&hub, ready(())).await;
    assert!(client.read().is_empty() && client.ended);
    let mut client = until(&hub, pending::<()>()).await;
    publish(&hub, "a", "3");
    assert_eq!(client.data(), ["3"]);
    assert!(!client.ended);
}

#[tokio::test]
async fn a_stream_that_waits_is_woken_and_ends_as_a_complete_one() {
    let hub = Hub::new();
    let (end, ended) = oneshot::channel::<Frame>();
    let subscribe = hub.subscribe("a").until_with(async move {
        let last = ended.await;
        last.unwrap_or_default()
    });
    let mut client = Served::new(|sse| subscribe.serve(sse));
    assert!(!client.run());
    client.received();
    let before = client.wakes();
    let last = Frame::new(Event::new().event("over").data("now")).expect("a frame");
    end.send(last).expect("received");
    assert_eq!(client.wakes(), before + 1);
    assert!(client.run(), "it has ended");
    let received = client.received();
    let id = received.strip_prefix("event: over\ndata: now\nid: ");
    assert!(id.is_some_and(|id| id.ends_with("\n\n")), "{received:?}");
}

#[tokio::test]
async fn the_last_event_has_the_id_of_what_was_delivered() {
    let hub = Hub::new();
    let (end, ended) = oneshot::channel::<&str>();
    let subscribe = hub.subscribe(["a", "b"]);
    let subscribe = subscribe.until_with(async move { ended.await.unwrap_or("?") });
    let mut client = Client::new(subscribe.await.expect("subscribed"));
    publish(&hub, "a", "1");
    assert_eq!(client.data(), ["1"]);
    publish(&hub, "b", "2");
    end.send("over").expect("received");
    assert_eq!(client.data(), ["over"]);
    assert!(client.ended);
    let resumed = hub.subscribe(["a", "b"]).resume(Some(&client.id()));
    let mut resumed = Client::new(resumed.await.expect("subscribed"));
    assert_eq!(resumed.data(), ["2"]);
}

#[tokio::test]
async fn the_last_event_hides_no_gap() {
    let hub = Hub::new();
    for topics in [&["a"][..], &["a", "b"]] {
        let topics = topics.iter().copied();
        let resumed = hub.subscribe(topics).resume(Some("made up"));
        let resumed = resumed.until_with(ready("over"));
        let mut client = Client::new(resumed.await.expect("subscribed"));
        let events = client.read();
        let names: Vec<_> = events.iter().map(|event| &*event.name).collect();
        assert_eq!(names, ["gap", "message"]);
        assert!(client.ended);
    }
    // Without a last event, the client still has the id that it came with.
    let resumed = hub.subscribe("a").resume(Some("made up"));
    let resumed = resumed.until(ready(()));
    let mut client = Client::new(resumed.await.expect("subscribed"));
    assert!(client.read().is_empty() && client.ended);
}

#[tokio::test]
async fn the_last_event_precedes_a_snapshot_that_is_not_delivered() {
    let options = |_: &str| TopicOptions::new().snapshot(|| "state");
    let hub = Hub::builder().topics(options).build();
    let subscribe = hub.subscribe("a").until_with(ready("over"));
    let mut client = Client::new(subscribe.await.expect("subscribed"));
    assert_eq!(client.data(), ["over"]);
    let resumed = hub.subscribe("a").resume(Some(&client.id()));
    let mut resumed = Client::new(resumed.await.expect("subscribed"));
    assert_eq!(resumed.data(), ["state"]);
}

#[tokio::test(start_paused = true)]
async fn given_twice_either_ends_the_subscription() {
    let hub = Hub::new();
    for (first, second) in [(5, 60), (60, 5)] {
        let after = |seconds| sleep(Duration::from_secs(seconds));
        let subscribe = hub.subscribe("a").until(after(first));
        let subscribe = subscribe.until_with(async move {
            after(second).await;
            "second"
        });
        let mut client = Client::new(subscribe.await.expect("subscribed"));
        client.read();
        advance(Duration::from_millis(4_900)).await;
        assert!(client.read().is_empty() && !client.ended);
        advance(Duration::from_millis(200)).await;
        let last = client.data();
        assert!(client.ended);
        assert_eq!(last, if first < second { &[][..] } else { &["second"] });
    }
}

#[tokio::test]
async fn what_is_no_event_without_an_id_is_an_error() {
    let hub = Hub::new();
    let with_id = hub
        .subscribe("a")
        .until_with(ready(Event::new().id("1").data("x")));
    let empty = hub.subscribe("a").until_with(ready(Event::new()));
    for subscribe in [with_id, empty] {
        let mut subscription = subscribe.await.expect("subscribed");
        let failed = subscription.next().now_or_never().flatten();
        assert!(matches!(
            failed,
            Some(Err(SubscriptionError::LastEvent(
                EventError::OwnId | EventError::Empty
            )))
        ));
        assert!(subscription.next().await.is_none());
    }
}
