//! Publishers and subscribers on many threads at once: what the model test cannot interleave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_hub::{Event, Hub, Retention, TopicOptions};
use sse_hub_testing::reader::Reader;
use tokio::runtime::Runtime;

const THREADS: usize = 4;
const EVENTS: usize = 2_000;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

/// Runs `case` to its end, within bounds.
fn run(case: impl Future<Output = ()>) {
    runtime().block_on(async {
        tokio::time::timeout(Duration::from_secs(120), case)
            .await
            .expect("it completes");
    });
}

#[test]
fn each_publishers_events_arrive_once_and_in_order_through_any_number_of_cuts() {
    let hub = Hub::builder()
        .topics(|_| {
            TopicOptions::new().retention(Retention::new().max_bytes(1 << 24).max_events(1 << 20))
        })
        .build();
    let topics = ["a", "b", "c"];
    let begin =
        runtime().block_on(async { hub.subscribe(topics).await.expect("a subscription").id() });
    let barrier = Barrier::new(2 * THREADS);
    thread::scope(|scope| {
        for publisher in 0..THREADS {
            let (hub, barrier) = (&hub, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for number in 0..EVENTS {
                    let topic = topics[number % topics.len()];
                    let event = format!("{topic} {publisher} {}", number / topics.len());
                    hub.publish_now(topic, event).expect("published");
                }
            });
        }
        for subscriber in 0..THREADS {
            let (hub, barrier, begin) = (&hub, &barrier, &begin);
            scope.spawn(move || {
                barrier.wait();
                // One of them on one topic, the others on all.
                let topics = if subscriber == 0 {
                    &topics[..1]
                } else {
                    &topics
                };
                run(follow(hub, topics, begin));
            });
        }
    });
}

async fn follow(hub: &Hub, topics: &[&str], begin: &str) {
    let mut id = begin.to_owned();
    let mut seen = vec![[0; THREADS]; topics.len()];
    let owed = |topic: usize| (EVENTS - topic).div_ceil(3);
    loop {
        let subscribe = hub.subscribe(topics.iter().copied()).resume(Some(&id));
        let mut subscription = subscribe.await.expect("a subscription");
        let mut reader = Reader::after(Some(&id));
        let mut until_cut = fastrand::usize(0..500);
        'connection: while let Some(piece) = subscription.next().await {
            for event in reader.feed(&piece.expect("no error")) {
                let mut words = event.data.split(' ');
                let topic = words.next().expect("a topic");
                let topic = topics
                    .iter()
                    .position(|name| *name == topic)
                    .expect("its topic");
                let publisher: usize = words
                    .next()
                    .expect("a publisher")
                    .parse()
                    .expect("a number");
                let seen = &mut seen[topic][publisher];
                assert_eq!(
                    words.next(),
                    Some(&*seen.to_string()),
                    "a hole or a duplicate"
                );
                *seen += 1;
                id = event.id;
                if until_cut == 0 {
                    break 'connection;
                }
                until_cut -= 1;
            }
            let has_all =
                |(topic, seen): (usize, &[usize; THREADS])| *seen == [owed(topic); THREADS];
            if seen.iter().enumerate().all(has_all) {
                return;
            }
        }
    }
}

#[test]
fn a_snapshot_taken_at_any_moment_is_followed_by_exactly_the_rest() {
    let state = Arc::new(Mutex::new(0));
    let shared = Arc::clone(&state);
    let hub = Hub::builder()
        .topics(move |_| {
            let shared = Arc::clone(&shared);
            TopicOptions::new().snapshot(move || {
                let count = *shared.lock().expect("not poisoned");
                Event::new().event("snapshot").display(count)
            })
        })
        .build();
    let total = THREADS * EVENTS / 4;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EVENTS / 4 {
                    let add = || {
                        let mut count = state.lock().expect("not poisoned");
                        *count += 1;
                        Event::new().display(*count)
                    };
                    hub.publish_with("count", add).expect("published");
                }
            });
            scope.spawn(|| {
                run(async {
                    let mut last = 0;
                    while last < total {
                        last = snapshot_and_tail(&hub, total).await;
                    }
                });
            });
        }
    });
}

/// The number that was reached: the snapshot's, and then each one after it.
async fn snapshot_and_tail(hub: &Hub, total: usize) -> usize {
    let mut subscription = hub.subscribe(["count"]).await.expect("a subscription");
    let mut reader = Reader::default();
    let mut last = None;
    let mut until_cut = fastrand::usize(0..50);
    while let Some(piece) = subscription.next().await {
        for event in reader.feed(&piece.expect("no error")) {
            let number = event.data.parse().expect("a number");
            match last {
                None => assert_eq!(event.name, "snapshot"),
                Some(last) => assert_eq!(number, last + 1, "the snapshot and its tail do not meet"),
            }
            last = Some(number);
            if until_cut == 0 || number == total {
                return number;
            }
            until_cut -= 1;
        }
    }
    panic!("ended");
}

#[test]
fn topics_that_come_and_go_all_the_time_lose_nothing_silently() {
    // What was published is gone at once, so a topic without subscribers disappears at once.
    let hub = Hub::builder()
        .topics(|_| {
            TopicOptions::new().retention(Retention::new().max_age(Duration::from_millis(1)))
        })
        .build();
    // How many events all subscribers together have got, and how many of them are there.
    let (got, there) = (AtomicUsize::new(0), AtomicUsize::new(THREADS));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while there.load(Ordering::Acquire) > 0 {
                hub.publish_now("flicker", number.to_string())
                    .expect("published");
                number += 1;
                if number % 16 == 0 {
                    hub.sweep();
                }
            }
        });
        for _ in 0..THREADS {
            scope.spawn(|| {
                let _gone = count_down(&there);
                run(flicker(&hub, &got));
            });
        }
    });
    assert!(got.into_inner() >= EVENTS);
}

#[test]
fn each_event_counts_once_while_topics_come_and_go() {
    let retention = Retention::new().max_age(Duration::from_millis(1));
    let hub = Hub::builder()
        .topics(move |_| TopicOptions::new().retention(retention))
        .build();
    let (published, there) = (AtomicUsize::new(0), AtomicUsize::new(THREADS));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (hub, published, there) = (&hub, &published, &there);
            scope.spawn(move || {
                let _gone = count_down(there);
                for number in 0..EVENTS {
                    let topic = format!("{thread} {}", number % 200);
                    hub.publish_now(&topic, "x").expect("published");
                    published.fetch_add(1, Ordering::AcqRel);
                    if number % 16 == 0 {
                        hub.sweep();
                    }
                }
            });
        }
        let mut last = 0;
        while there.load(Ordering::Acquire) > 0 {
            let least = published.load(Ordering::Acquire) as u64;
            let counted = hub.metrics().published;
            let most = published.load(Ordering::Acquire) + THREADS;
            assert!(
                (least.max(last)..=most as u64).contains(&counted),
                "{least} {last} {counted} {most}"
            );
            last = counted;
        }
    });
    assert_eq!(hub.metrics().published, (THREADS * EVENTS) as u64);
}

/// Counts down however its thread ends.
fn count_down(there: &AtomicUsize) -> impl Drop {
    struct Gone<'a>(&'a AtomicUsize);
    impl Drop for Gone<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::AcqRel);
        }
    }
    Gone(there)
}

/// Comes and goes until enough was got.
async fn flicker(hub: &Hub, got: &AtomicUsize) {
    let mut id: Option<String> = None;
    // The next number; none at first, and after a gap.
    let mut next: Option<usize> = None;
    while got.load(Ordering::Acquire) < EVENTS {
        let subscribe = hub.subscribe(["flicker"]).resume(id.as_deref());
        let mut subscription = subscribe.await.expect("a subscription");
        let mut reader = Reader::after(id.as_deref());
        for _ in 0..fastrand::usize(1..5) {
            let piece = subscription.next().await.expect("a piece");
            for event in reader.feed(&piece.expect("no error")) {
                if event.name == "gap" {
                    next = None;
                    continue;
                }
                let number = event.data.parse().expect("a number");
                assert_eq!(number, next.unwrap_or(number), "a hole without a gap");
                next = Some(number + 1);
                got.fetch_add(1, Ordering::AcqRel);
            }
        }
        id.clone_from(&reader.id);
    }
}
