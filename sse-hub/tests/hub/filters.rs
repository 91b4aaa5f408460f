//! Filters: what is hidden is no gap, costs no exactness, and does not make an id too old.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures_util::{FutureExt as _, Stream as _, StreamExt as _};
use sse_hub::{
    Event, Hub, Opening, Retention, StoredEvent, Subscribe, SubscribeError, TopicOptions,
};

use crate::{Client, publish, subscribe};

fn is_even(event: &StoredEvent<'_>) -> bool {
    let number = event.data().and_then(|data| data.parse::<u64>().ok());
    number.is_some_and(|number| number % 2 == 0)
}

async fn begin(subscribe: Subscribe) -> Client {
    Client::new(subscribe.await.expect("a subscription"))
}

fn kept(events: usize) -> Hub {
    let retention = Retention::new().max_events(events);
    Hub::builder()
        .topics(move |_| TopicOptions::new().retention(retention))
        .build()
}

fn publish_all(hub: &Hub, numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    let publish = |number: u64| publish(hub, "news", &number.to_string());
    numbers.into_iter().map(publish).collect()
}

fn delivered(hub: &Hub) -> u64 {
    hub.topic_metrics("news").expect("in use").delivered
}

#[tokio::test]
async fn a_filter_hides_events_of_its_subscriber_alone() {
    let hub = Hub::new();
    let mut all = subscribe(&hub, &["news"], None).await;
    let mut even = begin(hub.subscribe("news").filter(is_even)).await;
    // One by one, and several at once.
    for number in 0..4 {
        publish_all(&hub, [number]);
        let expected = if number % 2 == 0 {
            vec![number.to_string()]
        } else {
            vec![]
        };
        assert_eq!(even.data(), expected);
    }
    publish_all(&hub, 4..10);
    assert_eq!(even.data(), ["4", "6", "8"]);
    assert_eq!(all.data().len(), 10);
    let metrics = hub.topic_metrics("news").expect("in use");
    assert_eq!((metrics.delivered, metrics.gaps, metrics.lag), (15, 0, 0));
    drop((all, even));
    assert_eq!(hub.metrics().delivered, 15);
}

#[tokio::test]
async fn what_is_visible_has_the_bytes_and_ids_that_other_subscribers_get() {
    let hub = Hub::new();
    let mut ids = Vec::new();
    let pieces = |hub: &Hub, filter: fn(&StoredEvent<'_>) -> bool| {
        let subscribe = hub.subscribe("news").from_start().filter(filter);
        async {
            let mut subscription = subscribe.await.expect("a subscription");
            subscription.next().await;
            subscription.next().await.expect("a piece").expect("events")
        }
    };
    ids.extend(publish_all(&hub, 0..5));
    let bytes = |numbers: &[usize]| -> String {
        let event = |number: &usize| format!("data: {number}\nid: {}\n\n", ids[*number]);
        numbers.iter().map(event).collect()
    };
    let all = pieces(&hub, |_| true).await;
    assert_eq!(all.as_ref(), bytes(&[0, 1, 2, 3, 4]).as_bytes());
    let some = pieces(&hub, is_even).await;
    assert_eq!(some.as_ref(), bytes(&[0, 2, 4]).as_bytes());
    // A run of them is a part of the log, without a copy.
    let run = pieces(&hub, |event| event.data().is_some_and(|it| *it > *"1")).await;
    assert_eq!(run.as_ref(), bytes(&[2, 3, 4]).as_bytes());
    assert_eq!(run.as_ptr_range().end, all.as_ptr_range().end);
}

#[tokio::test]
async fn of_several_topics_the_filter_knows_the_one_of_each_event() {
    let hub = Hub::new();
    let subscribe = || {
        hub.subscribe(["news", "weather"])
            .filter(|event| event.topic() == "weather" || is_even(event))
    };
    let mut client = begin(subscribe()).await;
    for number in ["1", "2", "3"] {
        publish(&hub, "news", number);
        publish(&hub, "weather", number);
    }
    let mut data = client.data();
    data.sort_unstable();
    assert_eq!(data, ["1", "2", "2", "3"]);
    publish(&hub, "news", "5");
    publish(&hub, "weather", "5");
    publish(&hub, "news", "6");
    let mut again = begin(subscribe().resume(Some(&client.id()))).await;
    let mut data = again.data();
    data.sort_unstable();
    assert_eq!(data, ["5", "6"]);
    assert_eq!(hub.metrics().delivered, 6);
}

#[tokio::test]
async fn several_filters_must_all_accept_an_event() {
    let hub = Hub::new();
    let subscribe = hub
        .subscribe("news")
        .filter(is_even)
        .filter(|event| event.name() == "paid");
    let mut client = begin(subscribe).await;
    for (name, data) in [("paid", "1"), ("paid", "2"), ("made", "4")] {
        let event = Event::new().event(name).data(data);
        hub.publish_now("news", event).expect("published");
    }
    assert_eq!(client.data(), ["2"]);
}

#[tokio::test]
async fn an_id_resumes_exactly_with_the_same_filter_another_one_or_none() {
    let hub = Hub::new();
    let ids = publish_all(&hub, 0..10);
    for (at, id) in ids.iter().enumerate() {
        let after = |is_visible: fn(&usize) -> bool| -> Vec<String> {
            let after = (at + 1..10).filter(is_visible);
            after.map(|number| number.to_string()).collect()
        };
        let resume = || hub.subscribe("news").resume(Some(id));
        assert_eq!(begin(resume()).await.data(), after(|_| true));
        let even = resume().filter(is_even);
        assert_eq!(begin(even).await.data(), after(|number| number % 2 == 0));
        let odd = resume().filter(|event| !is_even(event));
        assert_eq!(begin(odd).await.data(), after(|number| number % 2 == 1));
    }
}

#[tokio::test]
async fn an_id_is_sent_before_so_much_was_hidden_that_the_one_before_is_not_kept() {
    let hub = kept(8);
    let mut client = begin(hub.subscribe("news").filter(is_even)).await;
    publish_all(&hub, [0]);
    assert_eq!(client.data(), ["0"]);
    for _ in 0..20 {
        let id = client.id();
        publish_all(&hub, [1]);
        assert_eq!(client.data(), [""; 0]);
        assert_eq!(client.id(), id, "one of two");
        publish_all(&hub, [1]);
        assert_eq!(client.data(), [""; 0]);
        assert_ne!(client.id(), id, "a quarter of what is kept");
        let id = client.id();
        let mut again = begin(hub.subscribe("news").resume(Some(&id))).await;
        assert_eq!(again.data(), [""; 0], "no gap, and nothing hidden again");
    }
    publish_all(&hub, [1, 2]);
    assert_eq!(client.data(), ["2"]);
    // The id of an event does not include what follows it, though it is read with it.
    let ids = publish_all(&hub, [4, 1, 1]);
    assert_eq!(client.data(), ["4"]);
    let position = |id: &str| hub.position_of("news", id).expect("a position");
    assert_eq!(position(&client.id()), position(&ids[2]));
    assert_eq!(hub.metrics().gaps, 0);
    // A long event counts by its bytes.
    let hub = Hub::new();
    let mut client = begin(hub.subscribe("news").filter(is_even)).await;
    client.read();
    let id = client.id();
    publish(&hub, "news", &"x".repeat(Retention::DEFAULT_MAX_BYTES / 4));
    client.read();
    assert_ne!(client.id(), id);
}

#[tokio::test(start_paused = true)]
async fn an_id_is_sent_in_time_when_nothing_follows_what_was_hidden() {
    let age = Duration::from_secs(100);
    let hub = Hub::builder()
        .topics(move |_| TopicOptions::new().retention(Retention::new().max_age(age)))
        .build();
    let mut client = begin(hub.subscribe("news").filter(is_even)).await;
    let opened = client.read();
    assert_eq!(opened, []);
    let first = client.id();
    // Nothing hidden, nothing sent.
    assert!(
        tokio::time::timeout(age * 4, client.subscription.next())
            .await
            .is_err()
    );
    publish_all(&hub, [1]);
    let begun = tokio::time::Instant::now();
    assert_eq!(client.data(), [""; 0]);
    assert_eq!(client.id(), first);
    let block = client.subscription.next().await.expect("a block");
    assert_eq!(begun.elapsed().as_secs(), age.as_secs() / 4);
    assert_eq!(client.reader.feed(&block.expect("no error")), []);
    assert_ne!(client.id(), first);
    // Only once.
    assert!(
        tokio::time::timeout(age * 4, client.subscription.next())
            .await
            .is_err()
    );
    // What was hidden is too old now, and there is no gap.
    hub.sweep();
    let mut again = subscribe(&hub, &["news"], Some(&client.id())).await;
    assert_eq!(again.read(), []);
    let mut late = subscribe(&hub, &["news"], Some(&first)).await;
    assert_eq!(late.read().len(), 1, "a gap");
    // An id with an event makes the block unnecessary.
    publish_all(&hub, [1]);
    assert_eq!(client.data(), [""; 0]);
    tokio::time::advance(age / 8).await;
    publish_all(&hub, [2]);
    assert_eq!(client.data(), ["2"]);
    assert!(
        tokio::time::timeout(age, client.subscription.next())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn the_id_is_sent_in_the_form_of_the_opening() {
    let hub = kept(4);
    let position = || Event::new().event("position").data("{}").to_frame();
    for (opening, expected) in [
        (
            Opening::Event(position().expect("a frame")),
            vec!["position"; 3],
        ),
        (Opening::IdBlock, vec![]),
        (Opening::None, vec![]),
    ] {
        let is_none = opening == Opening::None;
        let subscribe = hub.subscribe("news").opening(opening).filter(is_even);
        let mut client = begin(subscribe).await;
        let mut names: Vec<_> = client.read().into_iter().map(|it| it.name).collect();
        for _ in 0..2 {
            publish_all(&hub, [1]);
            names.extend(client.read().into_iter().map(|it| it.name));
        }
        assert_eq!(names, expected);
        assert_eq!(client.reader.id.is_none(), is_none);
    }
}

#[test]
fn without_a_runtime_the_id_is_sent_at_once() {
    let hub = Hub::new();
    let subscription = hub.subscribe("news").filter(is_even).into_future();
    let mut client = Client::new(subscription.now_or_never().expect("now").expect("one"));
    client.read();
    let id = client.id();
    publish_all(&hub, [1]);
    assert_eq!(client.data(), [""; 0]);
    assert_ne!(client.id(), id);
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_filter_that_hides_all_gives_other_tasks_their_turn() {
    const EVENTS: u64 = 100_000;
    let retention = Retention::new()
        .max_events(1_000_000)
        .max_bytes(64 * 1024 * 1024);
    let hub = Hub::builder()
        .topics(move |_| TopicOptions::new().retention(retention))
        .build();
    publish_all(&hub, 0..EVENTS);
    let looked_at = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&looked_at);
    let subscribe = hub.subscribe("news").from_start().filter(move |event| {
        counter.fetch_add(1, Ordering::Relaxed);
        event.data().as_deref() == Some("99999")
    });
    let mut subscription = pin!(subscribe.await.expect("a subscription"));
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let cx = &mut Context::from_waker(&waker);
    let (mut polls, mut last) = (0, 0);
    loop {
        polls += 1;
        let polled = subscription.as_mut().poll_next(cx);
        let looked = looked_at.load(Ordering::Relaxed);
        assert!(looked - last <= 4_000, "{} in one poll", looked - last);
        last = looked;
        match polled {
            Poll::Pending => {
                assert_eq!(wakes.0.swap(0, Ordering::Relaxed), 1, "it goes on");
            }
            Poll::Ready(piece) => {
                let piece = piece.expect("more").expect("no error");
                if piece.starts_with(b"data: 99999\n") {
                    break;
                }
                assert!(piece.starts_with(b"id: "));
            }
        }
    }
    assert_eq!(looked_at.load(Ordering::Relaxed), EVENTS as usize);
    assert!(polls > 25, "{polls}");
    assert_eq!(delivered(&hub), 1);
}

#[tokio::test]
async fn a_subscription_with_a_filter_gets_all_that_is_visible_before_a_shutdown() {
    let retention = Retention::new().max_events(100_000).max_bytes(16 << 20);
    let hub = Hub::builder()
        .topics(move |_| TopicOptions::new().retention(retention))
        .build();
    let subscribe = hub.subscribe("news").opening(Opening::None);
    let subscribe = subscribe.filter(|event| event.data().as_deref() == Some("19999"));
    let mut client = begin(subscribe).await;
    assert_eq!(client.read(), []);
    publish_all(&hub, 0..20_000);
    let retry = Duration::ZERO..=Duration::ZERO;
    let shutdown = tokio::spawn({
        let hub = hub.clone();
        async move { hub.shutdown(Duration::from_secs(60), retry).await }
    });
    tokio::task::yield_now().await;
    let mut data = Vec::new();
    while !client.ended {
        data.extend(client.data());
    }
    assert_eq!(data, ["19999"]);
    drop(client);
    assert_eq!(shutdown.await.expect("a shutdown"), 0);
}

#[tokio::test]
async fn a_stream_of_finished_topics_ends_with_an_id_although_the_end_is_hidden() {
    let hub = Hub::new();
    let subscribe = || hub.subscribe(["news", "weather"]).filter(is_even);
    let mut client = begin(subscribe()).await;
    publish_all(&hub, [0, 1]);
    assert_eq!(client.data(), ["0"]);
    for topic in ["news", "weather"] {
        hub.finish(topic, "the end").now().expect("finished");
    }
    assert_eq!(client.data(), [""; 0]);
    assert!(client.ended);
    let again = subscribe().resume(Some(&client.id())).open().await;
    assert!(matches!(again, Err(SubscribeError::Finished)));

    // One topic, whose end is visible.
    let mut client = begin(hub.subscribe("jobs").filter(is_even)).await;
    publish(&hub, "jobs", "1");
    hub.finish("jobs", "2").now().expect("finished");
    assert_eq!(client.data(), ["2"]);
    assert!(client.ended);
    let again = hub
        .subscribe("jobs")
        .resume(Some(&client.id()))
        .open()
        .await;
    assert!(matches!(again, Err(SubscribeError::Finished)));
}

#[tokio::test]
async fn gaps_are_not_hidden_and_have_no_number_and_snapshots_are_not_hidden() {
    let hub = kept(4);
    let mut client = begin(hub.subscribe("news").filter(|_| false)).await;
    client.read();
    publish_all(&hub, 0..10);
    let gap = &client.read()[0];
    assert_eq!(gap.gaps(), [("news".into(), "slow".into())]);
    assert_eq!(gap.missed(), None);

    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().snapshot(|| Event::new().event("state").data("all")))
        .build();
    let mut client = begin(hub.subscribe("news").filter(|_| false)).await;
    assert_eq!(client.read()[0].name, "state");
}
