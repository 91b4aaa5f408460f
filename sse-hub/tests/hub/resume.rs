//! What is delivered, and how it is resumed after a cut.

use futures_util::StreamExt as _;
use sse_hub::{Event, Frame, Hub, Json};

use crate::{Client, publish, subscribe};

#[tokio::test]
async fn subscribers_get_what_is_published_after_they_came() {
    let hub = Hub::new();
    publish(&hub, "news", "before");
    let mut client = subscribe(&hub, &["news"], None).await;
    assert_eq!(client.read(), []);
    let id = publish(&hub, "news", "one");
    hub.publish("news", Event::new().event("greeting").data("two\nlines"))
        .await
        .expect("published");
    hub.publish(
        "news",
        Frame::new(Event::new().data("three")).expect("a frame"),
    )
    .await
    .expect("published");
    hub.publish("news", Json([4])).await.expect("published");

    let events = client.read();
    let names: Vec<_> = events.iter().map(|event| &*event.name).collect();
    let data: Vec<_> = events.iter().map(|event| &*event.data).collect();
    assert_eq!(names, ["message", "greeting", "message", "message"]);
    assert_eq!(data, ["one", "two\nlines", "three", "[4]"]);
    assert_eq!(events[0].id, id);
    assert_eq!(client.read(), []);
}

#[tokio::test]
async fn all_subscribers_share_the_same_bytes() {
    let hub = Hub::new();
    let mut subscriptions = Vec::new();
    for _ in 0..3 {
        let mut subscription = hub.subscribe(["news"]).await.expect("a subscription");
        subscription
            .next()
            .await
            .expect("a block")
            .expect("no error");
        subscriptions.push(subscription);
    }
    for data in ["one", "two"] {
        publish(&hub, "news", data);
    }
    let mut pieces = Vec::new();
    for subscription in &mut subscriptions {
        pieces.push(
            subscription
                .next()
                .await
                .expect("a piece")
                .expect("no error"),
        );
    }
    assert!(
        pieces
            .iter()
            .all(|piece| piece.as_ptr() == pieces[0].as_ptr())
    );
    assert_eq!(
        pieces[0].windows(6).filter(|six| six == b"data: ").count(),
        2
    );
}

#[tokio::test]
async fn a_client_that_drops_before_its_first_event_resumes_exactly() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    let id = client.id();
    drop(client);
    // There are no subscribers and no events: the topic is evicted, and opened again.
    assert_eq!(hub.topic_metrics("news"), None);
    publish(&hub, "news", "meanwhile");
    let mut client = subscribe(&hub, &["news"], Some(&id)).await;
    assert_eq!(client.data(), ["meanwhile"]);
}

#[tokio::test]
async fn history_is_replayed_after_an_id_and_from_the_start() {
    let hub = Hub::new();
    let ids: Vec<_> = (0..5)
        .map(|n| publish(&hub, "news", &n.to_string()))
        .collect();
    for (index, id) in ids.iter().enumerate() {
        let mut client = subscribe(&hub, &["news"], Some(id)).await;
        let expected: Vec<_> = (index + 1..5).map(|n| n.to_string()).collect();
        assert_eq!(client.data(), expected);
    }
    let subscription = hub
        .subscribe(["news"])
        .from_start()
        .await
        .expect("a subscription");
    assert_eq!(Client::new(subscription).data(), ["0", "1", "2", "3", "4"]);
}

#[tokio::test]
async fn an_id_of_one_topic_gives_nothing_of_another() {
    let hub = Hub::new();
    publish(&hub, "secret", "s1");
    let secret = publish(&hub, "secret", "s2");
    publish(&hub, "secret", "s3");
    publish(&hub, "open", "o1");
    let mut client = subscribe(&hub, &["open"], Some(&secret)).await;
    publish(&hub, "open", "o2");
    // The id says nothing of what the client has of the topic.
    let [gap, event] = &client.read()[..] else {
        panic!("a gap and an event");
    };
    assert_eq!((&*gap.name, &*event.data), ("gap", "o2"));
    // A gap has an id of its own topics.
    let mut client = subscribe(&hub, &["open"], Some(&gap.id)).await;
    assert_eq!(client.data(), ["o2"]);
}

#[tokio::test]
async fn an_id_of_none_of_the_topics_is_a_gap_in_each() {
    let hub = Hub::builder().group("g/").build();
    let other = publish(&hub, "other", "0");
    for (topics, gaps) in [
        (&["a", "b"][..], &["a", "b"][..]),
        (&["g/1", "g/2", "a"], &["g/1", "g/2", "a"]),
        (&["a", "other"], &[]),
    ] {
        let mut client = subscribe(&hub, topics, Some(&other)).await;
        let read = client.read();
        let gap = read.first().filter(|event| event.name == "gap");
        assert_eq!(gap.is_some(), !gaps.is_empty(), "{topics:?}");
        for topic in gaps {
            let named = format!(r#""topic":"{topic}""#);
            assert!(gap.is_some_and(|gap| gap.data.contains(&named)), "{read:?}");
        }
    }
}

#[tokio::test]
async fn an_id_tells_its_topics_of_those_that_are_asked_for() {
    let hub = Hub::builder().group("g/").build();
    publish(&hub, "a", "1");
    publish(&hub, "b", "1");
    let mut client = subscribe(&hub, &["a", "g/1"], None).await;
    client.read();
    let topics = ["a", "b", "g/1", "g/2", "g/*", ""];
    let of = |id: &str| hub.topics_of(id, topics).collect::<Vec<_>>();
    // Topics of a group share their log.
    assert_eq!(of(&client.id()), ["a", "g/1", "g/2", "g/*"]);
    for id in [
        "",
        "\0",
        "made up",
        &Hub::new().id_of("a", sse_hub::Position::OLDEST),
    ] {
        assert!(of(id).is_empty(), "{id:?}");
    }
}

#[tokio::test]
async fn one_id_resumes_all_topics_wherever_the_stream_was_cut() {
    let hub = Hub::new();
    let topics = ["a", "b", "c"];
    let mut whole = subscribe(&hub, &topics, None).await;
    whole.read();
    let opening = whole.id();
    for n in 0..12 {
        publish(&hub, topics[n % 2], &n.to_string());
    }
    let all = whole.read();
    assert_eq!(all.len(), 12);
    let cuts = std::iter::once((0, &opening)).chain((1..).zip(all.iter().map(|event| &event.id)));
    for (got, id) in cuts {
        let mut resumed = subscribe(&hub, &topics, Some(id)).await;
        let mut data: Vec<_> = all[..got].iter().map(|event| event.data.clone()).collect();
        data.extend(resumed.data());
        data.sort_by_key(|data| data.parse::<u32>().expect("a number"));
        let expected: Vec<_> = (0..12).map(|n| n.to_string()).collect();
        assert_eq!(data, expected, "cut after {got}");
    }
}

#[tokio::test]
async fn a_topic_that_an_id_does_not_mention_begins_fresh() {
    let hub = Hub::new();
    publish(&hub, "a", "a1");
    publish(&hub, "b", "b1");
    let mut client = subscribe(&hub, &["a"], None).await;
    client.read();
    let id = client.id();
    publish(&hub, "a", "a2");
    publish(&hub, "b", "b2");
    let mut client = subscribe(&hub, &["a", "b"], Some(&id)).await;
    publish(&hub, "b", "b3");
    assert_eq!(client.data(), ["a2", "b3"]);
}

#[tokio::test]
async fn a_waiting_subscription_is_woken_by_any_of_its_topics() {
    let hub = Hub::new();
    let mut subscription = hub.subscribe(["a", "b"]).await.expect("a subscription");
    subscription
        .next()
        .await
        .expect("a block")
        .expect("no error");
    for topic in ["b", "a", "b"] {
        let publisher = hub.clone();
        let task = tokio::spawn(async move {
            tokio::task::yield_now().await;
            publisher.publish(topic, topic).await.expect("published");
        });
        let piece = subscription
            .next()
            .await
            .expect("a piece")
            .expect("no error");
        assert!(piece.starts_with(format!("data: {topic}\nid: ").as_bytes()));
        task.await.expect("published");
    }
}
