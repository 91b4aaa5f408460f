//! Publishers and subscribers of a topic in all interleavings: no wake is lost, and each event comes
//! once and in order.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream as _;
use loom::sync::Mutex;
use loom::thread;
use sse_hub_model::{Change, Hub, Position, Subscription};
use sse_model_paths::reach;

use crate::task::{Task, block_on, check};

pub(crate) const TOPIC: &str = "topic";

pub(crate) fn publish(hub: &Hub, text: &str) -> Position {
    publish_to(hub, TOPIC, text)
}

fn publish_to(hub: &Hub, topic: &str, text: &str) -> Position {
    hub.publish_now(topic, text).expect("an open hub")
}

/// A subscription that has yielded the block that each begins with.
fn subscribe(hub: &Hub) -> Subscription {
    subscribe_to(hub, [TOPIC])
}

fn subscribe_to<const N: usize>(hub: &Hub, topics: [&str; N]) -> Subscription {
    let subscription = hub.subscribe(topics).into_future();
    let mut subscription = block_on(subscription).expect("an open hub");
    assert!(poll(&mut subscription, Waker::noop()).is_some_and(|opening| opening.is_empty()));
    subscription
}

/// The data of the events that come next, or `None` if there are none yet.
pub(crate) fn poll(subscription: &mut Subscription, waker: &Waker) -> Option<Vec<String>> {
    match Pin::new(subscription).poll_next(&mut Context::from_waker(waker)) {
        Poll::Ready(piece) => Some(texts(&piece.expect("no end").expect("no failure"))),
        Poll::Pending => None,
    }
}

fn texts(piece: &[u8]) -> Vec<String> {
    let lines = str::from_utf8(piece).expect("UTF-8").lines();
    let data = lines.filter_map(|line| line.strip_prefix("data: "));
    data.map(Into::into).collect()
}

/// Reads exactly `count` events, after which there are none. The task is polled a second time before
/// it sleeps, as one is that waits for something else too.
fn read(subscription: &mut Subscription, count: usize) -> Vec<String> {
    let task = Arc::new(Task::default());
    let waker = Waker::from(Arc::clone(&task));
    let mut all = Vec::new();
    while all.len() < count {
        match poll(subscription, &waker).or_else(|| poll(subscription, &waker)) {
            Some(texts) => all.extend(texts),
            None => task.sleep(),
        }
    }
    assert_eq!(poll(subscription, &waker), None);
    all
}

/// Reads until the end.
pub(crate) fn read_to_end(mut subscription: Subscription) -> Vec<String> {
    let mut all = Vec::new();
    let mut next = || block_on(poll_fn(|cx| Pin::new(&mut subscription).poll_next(cx)));
    while let Some(piece) = next() {
        all.extend(texts(&piece.expect("no failure")));
    }
    all
}

#[test]
fn two_subscribers_see_each_event_once_and_in_order() {
    check(&["a task sleeps", "nothing new, without the lock"], || {
        let hub = Hub::new();
        let (mut first, mut second) = (subscribe(&hub), subscribe(&hub));
        let publisher = thread::spawn(move || {
            publish(&hub, "a");
            publish(&hub, "b");
            hub
        });
        let other = thread::spawn(move || assert_eq!(read(&mut second, 2), ["a", "b"]));
        assert_eq!(read(&mut first, 2), ["a", "b"]);
        other.join().expect("no panic");
        publisher.join().expect("no panic");
    });
}

#[test]
fn a_subscriber_sees_what_two_threads_publish_in_the_order_of_the_positions() {
    let paths = ["a task sleeps", "nothing new, without the lock", "a", "b"];
    check(&paths, || {
        let hub = Hub::new();
        let mut subscription = subscribe(&hub);
        let [a, b] = ["a", "b"].map(|text| {
            let hub = hub.clone();
            thread::spawn(move || publish(&hub, text))
        });
        let all = read(&mut subscription, 2);
        let a_is_first = a.join().expect("no panic") < b.join().expect("no panic");
        reach(if a_is_first { "a" } else { "b" });
        assert_eq!(all, if a_is_first { ["a", "b"] } else { ["b", "a"] });
    });
}

/// Each event fills a segment, so what follows the first one is read by a second poll.
#[test]
fn a_subscriber_does_not_wait_when_there_is_more_than_one_piece() {
    check(&["a task sleeps"], || {
        let hub = Hub::new();
        let mut subscription = subscribe(&hub);
        let texts = ["a", "b"].map(|text| text.repeat(1 << 16));
        let published = texts.clone();
        let publisher = thread::spawn(move || {
            for text in &published {
                publish(&hub, text);
            }
            hub
        });
        assert!(read(&mut subscription, 2) == texts, "other events");
        publisher.join().expect("no panic");
    });
}

#[test]
fn a_subscriber_of_two_topics_is_woken_by_each() {
    check(&["a task sleeps", "topic", "other"], || {
        let hub = Hub::new();
        let topics = [TOPIC, "other"];
        let mut subscription = subscribe_to(&hub, topics);
        let publishers = topics.map(|topic| {
            let hub = hub.clone();
            thread::spawn(move || publish_to(&hub, topic, topic))
        });
        let mut all = read(&mut subscription, 2);
        reach(topics[usize::from(all[0] != topics[0])]);
        all.sort();
        assert_eq!(all, ["other", TOPIC]);
        for publisher in publishers {
            publisher.join().expect("no panic");
        }
    });
}

#[test]
fn a_subscriber_that_leaves_takes_its_waker_and_no_other_one() {
    let paths = ["left with a slot", "left without a slot", "a task sleeps"];
    check(&paths, || {
        let hub = Hub::new();
        let (mut leaver, mut subscription) = (subscribe(&hub), subscribe(&hub));
        let left = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&left));
        assert_eq!(poll(&mut leaver, &waker), None);
        let publisher = thread::spawn(move || {
            publish(&hub, "a");
            publish(&hub, "b");
            hub
        });
        let leaving = thread::spawn(move || {
            let _ = poll(&mut leaver, &waker);
        });
        assert_eq!(read(&mut subscription, 2), ["a", "b"]);
        leaving.join().expect("no panic");
        let _hub = publisher.join().expect("no panic");
        assert_eq!(Arc::strong_count(&left), 1);
    });
}

#[test]
fn two_subscribers_are_woken_when_a_third_one_leaves() {
    let paths = ["left with a slot", "left without a slot", "a task sleeps"];
    check(&paths, || {
        let hub = Hub::new();
        let mut leaver = subscribe(&hub);
        assert_eq!(poll(&mut leaver, Waker::noop()), None);
        let (mut first, mut second) = (subscribe(&hub), subscribe(&hub));
        let publisher = thread::spawn(move || {
            publish(&hub, "a");
            hub
        });
        let leaving = thread::spawn(move || drop(leaver));
        let other = thread::spawn(move || assert_eq!(read(&mut second, 1), ["a"]));
        assert_eq!(read(&mut first, 1), ["a"]);
        for thread in [leaving, other] {
            thread.join().expect("no panic");
        }
        publisher.join().expect("no panic");
    });
}

/// It takes the slot that was left, or a new one.
#[test]
fn a_subscriber_that_comes_when_another_one_leaves_is_woken() {
    let paths = [
        "left with a slot",
        "slot taken that another one has left",
        "a task sleeps",
    ];
    check(&paths, || {
        let hub = Hub::new();
        let mut leaver = subscribe(&hub);
        assert_eq!(poll(&mut leaver, Waker::noop()), None);
        let (mut first, mut second) = (subscribe(&hub), subscribe(&hub));
        let publisher = thread::spawn(move || {
            publish(&hub, "a");
            hub
        });
        let leaving = thread::spawn(move || {
            drop(leaver);
            assert_eq!(read(&mut second, 1), ["a"]);
        });
        assert_eq!(read(&mut first, 1), ["a"]);
        leaving.join().expect("no panic");
        publisher.join().expect("no panic");
    });
}

/// As a server does that moves a stream from one task to another.
#[test]
fn the_task_that_has_polled_last_is_woken() {
    check(&["waker replaced", "a task sleeps"], || {
        let hub = Hub::new();
        let mut subscription = subscribe(&hub);
        let publisher = thread::spawn(move || {
            publish(&hub, "a");
            publish(&hub, "b");
            hub
        });
        let mut all = poll(&mut subscription, Waker::noop()).unwrap_or_default();
        all.extend(read(&mut subscription, 2 - all.len()));
        assert_eq!(all, ["a", "b"]);
        publisher.join().expect("no panic");
    });
}

/// A task of an executor that drops a task when its last waker is dropped, and runs it when it is
/// woken.
struct Owner {
    hub: Hub,
    owned: Mutex<Option<Subscription>>,
}

impl Owner {
    /// A waker that is the last owner of a subscription.
    fn waker(hub: &Hub) -> Waker {
        let owned = subscribe(hub);
        Waker::from(Arc::new(Self {
            hub: hub.clone(),
            owned: Mutex::new(Some(owned)),
        }))
    }
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {
        reach("woken as the last owner");
        let owned = self.owned.lock().expect("not poisoned").take();
        let mut owned = owned.expect("woken once");
        assert!(poll(&mut owned, Waker::noop()).is_some());
        assert!(self.hub.subscribers(TOPIC) > 0);
    }
}

/// Replaced, left or woken. Under the topic's lock, it would wait for that lock itself.
#[test]
fn wakers_are_woken_and_dropped_outside_of_the_lock() {
    for is_replaced in [true, false] {
        let paths = if is_replaced {
            &["waker replaced", "woken as the last owner"][..]
        } else {
            &["left with a slot", "woken as the last owner"]
        };
        check(paths, move || {
            let hub = Hub::new();
            let mut subscription = subscribe(&hub);
            assert_eq!(poll(&mut subscription, &Owner::waker(&hub)), None);
            let other = hub.clone();
            let publisher = thread::spawn(move || publish(&other, "a"));
            if is_replaced {
                assert_eq!(read(&mut subscription, 1), ["a"]);
            }
            drop(subscription);
            publisher.join().expect("no panic");
            assert_eq!(hub.subscribers(TOPIC), 0);
        });
    }
}

/// The last subscriber leaves a topic of a hub that has room for one.
#[test]
fn of_two_topics_that_want_the_same_room_one_gets_it() {
    let paths = ["room taken by another topic meanwhile", "one", "other"];
    check(&paths, || {
        let hub = Hub::builder().max_topics(1).build();
        let leaver = subscribe(&hub);
        let leaving = thread::spawn(move || drop(leaver));
        let other = hub.clone();
        let publisher = thread::spawn(move || other.publish_now("other", "a").is_ok());
        let is_published = hub.publish_now(TOPIC, "a").is_ok();
        leaving.join().expect("no panic");
        reach(if is_published { "one" } else { "other" });
        assert_ne!(publisher.join().expect("no panic"), is_published);
        let metrics = hub.metrics();
        assert_eq!((metrics.topics, metrics.published), (1, 1));
    });
}

#[test]
fn subscribers_end_with_the_hub_after_all_that_was_published() {
    check(&["a task sleeps", "left with a slot"], || {
        let hub = Hub::new();
        let (first, second) = (subscribe(&hub), subscribe(&hub));
        let publisher = thread::spawn(move || {
            publish(&hub, "a");
            drop(hub);
        });
        let other = thread::spawn(move || assert_eq!(read_to_end(second), ["a"]));
        assert_eq!(read_to_end(first), ["a"]);
        other.join().expect("no panic");
        publisher.join().expect("no panic");
    });
}

/// The topic that the last subscriber leaves is evicted, unless something was published by then.
#[test]
fn nothing_is_published_to_a_topic_that_is_evicted_meanwhile() {
    let paths = [
        "evicted before the event was appended",
        "evicted before the pin",
        "opened by another thread meanwhile",
    ];
    check(&paths, || {
        let hub = Hub::new();
        let leaver = subscribe(&hub);
        let id = leaver.id();
        let other = hub.clone();
        let publisher = thread::spawn(move || publish(&other, "a"));
        let leaving = thread::spawn(move || drop(leaver));
        let resumed = hub.subscribe([TOPIC]).resume(Some(&id));
        let mut resumed = block_on(resumed.into_future()).expect("an open hub");
        assert_eq!(poll(&mut resumed, Waker::noop()), Some(Vec::new()));
        assert_eq!(read(&mut resumed, 1), ["a"]);
        leaving.join().expect("no panic");
        publisher.join().expect("no panic");
    });
}

/// Both are published to the same topic, which one of them has added.
#[test]
fn a_topic_that_two_threads_open_is_added_once() {
    check(&["opened by another thread meanwhile", "a", "b"], || {
        let hub = Hub::new();
        let [a, b] = ["a", "b"].map(|text| {
            let hub = hub.clone();
            thread::spawn(move || publish(&hub, text))
        });
        let a_is_first = a.join().expect("no panic") < b.join().expect("no panic");
        reach(if a_is_first { "a" } else { "b" });
        let subscribing = hub.subscribe([TOPIC]).from_start();
        let mut subscription = block_on(subscribing.into_future()).expect("an open hub");
        assert_eq!(poll(&mut subscription, Waker::noop()), Some(Vec::new()));
        let all = read(&mut subscription, 2);
        assert_eq!(all, if a_is_first { ["a", "b"] } else { ["b", "a"] });
    });
}

/// Sweeping evicts a topic between its last subscriber and the next one, or not.
#[test]
fn a_topic_that_is_swept_while_it_is_subscribed_to_gets_what_is_published() {
    check(&["evicted before the pin"], || {
        let hub = Hub::new();
        let leaver = subscribe(&hub);
        let (sweeping, leaving) = (hub.clone(), thread::spawn(move || drop(leaver)));
        let sweeper = thread::spawn(move || sweeping.sweep());
        let mut subscription = subscribe(&hub);
        publish(&hub, "a");
        assert_eq!(read(&mut subscription, 1), ["a"]);
        sweeper.join().expect("no panic");
        leaving.join().expect("no panic");
        assert_eq!(hub.subscribers(TOPIC), 1);
    });
}

#[test]
fn an_observer_of_presence_is_woken_by_each_change() {
    check(&["a task sleeps"], || {
        let hub = Hub::new();
        let presence = block_on(hub.presence(TOPIC));
        let mut presence = presence.expect("an open hub");
        assert_eq!(presence.subscribers(), 0);
        let other = thread::spawn(move || drop(subscribe(&hub)));
        let mut next = || block_on(poll_fn(|cx| Pin::new(&mut presence).poll_next(cx)));
        let counts = [next(), next()].map(|change| match change.expect("no end") {
            Change::Joined { subscribers, .. } | Change::Left { subscribers, .. } => subscribers,
            other => panic!("{other:?}"),
        });
        assert_eq!(counts, [1, 0]);
        other.join().expect("no panic");
    });
}
