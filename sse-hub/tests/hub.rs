//! What subscribers get, in memory: exact events, exact ids, exact gaps.

mod reader;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use reader::{Event as Read, Reader};
use sse_hub::{
    Change, EncodeError, Event, EventError, Frame, Hub, Json, LogError, PublishError, Retention,
    SlowConsumer, SubscribeError, Subscription, TopicError, TopicOptions,
};

/// A client: a subscription, and what it makes of the bytes.
struct Client {
    subscription: Subscription,
    reader: Reader,
    ended: bool,
}

impl Client {
    fn new(subscription: Subscription) -> Self {
        Self {
            subscription,
            reader: Reader::default(),
            ended: false,
        }
    }

    /// All that is there now.
    fn read(&mut self) -> Vec<Read> {
        let mut events = Vec::new();
        while let Some(next) = self.subscription.next().now_or_never() {
            let Some(bytes) = next else {
                self.ended = true;
                break;
            };
            let bytes = bytes.expect("no error");
            assert!(!bytes.is_empty());
            events.extend(self.reader.feed(&bytes));
            assert!(self.reader.is_whole(), "a piece is whole events");
        }
        events
    }

    fn data(&mut self) -> Vec<String> {
        self.read().into_iter().map(|event| event.data).collect()
    }

    fn id(&self) -> String {
        self.reader.id.clone().expect("an id")
    }
}

async fn subscribe(hub: &Hub, topics: &[&str], id: Option<&str>) -> Client {
    let topics = topics.iter().copied();
    Client::new(
        hub.subscribe(topics)
            .resume(id)
            .await
            .expect("a subscription"),
    )
}

fn publish(hub: &Hub, topic: &str, data: &str) -> String {
    hub.publish_now(topic, data)
        .expect("published")
        .to_id(topic)
}

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
    // Nobody and nothing is there: the topic is gone, and comes again.
    assert_eq!(hub.topic_metrics("news"), None);
    publish(&hub, "news", "meanwhile");
    let mut client = subscribe(&hub, &["news"], Some(&id)).await;
    assert_eq!(client.data(), ["meanwhile"]);
}

#[tokio::test]
async fn a_topic_that_was_let_go_of_with_history_is_a_gap_for_who_missed_it() {
    tokio::time::pause();
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    let before = client.id();
    let missed = publish(&hub, "news", "missed");
    drop(client);
    tokio::time::advance(Retention::DEFAULT_MAX_AGE).await;
    hub.sweep();
    assert_eq!(hub.metrics().topics, 0);

    let mut client = subscribe(&hub, &["news"], Some(&before)).await;
    assert_eq!(client.read()[0].gaps(), [("news".into(), "unknown".into())]);
    // Who had got it has missed nothing.
    let mut client = subscribe(&hub, &["news"], Some(&missed)).await;
    assert_eq!(client.read(), []);
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
async fn ids_that_say_nothing_here_are_told_as_gaps() {
    let hub = Hub::new();
    let true_id = publish(&hub, "news", "one");
    let elsewhere = publish(&Hub::new(), "news", "one");
    let mut damaged = true_id.clone().into_bytes();
    damaged[3] ^= 1;
    let damaged = String::from_utf8(damaged).expect("ASCII");
    for id in [
        "",
        "x",
        "42",
        "ø\u{1f}",
        &damaged,
        &true_id[1..],
        &elsewhere,
    ] {
        let mut client = subscribe(&hub, &["news"], Some(id)).await;
        let told = client.read();
        assert_eq!(told.len(), 1, "{id:?}");
        assert_eq!(
            told[0].gaps(),
            [("news".into(), "unknown".into())],
            "{id:?}"
        );
        // It goes on live, with an id that is good.
        publish(&hub, "news", "next");
        assert_eq!(client.data(), ["next"], "{id:?}");
        let mut again = subscribe(&hub, &["news"], Some(&told[0].id)).await;
        assert_eq!(again.data(), ["next"], "{id:?}");
    }
}

#[tokio::test]
async fn an_id_of_one_topic_gives_nothing_of_another() {
    let hub = Hub::new();
    publish(&hub, "secret", "s1");
    let secret = publish(&hub, "secret", "s2");
    publish(&hub, "secret", "s3");
    publish(&hub, "open", "o1");
    // The id does not mention the topic: a fresh subscription.
    let mut client = subscribe(&hub, &["open"], Some(&secret)).await;
    publish(&hub, "open", "o2");
    assert_eq!(client.data(), ["o2"]);
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
async fn who_comes_back_too_late_is_told_and_goes_on_live() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().retention(Retention::new().max_events(2)))
        .build();
    let old = publish(&hub, "news", "1");
    let mut ids = vec![];
    for n in 2..=4 {
        ids.push(publish(&hub, "news", &n.to_string()));
    }
    let mut client = subscribe(&hub, &["news"], Some(&old)).await;
    let told = client.read();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].gaps(), [("news".into(), "trimmed".into())]);
    assert_eq!(told[0].id, client.id());
    publish(&hub, "news", "5");
    assert_eq!(client.data(), ["5"]);
    // The event after this one is the oldest that is kept: just in time.
    let mut client = subscribe(&hub, &["news"], Some(&ids[1])).await;
    assert_eq!(client.data(), ["4", "5"]);
}

#[tokio::test]
async fn a_slow_subscriber_is_told_what_it_missed_and_goes_on() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().retention(Retention::new().max_events(3)))
        .build();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    for n in 0..10 {
        publish(&hub, "news", &n.to_string());
    }
    assert_eq!(hub.topic_metrics("news").expect("metrics").lag, 10);
    let told = client.read();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].gaps(), [("news".into(), "slow".into())]);
    assert_eq!(told[0].missed(), Some(10));
    publish(&hub, "news", "next");
    assert_eq!(client.data(), ["next"]);
    let metrics = hub.topic_metrics("news").expect("metrics");
    assert_eq!((metrics.gaps, metrics.lag, metrics.delivered), (1, 0, 1));
}

#[tokio::test]
async fn a_slow_subscriber_can_be_disconnected_to_be_told_when_it_comes_back() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().retention(Retention::new().max_events(3)))
        .build();
    let subscription = hub
        .subscribe(["news"])
        .slow_consumer(SlowConsumer::Disconnect)
        .await
        .expect("a subscription");
    let mut client = Client::new(subscription);
    client.read();
    for n in 0..10 {
        publish(&hub, "news", &n.to_string());
    }
    assert_eq!(client.read(), []);
    assert!(client.ended);
    let mut client = subscribe(&hub, &["news"], Some(&client.id())).await;
    assert_eq!(client.read()[0].gaps(), [("news".into(), "trimmed".into())]);
}

/// A hub whose topics have the list of what was added to them as their state.
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
async fn who_comes_fresh_gets_the_snapshot_and_then_exactly_the_tail() {
    let (hub, state) = with_snapshots();
    for number in 1..=3 {
        add(&hub, &state, number);
    }
    let mut client = subscribe(&hub, &["list"], None).await;
    // Taken when it is read, so it has this one too, and the tail has not.
    add(&hub, &state, 4);
    assert_eq!(named(&client.read()), [("state", "[1,2,3,4]")]);
    add(&hub, &state, 5);
    assert_eq!(named(&client.read()), [("added", "5")]);
    // Who resumes in time needs no snapshot.
    let id = client.id();
    add(&hub, &state, 6);
    let mut client = subscribe(&hub, &["list"], Some(&id)).await;
    assert_eq!(named(&client.read()), [("added", "6")]);
}

#[tokio::test]
async fn who_comes_across_a_gap_gets_the_snapshot_after_being_told() {
    let (hub, state) = with_snapshots();
    let mut client = subscribe(&hub, &["list"], None).await;
    client.read();
    let id = client.id();
    for number in 1..=4 {
        add(&hub, &state, number);
    }
    // Slow, late, and with an id that says nothing.
    let reasons = ["slow", "trimmed", "unknown"];
    let late = subscribe(&hub, &["list"], Some(&id)).await;
    let lost = subscribe(&hub, &["list"], Some("nonsense")).await;
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
    for id in [None, Some("nonsense")] {
        let mut client = subscribe(&hub, &["plain", "list"], id).await;
        // Only the first piece arrives.
        let first = client
            .subscription
            .next()
            .await
            .expect("a block")
            .expect("no error");
        client.reader.feed(&first);
        let mut back = subscribe(&hub, &["plain", "list"], Some(&client.id())).await;
        assert_eq!(named(&back.read()), [("state", "[1]")]);
    }
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
async fn a_snapshot_that_is_no_event_ends_the_subscription_with_an_error() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().snapshot(|| Event::new().id("own").data("x")))
        .build();
    let mut subscription = hub.subscribe(["news"]).await.expect("a subscription");
    subscription
        .next()
        .await
        .expect("a block")
        .expect("no error");
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
        PublishError::Log(LogError::TooLong {
            len: 108,
            limit: 64
        })
    ));
    let topic = |error: &PublishError| match error {
        PublishError::Log(LogError::Topic(error)) => error.clone(),
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
        (metrics.topics, metrics.published, metrics.held_events),
        (10, 20, 10)
    );
}

#[tokio::test]
async fn presence_counts_names_and_tells() {
    let hub = Hub::new();
    let ada = hub
        .subscribe(["room"])
        .member("Ada")
        .await
        .expect("a subscription");
    let mut presence = hub.presence("room").await.expect("presence");
    assert_eq!(presence.subscribers(), 1);
    assert_eq!(presence.members(), [Arc::from("Ada")]);
    assert_eq!(presence.next().now_or_never(), None);

    let anonymous = hub
        .subscribe(["room", "other"])
        .await
        .expect("a subscription");
    // A connection that has dropped and the one that takes its place, at the same time.
    let again = hub
        .subscribe(["room"])
        .member("Ada")
        .await
        .expect("a subscription");
    drop(ada);
    drop(again);
    drop(anonymous);
    let joined = |member: Option<&str>, times, subscribers| Change::Joined {
        member: member.map(Arc::from),
        times,
        subscribers,
    };
    let left = |member: Option<&str>, times, subscribers| Change::Left {
        member: member.map(Arc::from),
        times,
        subscribers,
    };
    let changes = [
        joined(None, 0, 2),
        joined(Some("Ada"), 2, 3),
        left(Some("Ada"), 1, 2),
        left(Some("Ada"), 0, 1),
        left(None, 0, 0),
    ];
    for change in changes {
        assert_eq!(presence.next().await, Some(change));
    }
    assert_eq!(hub.metrics().topics, 1);
    drop(presence);
    assert_eq!(hub.metrics().topics, 0);
}

#[tokio::test]
async fn a_slow_watcher_is_told_how_much_it_missed() {
    let hub = Hub::new();
    let mut presence = hub.presence("room").await.expect("presence");
    for _ in 0..200 {
        drop(hub.subscribe(["room"]).await);
    }
    assert_eq!(presence.next().await, Some(Change::Missed(400 - 256)));
}

#[tokio::test]
async fn at_shutdown_streams_end_after_what_was_published() {
    let hub = Hub::new();
    let mut waiting = subscribe(&hub, &["news"], None).await;
    let mut several = subscribe(&hub, &["news", "weather"], None).await;
    publish(&hub, "news", "last");
    let retry = Duration::from_secs(2)..=Duration::from_secs(4);
    let clients = async {
        for client in [&mut waiting, &mut several] {
            let mut data = Vec::new();
            while let Some(bytes) = client.subscription.next().await {
                let events = client.reader.feed(&bytes.expect("no error"));
                data.extend(events.into_iter().map(|event| event.data));
            }
            assert_eq!(data, ["last"]);
            let retry = client.reader.retry.expect("a reconnection time");
            assert!((2000..=4000).contains(&retry), "{retry}");
        }
    };
    let shut_down = hub.shut_down(Duration::from_secs(10), retry);
    tokio::pin!(shut_down);
    assert!((&mut shut_down).now_or_never().is_none());
    clients.await;
    drop((waiting, several));
    assert_eq!(shut_down.await, 0);

    let refused = hub.publish("news", "x").await;
    assert!(matches!(refused, Err(PublishError::Closed)));
    let refused = hub.subscribe(["news"]).await;
    assert!(matches!(refused, Err(SubscribeError::Closed)));
}

#[tokio::test]
async fn an_overdue_stream_ends_with_events_undelivered() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    publish(&hub, "news", "never seen");
    let retry = Duration::from_secs(1)..=Duration::from_secs(1);
    assert_eq!(hub.shut_down(Duration::ZERO, retry).await, 1);
    assert_eq!(client.read(), []);
    assert!(client.ended);
    assert_eq!(client.reader.retry, Some(1000));
}

#[tokio::test]
async fn streams_end_with_the_last_handle_of_the_hub() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    let clone = hub.clone();
    publish(&hub, "news", "one");
    drop(hub);
    publish(&clone, "news", "two");
    drop(clone);
    assert_eq!(client.data(), ["one", "two"]);
    assert!(client.ended);
    assert_eq!(client.reader.retry, None);
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
        assert!(piece.ends_with(format!("data: {topic}\n\n").as_bytes()));
        task.await.expect("published");
    }
}
