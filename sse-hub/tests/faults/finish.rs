//! Topics that are finished while the engine is harmed: each ends once, for all subscribers, with everything before its
//! end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_engines::{Proxy, Server};
use sse_hub::{Hub, PublishError, SubscribeError};
use sse_hub_testing::reader::Reader;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::cases::{Engine, Keeps};
use crate::hubs::{NODES, Nodes};

/// How many topics are finished, one after the other.
const TOPICS: usize = 60;

/// How many events each of them has before its end.
const EVENTS: usize = 10;

/// How long a publisher or subscriber waits before it tries again.
const AGAIN: Duration = Duration::from_millis(20);

fn name(topic: usize) -> String {
    format!("finished {topic}")
}

/// Publishes all events of a topic and finishes it, by one node after the other, however often that fails.
async fn run(hubs: Vec<Hub>, topic: usize) {
    let name = name(topic);
    for number in 0..=EVENTS {
        let (text, mut attempt) = (number.to_string(), number);
        loop {
            let hub = &hubs[attempt % hubs.len()];
            let done = if number == EVENTS {
                hub.finish(&name, &*text).key(&text).await
            } else {
                hub.publish(&name, &*text).key(&text).await
            };
            match done {
                Ok(_) => break,
                Err(PublishError::Engine(_)) => sleep(AGAIN).await,
                Err(error) => panic!("{name} {number}: {error:?}"),
            }
            attempt += 1;
        }
    }
}

/// Reads a topic from before its first event to its end, on a node that may refuse for a while, and comes back as a
/// client does.
async fn follow(hub: Hub, topic: usize, begin: String) {
    let (mut id, mut next) = (begin, 0);
    loop {
        let subscribe = hub.subscribe(name(topic)).resume(Some(&id));
        let mut subscription = match subscribe.await {
            Ok(subscription) => subscription,
            Err(SubscribeError::Finished) => break,
            Err(_) => {
                sleep(AGAIN).await;
                continue;
            }
        };
        let mut reader = Reader::after(Some(&id));
        while let Some(piece) = subscription.next().await {
            for event in reader.feed(&piece.expect("no error")) {
                assert_eq!(
                    (&*event.name, event.data),
                    ("message", next.to_string()),
                    "{topic}"
                );
                next += 1;
            }
        }
        assert_eq!(
            next,
            EVENTS + 1,
            "the stream of {topic} ends with its topic"
        );
        id = reader.id.expect("an id");
    }
    assert_eq!(next, EVENTS + 1);
}

/// Finishes topics while `harm` harms the engine. It is given the number of those that are finished.
async fn finish_all<E: Engine>(port: u16, harm: impl AsyncFnOnce(&AtomicUsize)) {
    let nodes = Nodes::start::<E>(port, Keeps::PLENTY).await;
    let hubs: Vec<_> = (0..=NODES).map(|number| nodes.hub(number)).collect();
    let mut followers = JoinSet::new();
    for topic in 0..TOPICS {
        let subscription = hubs[0].subscribe(name(topic)).await;
        let begin = subscription.expect("a subscription").id();
        for hub in &hubs[..NODES] {
            followers.spawn(follow(hub.clone(), topic, begin.clone()));
        }
    }
    let finished = Arc::new(AtomicUsize::new(0));
    let (running, counted) = (hubs.clone(), Arc::clone(&finished));
    let publisher = tokio::spawn(async move {
        for topic in 0..TOPICS {
            run(running.clone(), topic).await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    harm(&finished).await;
    let ended = async {
        publisher.await.expect("all are finished");
        while let Some(followed) = followers.join_next().await {
            followed.expect("a client gets all, and then nothing");
        }
    };
    let ended = timeout(Duration::from_secs(60), ended).await;
    ended.expect("all streams end");
    // Nothing follows. (The one that only publishes may have looked at the topic just before, which counts with NATS.)
    for hub in &hubs[..NODES] {
        let late = hub.publish(&name(TOPICS - 1), "late").await;
        assert!(matches!(late, Err(PublishError::Finished)), "{late:?}");
    }
}

/// Waits until so many topics are finished.
async fn until(finished: &AtomicUsize, count: usize) {
    let enough = async {
        while finished.load(Ordering::Relaxed) < count {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let enough = timeout(Duration::from_secs(60), enough).await;
    enough.expect("topics are finished");
}

pub(crate) async fn topics_that_are_finished_while_the_engine_is_killed_end_once_for_all<
    E: Engine,
>(
    _: &str,
) {
    let mut server = Server::start(E::command).await;
    let port = server.port();
    finish_all::<E>(port, async |finished| {
        for round in 1..=2 {
            until(finished, round * TOPICS / 4).await;
            server.kill();
            sleep(Duration::from_millis(200)).await;
            server.restart().await;
        }
    })
    .await;
}

pub(crate) async fn topics_that_are_finished_while_connections_are_cut_end_once_for_all<
    E: Engine,
>(
    _: &str,
) {
    let server = Server::start(E::command).await;
    let proxy = Proxy::start(server.port()).await;
    let port = proxy.port();
    finish_all::<E>(port, async |finished| {
        for round in 1..=8 {
            proxy.cut_after(fastrand::i64(1..4_000));
            until(finished, round * TOPICS / 10).await;
        }
    })
    .await;
}
