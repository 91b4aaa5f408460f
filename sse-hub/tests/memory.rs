//! What a subscriber costs, and that it does not grow with what is published, nor with subscribers
//! that come and go.
//!
//! A test binary of its own, as it counts the allocations of the thread that measures.

use allocation_counter::measure;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Hub, Retention, Subscription, TopicOptions};
use sse_hub_testing::served::Served;
use sse_session::{SseOptions, SseStream};

const SUBSCRIBERS: usize = 1_000;

const TOPICS: [&str; 3] = ["news", "weather", "sports"];

/// What the documentation states, in bytes for each subscriber of one topic.
const STATED: i64 = 256;

/// And for each further topic.
const STATED_FURTHER: i64 = 160;

/// Takes what is there, and waits: a waiting subscriber has a waker in its topic.
fn read(subscription: &mut Subscription) -> usize {
    let mut bytes = 0;
    while let Some(piece) = subscription.next().now_or_never() {
        bytes += piece.expect("it goes on").expect("no error").len();
    }
    bytes
}

fn subscribe(hub: &Hub, topics: &[&str]) -> Vec<Subscription> {
    let mut all = Vec::with_capacity(SUBSCRIBERS);
    for _ in 0..SUBSCRIBERS {
        let subscription = hub
            .subscribe(topics.iter().copied())
            .into_future()
            .now_or_never();
        all.push(subscription.expect("at once").expect("a subscription"));
    }
    all
}

#[test]
fn the_memory_of_a_subscriber_is_as_stated_and_does_not_grow() {
    let retention = Retention::new().max_bytes(64 * 1024);
    let hub = Hub::builder()
        .topics(move |_| TopicOptions::new().retention(retention))
        .build();
    // The topic itself is there before.
    let mut first = hub.subscribe(TOPICS).into_future().now_or_never();
    assert!(first.as_mut().is_some_and(|first| first.is_ok()));

    let mut all = Vec::new();
    let mut others = Vec::new();
    let begun = measure(|| {
        all = subscribe(&hub, &TOPICS[..1]);
        for subscription in &mut all {
            read(subscription);
        }
    });
    let each = begun.bytes_current / SUBSCRIBERS as i64;
    println!(
        "{each} bytes for each subscriber, {} of them on the stack of its owner",
        size_of::<Subscription>()
    );
    assert!(each <= STATED, "{each} bytes");

    let begun = measure(|| {
        let mut all = subscribe(&hub, &TOPICS);
        for subscription in &mut all {
            read(subscription);
        }
        others = all;
    });
    let further = (begun.bytes_current / SUBSCRIBERS as i64 - each) / (TOPICS.len() as i64 - 1);
    println!("{further} bytes more for each further topic");
    assert!(further <= STATED_FURTHER, "{further} bytes");
    drop(others);

    // 10 MB go through, half of the subscribers take them, half do not.
    let data = "x".repeat(1_000);
    let (reading, stopped) = all.split_at_mut(SUBSCRIBERS / 2);
    let grown = measure(|| {
        for _ in 0..10_000 {
            hub.publish_now("news", &data).expect("published");
            for subscription in reading.iter_mut().take(10) {
                assert!(read(subscription) > 1_000);
            }
        }
        for subscription in reading.iter_mut().chain(stopped) {
            read(subscription);
        }
    });
    println!("{} bytes more after 10 MB", grown.bytes_current);
    // The topic's history and one segment; nothing for each subscriber.
    let history = (64 + 8) * 1024 + 32 * 100;
    assert!(grown.bytes_current < history * 5 / 4, "{grown:?}");
    drop(first);

    // As a response's body, with the session's handle and keep-alive around it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let mut bodies = Vec::new();
    let served = measure(|| {
        for _ in 0..SUBSCRIBERS {
            let handler = |sse| hub.subscribe(["news"]).serve(sse);
            let stream = SseStream::new(&SseOptions::new(), None, handler);
            let mut stream: BoxStream<'_, _> = Box::pin(stream);
            assert!(stream.next().now_or_never().is_some(), "the opening");
            assert!(stream.next().now_or_never().is_none(), "idle");
            bodies.push(stream);
        }
    });
    let each = served.bytes_current / SUBSCRIBERS as i64;
    println!("{each} bytes for each idle response body");
    // About 940, as the documentation says.
    assert!((750..950).contains(&each), "{each} bytes");
}

#[test]
fn publishing_and_reading_allocate_the_same_however_many_subscribe() {
    let hub = Hub::new();
    let data = "x".repeat(200);
    let publish = || {
        let counted = measure(|| {
            for _ in 0..1_000 {
                hub.publish_now("news", &data).expect("published");
            }
        });
        counted.count_total
    };
    // The history is full, so that memory comes and goes at an even pace.
    for _ in 0..5 {
        publish();
    }
    let alone = publish();
    let mut all = subscribe(&hub, &TOPICS[..1]);
    let among_many = publish();
    println!(
        "{alone} allocations for 1000 events without subscribers, {among_many} to {SUBSCRIBERS} subscribers"
    );
    // One for the encoded event; segments and their indexes are some hundreds of events each.
    assert!((1_000..1_100).contains(&alone));
    assert!((1_000..1_100).contains(&among_many));

    // All up to date, then one event for all: the first reader shares it out.
    all.iter_mut().for_each(|subscription| {
        read(subscription);
    });
    hub.publish_now("news", &data).expect("published");
    let reads = measure(|| {
        for subscription in &mut all {
            assert!(read(subscription) > 200);
        }
    });
    println!(
        "{} allocations for {SUBSCRIBERS} subscribers to read an event",
        reads.count_total
    );
    // The lists of wakers and of blocks grow a few times.
    assert!(reads.count_total < 20, "{reads:?}");
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let retention = Retention::new().max_events(1);
    let hub = Hub::builder()
        .topics(move |_| TopicOptions::new().retention(retention))
        .build();
    let publish = |data: &str| hub.publish_now("news", data).expect("published");
    // The topic stays in use.
    let _open = Served::of(&hub);
    let come_and_go = || {
        let mut clients: Vec<_> = (0..40).map(|_| Served::of(&hub)).collect();
        publish("event");
        clients.iter_mut().for_each(|client| assert!(!client.run()));
        // Some leave while they wait, all others with something that they have not read.
        clients.truncate(8);
        publish("event");
    };
    let long = "x".repeat(100_000);
    let rounds = || {
        (0..1_000).for_each(|_| come_and_go());
        // A segment of its own, so that the topic's history is of the same size each time.
        publish(&long);
    };
    rounds();
    let left = measure(rounds);
    println!(
        "{} bytes are left, in {} allocations",
        left.bytes_current, left.count_current
    );
    assert!(left.bytes_current.abs() < 4_096, "{left:?}");
    assert!(left.count_current.abs() < 10, "{left:?}");
}
