//! A hub over real sockets, on each of the three adapters.

mod crowd;
mod refusals;
mod transports;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use refusals::{
    a_client_that_has_all_of_a_finished_topic_gets_no_content,
    a_request_is_refused_before_the_head_while_the_engine_is_down,
    a_request_whose_topics_cannot_be_opened_is_refused_before_the_head,
};
use sse_hub::{Event, Hub, Retention, TopicOptions};
use sse_hub_testing::client::{Client, Received};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use transports::{Transport, Way, serve, serve_by};

/// Each case runs on all transports.
macro_rules! on_all_transports {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            use super::Transport;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_hyper() {
                super::within_bounds(super::$case(Transport::Hyper)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_actix() {
                super::within_bounds(super::$case(Transport::Actix)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_tcp() {
                super::within_bounds(super::$case(Transport::Tcp)).await;
            }
        }
    )+};
}

on_all_transports!(
    a_thousand_subscribers_that_come_and_go_lose_nothing_and_get_nothing_twice,
    a_reader_that_stops_costs_little_and_gets_a_gap,
    a_topic_trimmed_while_its_reader_is_away_is_a_gap,
    shutdown_in_the_middle_ends_every_stream_in_order,
    a_subscription_is_a_stream_of_events_for_an_adapter,
    a_client_that_has_all_of_a_finished_topic_gets_no_content,
    a_request_whose_topics_cannot_be_opened_is_refused_before_the_head,
    a_request_is_refused_before_the_head_while_the_engine_is_down,
);

async fn within_bounds(case: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(300), case)
        .await
        .expect("it completes");
}

fn hub(retention: Retention) -> Hub {
    Hub::builder()
        .topics(move |_| TopicOptions::new().retention(retention))
        .build()
}

fn number(data: &str) -> usize {
    let number = data.split(' ').next().expect("a number");
    number.parse().expect("a number")
}

/// How many events all subscribers together have got, which limits the publisher.
#[derive(Default)]
struct Progress {
    events: AtomicUsize,
    more: Notify,
}

impl Progress {
    fn add(&self) {
        self.events.fetch_add(1, Ordering::AcqRel);
        self.more.notify_one();
    }

    /// Resolves when there were so many; for one task at a time.
    async fn reaches(&self, events: usize) {
        while self.events.load(Ordering::Acquire) < events {
            self.more.notified().await;
        }
    }
}

const SUBSCRIBERS: usize = 1000;
const EVENTS: usize = 240;
/// How far the publisher may be ahead of the average subscriber.
const AHEAD: usize = 40;
/// How often a subscriber cuts its connection.
const CUTS: usize = 4;

async fn a_thousand_subscribers_that_come_and_go_lose_nothing_and_get_nothing_twice(
    transport: Transport,
) {
    let hub = hub(Retention::new().max_bytes(1024 * 1024));
    let server = serve(transport, &hub).await;
    let progress = Arc::new(Progress::default());

    let mut subscribers = JoinSet::new();
    for subscriber in 0..SUBSCRIBERS {
        let address = server.address;
        let progress = Arc::clone(&progress);
        // Half of them are on both topics.
        let topics = if subscriber % 2 == 0 {
            &["even"][..]
        } else {
            &["even", "odd"]
        };
        subscribers.spawn(async move { follow(address, topics, &progress).await });
    }
    for number in 0..EVENTS {
        let ahead = number.saturating_sub(AHEAD);
        progress.reaches(ahead * SUBSCRIBERS).await;
        for topic in ["even", "odd"] {
            let event = Event::new().event(topic).display(number);
            hub.publish(topic, event).await.expect("published");
        }
    }
    let mut connections = 0;
    while let Some(subscriber) = subscribers.join_next().await {
        connections += subscriber.expect("it got everything");
    }
    assert_eq!(connections, SUBSCRIBERS * (CUTS + 1));
    let metrics = hub.metrics();
    assert_eq!((metrics.published, metrics.gaps), (2 * EVENTS as u64, 0));
    // Some got events that their clients never saw, and again after the cut; none got fewer.
    let owed = SUBSCRIBERS + SUBSCRIBERS / 2;
    assert!(metrics.delivered >= (owed * EVENTS) as u64);
}

/// Follows the topics through all cuts until all events have come, each once and in order.
async fn follow(address: SocketAddr, topics: &[&str], progress: &Progress) -> usize {
    let path = format!("/{}", topics.join(","));
    let mut seen = vec![0; topics.len()];
    let mut id: Option<String> = None;
    let mut connections = 0;
    loop {
        let mut client = Client::connect(address, &path, id.as_deref())
            .await
            .expect("connected");
        connections += 1;
        // The last connection stays to the end.
        let mut until_cut = if connections <= CUTS {
            fastrand::usize(0..EVENTS / CUTS)
        } else {
            usize::MAX
        };
        'connection: loop {
            for event in client.events().await {
                let topic = topics.iter().position(|topic| *topic == event.name);
                let topic = topic.unwrap_or_else(|| panic!("{event:?}"));
                assert_eq!(
                    number(&event.data),
                    seen[topic],
                    "a hole or a duplicate in {topics:?}"
                );
                seen[topic] += 1;
                if topic == 0 {
                    progress.add();
                }
                id = Some(event.id);
                if connections > CUTS && seen.iter().all(|seen| *seen == EVENTS) {
                    return connections;
                }
                // What was received beyond this event is lost with the connection.
                if until_cut == 0
                    || (connections <= CUTS && seen.iter().all(|seen| *seen == EVENTS))
                {
                    break 'connection;
                }
                until_cut -= 1;
            }
        }
    }
}

async fn a_reader_that_stops_costs_little_and_gets_a_gap(transport: Transport) {
    // 24 MiB go through a topic that keeps 512 KiB; the system's buffers hold some more.
    const BIG: usize = 64 * 1024;
    const COUNT: usize = 384;
    let hub = hub(Retention::new().max_bytes(8 * BIG));
    let server = serve(transport, &hub).await;
    let buffer = Some(64 * 1024);
    let mut stopped = Client::with_receive_buffer(server.address, "/big", None, buffer)
        .await
        .expect("connected");
    let mut reading = Client::connect(server.address, "/big", None)
        .await
        .expect("connected");
    while hub.subscribers("big") < 2 {
        tokio::task::yield_now().await;
    }

    let filler = "x".repeat(BIG - 100);
    for count in 0..COUNT {
        hub.publish("big", format!("{count} {filler}"))
            .await
            .expect("published");
        let events = reading.events().await;
        let numbers: Vec<_> = events.iter().map(|event| number(&event.data)).collect();
        assert_eq!(numbers, [count]);
    }
    let metrics = hub.metrics();
    assert!(metrics.retained_bytes <= 8 * BIG);
    // The system takes a little more now and then, after which the lag begins anew with a gap.
    assert!(
        metrics.lag > 100 || metrics.gaps > 0,
        "the system has buffered it all: {metrics:?}"
    );

    // It continues: first what was on its way, then the gap. The system may have taken a little
    // more in between, so there can be several; they account for everything.
    let (mut next, mut gaps) = (0, 0);
    while next < COUNT {
        for event in stopped.events().await {
            if event.name == "gap" {
                assert_eq!(event.gaps(), [("big".into(), "slow".into())]);
                next += usize::try_from(event.missed().expect("a number")).expect("small");
                gaps += 1;
            } else {
                assert_eq!(number(&event.data), next);
                next += 1;
            }
        }
    }
    assert_eq!((next, gaps), (COUNT, hub.metrics().gaps));
    assert!(gaps > 0);
    hub.publish("big", "384 next").await.expect("published");
    assert_eq!(stopped.events().await[0].data, "384 next");
    assert_eq!(reading.events().await[0].data, "384 next");
}

async fn a_topic_trimmed_while_its_reader_is_away_is_a_gap(transport: Transport) {
    let hub = hub(Retention::new().max_events(10));
    let server = serve(transport, &hub).await;
    for count in 0..5 {
        hub.publish("news", Event::new().display(count))
            .await
            .expect("published");
    }
    let mut client = Client::connect(server.address, "/news,other", None)
        .await
        .expect("connected");
    assert_eq!(number(&client.events().await[0].data), 0);
    let id = client.id().expect("an id").to_owned();
    drop(client);

    for count in 5..20 {
        hub.publish("news", Event::new().display(count))
            .await
            .expect("published");
    }
    hub.publish("other", "kept").await.expect("published");
    let mut client = Client::connect(server.address, "/news,other", Some(&id))
        .await
        .expect("connected");
    let mut events = client.events().await;
    while events.len() < 12 {
        events.extend(client.events().await);
    }
    assert_eq!(events[0].gaps(), [("news".into(), "unknown".into())]);
    // It goes on with what is kept, and the other topic is resumed without a gap.
    let (kept, news): (Vec<_>, Vec<_>) = events[1..].iter().partition(|event| event.data == "kept");
    assert_eq!(kept.len(), 1);
    assert!(news.iter().map(|event| number(&event.data)).eq(10..20));
    // And so is this one from then on.
    drop(client);
    hub.publish("news", Event::new().display(20))
        .await
        .expect("published");
    let mut client = Client::connect(server.address, "/news,other", Some(&events[11].id))
        .await
        .expect("connected");
    assert_eq!(client.events().await[0].data, "20");
}

async fn shutdown_in_the_middle_ends_every_stream_in_order(transport: Transport) {
    const CLIENTS: usize = 100;
    let hub = hub(Retention::new());
    let server = serve(transport, &hub).await;
    let progress = Arc::new(Progress::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let address = server.address;
        let progress = Arc::clone(&progress);
        clients.spawn(async move {
            let mut client = Client::connect(address, "/news", None)
                .await
                .expect("connected");
            let mut got = 0;
            loop {
                match client.read().await {
                    Received::Events(events) => {
                        for event in events {
                            assert_eq!(number(&event.data), got);
                            got += 1;
                            progress.add();
                        }
                    }
                    Received::End => return (got, client.reader.retry),
                    Received::Cut => panic!("cut after {got} events"),
                }
            }
        });
    }
    let (half, half_way) = tokio::sync::oneshot::channel();
    let publisher = tokio::spawn({
        let hub = hub.clone();
        async move {
            let mut half = Some(half);
            let mut published = 0_usize;
            while hub
                .publish("news", Event::new().display(published))
                .await
                .is_ok()
            {
                published += 1;
                if published == 200 {
                    half.take().map(|half| half.send(()));
                }
                // No more than the retention ahead, so that no subscriber is too slow.
                progress
                    .reaches(published.saturating_sub(50) * CLIENTS)
                    .await;
            }
            published
        }
    });
    half_way.await.expect("publishing goes on");
    let retry = Duration::from_millis(1000)..=Duration::from_millis(60_000);
    let left = hub.shutdown(Duration::from_secs(60), retry).await;
    assert_eq!(left, 0);
    let published = publisher.await.expect("published");
    let mut retries = HashSet::new();
    while let Some(client) = clients.join_next().await {
        let (got, retry) = client.expect("it ended in order");
        assert_eq!(got, published, "not all that was published before");
        let retry = retry.expect("a reconnection time");
        assert!((1000..=60_000).contains(&retry));
        retries.insert(retry);
    }
    assert!(
        retries.len() > CLIENTS / 2,
        "all come back in the same moment: {retries:?}"
    );

    // A new client only gets a reconnection time.
    let mut late = Client::connect(server.address, "/news", None)
        .await
        .expect("connected");
    assert!(matches!(late.read().await, Received::End));
    assert!(late.reader.retry.is_some());
}

async fn a_subscription_is_a_stream_of_events_for_an_adapter(transport: Transport) {
    let hub = hub(Retention::new());
    let server = serve_by(Way::Stream, transport, &hub).await;
    let publish = async |number: usize| {
        let event = Event::new().event("n").data(format!("{number}\nline"));
        hub.publish("news", event).await.expect("published");
    };
    publish(0).await;
    publish(1).await;
    let mut published = 2;
    for path in ["/news", "/news,weather"] {
        let client = Client::connect(server.address, path, None).await;
        let mut client = client.expect("connected");
        let mut all = Vec::new();
        while all.len() < published {
            all.extend(client.events().await);
        }
        for number in published..published + 2 {
            publish(number).await;
        }
        published += 2;
        while all.len() < published {
            all.extend(client.events().await);
        }
        let data: Vec<_> = all.iter().map(|event| event.data.clone()).collect();
        let expected: Vec<_> = (0..published).map(|n| format!("{n}\nline")).collect();
        assert_eq!(data, expected);
        assert!(all.iter().all(|event| event.name == "n"));
        let ids: HashSet<_> = all.iter().map(|event| &event.id).collect();
        assert_eq!(ids.len(), published, "each has an id of its own");
        assert_eq!(client.id(), all.last().map(|event| &*event.id));
    }
}
