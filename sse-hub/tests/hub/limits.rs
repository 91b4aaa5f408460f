//! What is refused, and what is evicted.

use std::time::Duration;

use sse_hub::{
    EncodeError, Event, EventError, Hub, PublishError, Retention, SubscribeError, TopicError,
    TopicOptions,
};
use sse_session::Refusal as _;

use crate::{Client, publish, subscribe};

#[tokio::test]
async fn what_cannot_be_published_is_refused_and_changes_nothing() {
    let hub = Hub::builder()
        .max_topics(1)
        .topics(|_| TopicOptions::new().retention(Retention::new().max_bytes(64)))
        .build();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    let refused = [
        hub.publish("news", Event::new().id("7").data("x")).await,
        hub.publish("news", Event::new()).await,
        hub.publish("news", Event::new().event("a\nb").data("x"))
            .await,
        hub.publish("news", "x".repeat(100)).await,
        hub.publish("", "x").await,
        hub.publish(&"x".repeat(600), "x").await,
        hub.publish("another", "x").await,
    ]
    .map(|result| result.expect_err("refused"));
    assert!(matches!(refused[0], PublishError::Event(EventError::OwnId)));
    assert!(matches!(refused[1], PublishError::Event(EventError::Empty)));
    assert!(matches!(
        refused[2],
        PublishError::Event(EventError::Encode(EncodeError::LineBreak {
            position: 1,
            ..
        }))
    ));
    assert!(matches!(
        refused[3],
        PublishError::TooLong {
            len: 108,
            limit: 64
        }
    ));
    let topic = |error: &PublishError| match error {
        PublishError::Topic(error) => error.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(topic(&refused[4]), TopicError::EmptyName);
    assert_eq!(
        topic(&refused[5]),
        TopicError::NameTooLong {
            len: 600,
            limit: 512
        }
    );
    assert_eq!(topic(&refused[6]), TopicError::TooManyTopics { limit: 1 });
    assert_eq!(client.read(), []);
    assert_eq!(hub.metrics().published, 0);
}

#[tokio::test]
async fn a_subscription_needs_topics_and_not_too_many() {
    let hub = Hub::new();
    let none = hub.subscribe(Vec::<String>::new()).await;
    assert!(matches!(none, Err(SubscribeError::NoTopic)));
    let many = hub.subscribe((0..65).map(|n| n.to_string())).await;
    assert!(matches!(
        many,
        Err(SubscribeError::TooManyTopics { limit: 64 })
    ));
    let endless = hub.subscribe((0_u64..).map(|n| n.to_string())).await;
    assert!(matches!(
        endless,
        Err(SubscribeError::TooManyTopics { limit: 64 })
    ));
    let mut same = hub
        .subscribe(["news"; 100])
        .await
        .map(Client::new)
        .expect("one topic");
    publish(&hub, "news", "one");
    assert_eq!(same.data(), ["one"]);
    assert_eq!(hub.subscribers("news"), 1);
}

#[tokio::test]
async fn idle_topics_disappear_and_make_room() {
    tokio::time::pause();
    let hub = Hub::builder().max_topics(10).build();
    for n in 0..10 {
        publish(&hub, &format!("old-{n}"), "x");
    }
    assert!(hub.publish_now("new", "x").is_err());
    tokio::time::advance(Retention::DEFAULT_MAX_AGE).await;
    for n in 0..10 {
        publish(&hub, &format!("new-{n}"), "x");
    }
    let metrics = hub.metrics();
    assert_eq!(
        (metrics.topics, metrics.published, metrics.retained_events),
        (10, 20, 10)
    );
}

/// A full hub, which keeps what is published to the topic "brief" for ten seconds.
fn full_hub(topics: usize) -> Hub {
    let hub = Hub::builder()
        .max_topics(topics)
        .topics(|name| {
            let seconds = if name == "brief" { 10 } else { 300 };
            TopicOptions::new().retention(Retention::new().max_age(Duration::from_secs(seconds)))
        })
        .build();
    for n in 1..topics {
        publish(&hub, &format!("old-{n}"), "x");
    }
    publish(&hub, "brief", "x");
    hub
}

#[tokio::test]
async fn a_full_hub_finds_the_one_topic_that_can_go_among_all_others() {
    tokio::time::pause();
    let hub = full_hub(10_000);
    let is_refused = |name: &str| hub.publish_now(name, "x").is_err();
    tokio::time::advance(Duration::from_millis(9_999)).await;
    for _ in 0..100 {
        assert!(is_refused("new"));
    }
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!is_refused("new"));
    assert_eq!(hub.topic_metrics("brief"), None);
    assert!(is_refused("newer"));
    assert_eq!(hub.metrics().topics, 10_000);
}

#[tokio::test]
async fn a_full_hub_finds_a_topic_that_its_last_user_has_left() {
    tokio::time::pause();
    let hub = full_hub(1_000);
    let new = || hub.subscribe("new");
    let mut clients = Vec::new();
    for n in 1..1_000 {
        clients.push(subscribe(&hub, &[&format!("old-{n}")], None).await);
    }
    let presence = hub.presence("brief").await.expect("presence");
    tokio::time::advance(Retention::DEFAULT_MAX_AGE).await;
    assert!(new().await.is_err());
    // What was published to it is too old when it is left.
    drop(presence);
    let first = new().await.expect("room");
    assert!(new().await.is_ok(), "it is in use");
    assert!(hub.subscribe("newer").await.is_err());
    drop(clients.swap_remove(500));
    let _second = hub.subscribe("newer").await.expect("room");
    drop(first);
    // It never had any history.
    let _third = hub.subscribe("newest").await.expect("room");
    assert_eq!(hub.metrics().topics, 1_000);
}

#[tokio::test]
async fn topics_that_were_published_to_again_do_not_hide_one_that_can_go_for_long() {
    tokio::time::pause();
    let hub = full_hub(1_000);
    publish(&hub, "brief", "y");
    // So soon that the time at which they can go is not noted again.
    tokio::time::advance(Duration::from_secs(5)).await;
    for n in 1..1_000 {
        if n != 500 {
            publish(&hub, &format!("old-{n}"), "y");
        }
    }
    let _client = subscribe(&hub, &["brief"], None).await;
    tokio::time::advance(Retention::DEFAULT_MAX_AGE - Duration::from_secs(5)).await;
    let refused = (0..).take_while(|_| hub.publish_now("new", "x").is_err());
    // Eight are looked at each time.
    assert_eq!(refused.count(), 499 / 8);
    assert_eq!(hub.topic_metrics("old-500"), None);
    assert_eq!(hub.metrics().topics, 1_000);
}

#[tokio::test]
async fn a_sweep_evicts_all_topics_of_a_large_hub_that_nothing_needs() {
    tokio::time::pause();
    let hub = full_hub(1_000);
    let _client = subscribe(&hub, &["old-7"], None).await;
    tokio::time::advance(Duration::from_secs(10)).await;
    hub.sweep();
    assert_eq!(hub.metrics().topics, 999);
    tokio::time::advance(Retention::DEFAULT_MAX_AGE).await;
    hub.sweep();
    let metrics = hub.metrics();
    assert_eq!((metrics.topics, metrics.published), (1, 1_000));
    assert_eq!(metrics.retained_events, 0);
}

#[tokio::test]
async fn what_is_opened_before_a_request_is_answered_is_in_use_until_it_is_dropped() {
    let hub = Hub::builder().max_topics(1).build();
    let open = hub.subscribe("news").open().await.expect("open");
    assert_eq!((hub.metrics().topics, hub.subscribers("news")), (1, 0));
    let refused = hub.subscribe("other").open().await.expect_err("refused");
    assert_eq!((refused.status().as_u16()), 503);
    let open = open.open().await.expect("open still");
    let mut client = Client::new(open.await.expect("a subscription"));
    publish(&hub, "news", "x");
    assert_eq!(client.data(), ["x"]);
    drop(client);
    assert_eq!(hub.metrics().topics, 1);
    let open = hub.subscribe("news").open().await.expect("open");
    drop(open);
    assert_eq!(hub.metrics().topics, 1);

    let hub = Hub::builder().max_topics(1).build();
    drop(hub.subscribe("news").open().await.expect("open"));
    assert_eq!(hub.metrics().topics, 0);
}

#[tokio::test]
async fn refused_topics_find_one_that_can_go_before_the_second_has_passed() {
    tokio::time::pause();
    let hub = Hub::builder().max_topics(100).build();
    for n in 0..100 {
        publish(&hub, &format!("old-{n}"), "x");
    }
    let is_refused = || hub.publish_now("new", "x").is_err();
    let almost = Retention::DEFAULT_MAX_AGE - Duration::from_millis(500);
    tokio::time::advance(almost).await;
    assert!(is_refused());
    publish(&hub, "old-50", "y");
    tokio::time::advance(Duration::from_millis(500)).await;
    assert!(!is_refused());
    assert!(hub.metrics().topics >= 98);
}

#[tokio::test]
async fn a_member_with_a_long_name_is_refused() {
    let hub = Hub::new();
    let longest = "x".repeat(512);
    let subscription = hub.subscribe("room").member(&longest).await;
    let _subscription = subscription.expect("a subscription");
    let error = hub
        .subscribe("room")
        .member(format!("{longest}x"))
        .await
        .expect_err("refused");
    assert!(matches!(
        error,
        SubscribeError::MemberTooLong {
            len: 513,
            limit: 512
        }
    ));
    let presence = hub.presence("room").await.expect("presence");
    assert_eq!(presence.subscribers(), 1);
}

#[tokio::test]
async fn a_last_event_id_that_is_too_long_is_a_gap_like_any_other_unknown_one() {
    let hub = Hub::new();
    publish(&hub, "news", "one");
    // Without their ids, which need not be equal.
    let mut seen = Vec::new();
    for id in ["?", "\0", &"A".repeat(4097), &"A".repeat(1 << 20)] {
        let events = subscribe(&hub, &["news"], Some(id)).await.read();
        let events = events.into_iter().map(|event| (event.name, event.data));
        seen.push(events.collect::<Vec<_>>());
    }
    assert_eq!(seen[0].len(), 1);
    assert_eq!(seen[0][0].0, "gap");
    assert!(seen.iter().all(|events| *events == seen[0]), "{seen:?}");
}
