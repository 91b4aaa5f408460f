//! Groups of topics: one log, one id, and of each topic its own events.

use futures_util::StreamExt as _;
use http::StatusCode;
use sse_hub::{
    Event, EventError, Hub, OpenError, PublishError, Retention, SubscribeError, TopicError,
    TopicOptions,
};
use sse_session::Refusal as _;

use crate::{Client, publish, subscribe};

fn orders() -> Hub {
    Hub::builder().group("orders/").build()
}

#[tokio::test]
async fn a_subscriber_gets_the_events_of_its_topics_or_of_all() {
    let hub = orders();
    let mut all = subscribe(&hub, &["orders/*"], None).await;
    let mut one = subscribe(&hub, &["orders/1"], None).await;
    let mut two = subscribe(&hub, &["orders/1", "orders/3"], None).await;
    let mut both = subscribe(&hub, &["orders/1", "orders/*"], None).await;
    let mut mixed = subscribe(&hub, &["orders/2", "news"], None).await;
    for topic in ["orders/1", "orders/2", "orders/3", "news", "orders/10"] {
        publish(&hub, topic, topic);
    }
    assert_eq!(
        all.data(),
        ["orders/1", "orders/2", "orders/3", "orders/10"]
    );
    assert_eq!(one.data(), ["orders/1"]);
    assert_eq!(two.data(), ["orders/1", "orders/3"]);
    assert_eq!(
        both.data(),
        ["orders/1", "orders/2", "orders/3", "orders/10"]
    );
    let mut data = mixed.data();
    data.sort_unstable();
    assert_eq!(data, ["news", "orders/2"]);
    // A group is one topic.
    assert_eq!(hub.metrics().topics, 2);
    for name in ["orders/*", "orders/1", "orders/never"] {
        assert_eq!(hub.subscribers(name), 5);
        assert_eq!(hub.topic_metrics(name).expect("in use").delivered, 12);
    }
}

#[tokio::test]
async fn one_id_resumes_any_topics_of_the_group() {
    let hub = orders();
    let names: Vec<_> = (0..4).map(|topic| format!("orders/{topic}")).collect();
    let mut ids = Vec::new();
    for number in 0..24_usize {
        ids.push(publish(&hub, &names[number % 4], &number.to_string()));
    }
    for (at, id) in ids.iter().enumerate() {
        let missed = |has: &dyn Fn(usize) -> bool| -> Vec<String> {
            let missed = (at + 1..24).filter(|number| has(number % 4));
            missed.map(|number| number.to_string()).collect()
        };
        let mut all = subscribe(&hub, &["orders/*"], Some(id)).await;
        assert_eq!(all.data(), missed(&|_| true));
        let mut two = subscribe(&hub, &[&names[1], &names[3]], Some(id)).await;
        assert_eq!(two.data(), missed(&|topic| topic % 2 == 1));
        let position = hub.position_of(&names[0], id).expect("a position");
        assert_eq!(hub.id_of("orders/*", position), *id);
    }
    assert_eq!(hub.metrics().gaps, 0);
}

#[tokio::test]
async fn a_topic_that_was_never_published_to_is_resumed_exactly() {
    let hub = orders();
    let mut client = subscribe(&hub, &["orders/1"], None).await;
    client.read();
    let id = client.id();
    drop(client);
    publish(&hub, "orders/2", "other");
    publish(&hub, "orders/1", "missed");
    let mut client = subscribe(&hub, &["orders/1"], Some(&id)).await;
    assert_eq!(client.data(), ["missed"]);
}

#[tokio::test]
async fn a_filter_knows_the_topic_of_each_event_and_not_the_line_that_says_it() {
    let hub = orders();
    let subscribe = hub
        .subscribe(["orders/*", "news"])
        .filter(|event| event.topic() != "orders/2" && event.name() == "message");
    let mut client = Client::new(subscribe.await.expect("a subscription"));
    for topic in ["orders/1", "orders/2", "news"] {
        publish(&hub, topic, topic);
    }
    let mut data = client.data();
    data.sort_unstable();
    assert_eq!(data, ["news", "orders/1"]);
}

#[tokio::test]
async fn an_event_cannot_pretend_to_be_of_another_topic() {
    let hub = orders();
    let mut two = subscribe(&hub, &["orders/2"], None).await;
    let mut one = hub.subscribe("orders/1").await.expect("a subscription");
    let event = Event::new().comment("orders/2").data("x");
    hub.publish_now("orders/1", event).expect("published");
    assert_eq!(two.data(), [""; 0]);
    one.next().await;
    let bytes = one.next().await.expect("an event").expect("no error");
    assert!(bytes.starts_with(b": orders/1\n: orders/2\ndata: x\nid: "));
    for name in ["orders/1\ndata: y", "orders/1\r", "orders/\n: orders/2"] {
        let refused = hub.publish_now(name, "x");
        assert!(matches!(
            refused,
            Err(PublishError::Topic(TopicError::LineBreak))
        ));
        let error = hub.subscribe(name).await.expect_err("refused");
        assert!(matches!(
            error,
            SubscribeError::Topic(TopicError::LineBreak)
        ));
        assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    }
    // Of what is published, the same is refused as elsewhere.
    let refused = hub.publish_now("orders/1", Event::new());
    assert!(matches!(
        refused,
        Err(PublishError::Event(EventError::Empty))
    ));
    let refused = hub.publish_now("orders/1", Event::new().id("1").data("x"));
    assert!(matches!(
        refused,
        Err(PublishError::Event(EventError::OwnId))
    ));
}

#[tokio::test]
async fn what_a_topic_of_a_group_cannot_have_is_refused() {
    let hub = orders();
    let refused = hub.publish_now("orders/*", "x");
    assert!(matches!(
        refused,
        Err(PublishError::Topic(TopicError::WholeGroup))
    ));
    for topic in ["orders/1", "orders/*"] {
        let refused = hub.finish(topic, "x").now();
        assert!(matches!(
            refused,
            Err(PublishError::Topic(
                TopicError::InGroup | TopicError::WholeGroup
            ))
        ));
        assert!(!hub.is_finished(topic).await.expect("open"));
    }
    assert!(matches!(
        hub.presence("orders/1").await,
        Err(OpenError::Topic(TopicError::InGroup))
    ));
    let subscribe = hub.subscribe("orders/1").member("Ada");
    let _ada = subscribe.await.expect("a subscription");
    let mut presence = hub.presence("orders/*").await.expect("of the group");
    assert_eq!(&*presence.members()[0], "Ada");

    let hub = Hub::builder()
        .group("orders/")
        .topics(|_| TopicOptions::new().snapshot(|| "all"))
        .build();
    let error = hub.subscribe("orders/1").await.expect_err("refused");
    assert!(matches!(
        error,
        SubscribeError::Topic(TopicError::SnapshotOfGroup)
    ));
    assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let refused = hub.publish_now("orders/1", "x");
    assert!(matches!(
        refused,
        Err(PublishError::Topic(TopicError::SnapshotOfGroup))
    ));
    let _news = hub.subscribe("news").await.expect("not in the group");
    let many = (0..65).map(|number| format!("orders/{number}"));
    assert!(matches!(
        hub.subscribe(many).await,
        Err(SubscribeError::TooManyTopics { limit: 64 })
    ));
}

#[tokio::test]
async fn idempotency_keys_belong_to_the_topic_and_not_to_the_group() {
    let hub = orders();
    let publish = |topic: &'static str, key: &str| {
        let key = key.to_owned();
        let hub = hub.clone();
        async move { hub.publish(topic, "x").key(&key).await }
    };
    let one = publish("orders/1", "a").await.expect("published");
    let two = publish("orders/2", "a").await.expect("published");
    assert_ne!(one, two);
    assert_eq!(publish("orders/1", "a").await.expect("published"), one);
    assert_eq!(publish("orders/2", "a").await.expect("published"), two);
    for (key, len) in [("", 0), (&*"x".repeat(127), 129)] {
        let refused = publish("orders/1", key).await;
        assert!(
            matches!(&refused, Err(PublishError::Key { len: it, limit: 128 }) if *it == len),
            "{refused:?}"
        );
    }
    let longest = publish("orders/1", &"x".repeat(126)).await;
    longest.expect("published");
}

#[tokio::test]
async fn a_gap_names_the_topics_subscribed_to() {
    let hub = Hub::builder()
        .group("orders/")
        .topics(|name| {
            assert_eq!(name, "orders/*", "options are those of the group");
            TopicOptions::new().retention(Retention::new().max_events(4))
        })
        .build();
    let subscribed = ["orders/1", "orders/2"];
    let mut slow = subscribe(&hub, &subscribed, None).await;
    let mut all = subscribe(&hub, &["orders/*"], None).await;
    slow.read();
    all.read();
    for _ in 0..9 {
        publish(&hub, "orders/3", "x");
    }
    let gaps = |client: &mut Client| client.read()[0].gaps();
    let of = |names: &[&str], reason: &str| -> Vec<_> {
        let gap = |name: &&str| ((*name).to_owned(), reason.to_owned());
        names.iter().map(gap).collect()
    };
    assert_eq!(gaps(&mut slow), of(&subscribed, "slow"));
    assert_eq!(gaps(&mut all), of(&["orders/*"], "slow"));
    let mut unknown = subscribe(&hub, &subscribed, Some("x")).await;
    assert_eq!(gaps(&mut unknown), of(&subscribed, "unknown"));
}

#[tokio::test]
async fn a_change_and_its_event_are_one_step_in_a_group_too() {
    let hub = orders();
    let mut client = subscribe(&hub, &["orders/1"], None).await;
    hub.publish_with("orders/1", || "x").expect("published");
    assert_eq!(client.data(), ["x"]);
}
