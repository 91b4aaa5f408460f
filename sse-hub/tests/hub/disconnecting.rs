//! Members that the server disconnects.

use futures_util::FutureExt as _;
use sse_hub::{Change, Hub, Subscribe};
use sse_hub_testing::served::Served;

use crate::{Client, publish};

async fn join(subscribe: Subscribe, member: &str) -> Client {
    let subscription = subscribe.member(member).await;
    Client::new(subscription.expect("subscribed"))
}

fn disconnect(hub: &Hub, topic: &str, member: &str) -> usize {
    let ended = hub.disconnect(topic, member).now_or_never();
    ended.expect("at once").expect("no engine")
}

#[tokio::test]
async fn the_subscriptions_of_a_member_of_a_topic_end_and_no_others() {
    let hub = Hub::new();
    let mut ada = [
        join(hub.subscribe("a"), "Ada").await,
        join(hub.subscribe(["b", "a"]), "Ada").await,
        join(hub.subscribe("a").filter(|_| true), "Ada").await,
    ];
    let mut others = [
        join(hub.subscribe("a"), "Bob").await,
        join(hub.subscribe("b"), "Ada").await,
        Client::new(hub.subscribe("a").await.expect("subscribed")),
    ];
    publish(&hub, "a", "1");
    publish(&hub, "b", "2");
    for client in &mut ada[..1] {
        assert_eq!(client.data(), ["1"]);
    }
    assert_eq!(disconnect(&hub, "a", "Ada"), 3);
    assert_eq!(disconnect(&hub, "a", "Ada"), 0, "not twice");
    for client in &mut ada {
        assert!(client.read().is_empty() && client.ended);
    }
    for (client, expected) in others.iter_mut().zip(["1", "2", "1"]) {
        assert_eq!(client.data(), [expected]);
        assert!(!client.ended);
    }
    drop(ada);
    assert_eq!((hub.subscribers("a"), hub.subscribers("b")), (2, 1));
    for (topic, member) in [("a", "Ada"), ("a", "Eve"), ("c", "Ada")] {
        assert_eq!(disconnect(&hub, topic, member), 0);
    }
}

#[tokio::test]
async fn a_member_that_waits_is_woken_once_and_its_response_is_complete() {
    let hub = Hub::new();
    let subscribe = hub.subscribe("a").member("Ada");
    let mut client = Served::new(|sse| subscribe.serve(sse));
    assert!(!client.run());
    client.received();
    let before = client.wakes();
    assert_eq!(disconnect(&hub, "a", "Ada"), 1);
    assert_eq!(client.wakes(), before + 1);
    assert!(client.run(), "it has ended");
    assert_eq!(client.received(), "");
}

#[tokio::test]
async fn a_member_that_comes_back_gets_what_it_has_missed() {
    let hub = Hub::new();
    let mut client = join(hub.subscribe("a"), "Ada").await;
    publish(&hub, "a", "1");
    assert_eq!(client.data(), ["1"]);
    publish(&hub, "a", "2");
    assert_eq!(disconnect(&hub, "a", "Ada"), 1);
    assert!(client.read().is_empty() && client.ended);
    let id = client.id();
    let mut resumed = join(hub.subscribe("a").resume(Some(&id)), "Ada").await;
    assert_eq!(resumed.data(), ["2"]);
    publish(&hub, "a", "3");
    assert_eq!(resumed.data(), ["3"]);
}

#[tokio::test]
async fn observers_of_presence_see_a_member_leave_when_its_subscription_is_dropped() {
    use futures_util::StreamExt as _;

    let hub = Hub::new();
    let (first, second) = (
        join(hub.subscribe("a"), "Ada").await,
        join(hub.subscribe("a"), "Ada").await,
    );
    let mut presence = hub.presence("a").await.expect("open");
    assert_eq!(disconnect(&hub, "a", "Ada"), 2);
    assert_eq!(presence.next().now_or_never(), None);
    for (client, times) in [(first, 1), (second, 0)] {
        drop(client);
        let left = Change::Left {
            member: Some("Ada".into()),
            times,
            subscribers: times,
        };
        assert_eq!(presence.next().now_or_never(), Some(Some(left)));
    }
}

#[tokio::test]
async fn a_topic_of_a_group_has_members_of_its_own() {
    let hub = Hub::builder().group("a/").group("b/").build();
    let subscribe = async |topics: &[&str]| {
        let topics = topics.iter().copied();
        join(hub.subscribe(topics), "Ada").await
    };
    let mut of_one = subscribe(&["a/1"]).await;
    let mut of_two = subscribe(&["a/1", "a/2", "b/*"]).await;
    let mut of_all = subscribe(&["a/*", "b/2"]).await;
    assert_eq!(disconnect(&hub, "a/3", "Ada"), 1);
    assert!(of_all.read().is_empty() && of_all.ended);
    assert_eq!(disconnect(&hub, "a/2", "Ada"), 1);
    assert!(of_two.read().is_empty() && of_two.ended);
    of_one.read();
    assert!(!of_one.ended);

    let _of_all = subscribe(&["a/*", "b/2"]).await;
    assert_eq!(disconnect(&hub, "b/1", "Ada"), 0);
    assert_eq!(disconnect(&hub, "a/*", "Ada"), 2);
    assert!(of_one.read().is_empty() && of_one.ended);
}
