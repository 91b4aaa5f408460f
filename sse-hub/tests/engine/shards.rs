//! Engines that share the topics of a hub, and fail independently.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sse_hub::{Hub, Sharded, Subscription};
use sse_hub_testing::engine::MemoryEngine;
use tokio::task::JoinSet;

use crate::{next_event, within_bounds};

/// More topics than are repaired at a time.
const MANY: usize = 100;

/// Two engines, and a hub on both.
struct Shards {
    engines: [Arc<MemoryEngine>; 2],
    hub: Hub,
    _driven: JoinSet<()>,
    topics: [Vec<String>; 2],
}

impl Shards {
    fn new() -> Self {
        let engines = [(); 2].map(|()| Arc::new(MemoryEngine::default()));
        let connected = engines.each_ref().map(MemoryEngine::connect);
        let sharded = Sharded::new(["0", "1"].into_iter().zip(connected));
        let sharded = sharded.expect("different names");
        let mut topics = [const { Vec::new() }; 2];
        for number in 0.. {
            let topic = format!("topic {number}");
            let topics = &mut topics[usize::from(sharded.name_of(&topic) == "1")];
            if topics.len() == MANY {
                break;
            }
            topics.push(topic);
        }
        let (hub, driver) = Hub::builder().engine(sharded).build();
        let mut driven = JoinSet::new();
        driven.spawn(driver);
        Self {
            engines,
            hub,
            _driven: driven,
            topics,
        }
    }

    async fn subscribe(&self, topic: &str) -> Subscription {
        self.hub.subscribe([topic]).await.expect("a subscription")
    }

    /// Appends an entry that the hub does not hear of.
    fn append_unheard(&self, shard: usize, topic: &str) {
        let engine = &self.engines[shard];
        engine.mute.store(true, Ordering::Relaxed);
        engine
            .append(topic, "data: unheard\n\n".into())
            .expect("appended");
        engine.mute.store(false, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn the_interruption_of_a_shard_reads_its_topics_alone() {
    let shards = Shards::new();
    let topics = shards.topics.each_ref().map(|topics| &topics[0]);
    let mut open = [
        shards.subscribe(topics[0]).await,
        shards.subscribe(topics[1]).await,
    ];
    for (shard, topic) in topics.into_iter().enumerate() {
        shards.append_unheard(shard, topic);
    }
    for subscription in &mut open {
        let block = futures_util::StreamExt::next(subscription).await;
        block.expect("a block").expect("no error");
    }
    shards.engines[1].interrupt();
    assert_eq!(next_event(&mut open[1]).await.data, "unheard");
    let hour = Duration::from_secs(3_600);
    let nothing = tokio::time::timeout(hour, next_event(&mut open[0])).await;
    assert!(nothing.is_err(), "it was not read");
    shards.engines[0].interrupt();
    assert_eq!(next_event(&mut open[0]).await.data, "unheard");
}

#[tokio::test(start_paused = true)]
async fn the_repairs_of_a_shard_that_does_not_answer_do_not_delay_those_of_another() {
    let shards = Shards::new();
    let mut open = Vec::new();
    for topic in &shards.topics[0] {
        open.push(shards.subscribe(topic).await);
    }
    let topic = &shards.topics[1][0];
    let mut other = shards.subscribe(topic).await;
    shards.engines[0].down.store(true, Ordering::Relaxed);
    shards.engines[0].interrupt();
    // Until the repairs have begun, and failed.
    tokio::time::sleep(Duration::from_secs(10)).await;
    shards.append_unheard(1, topic);
    shards.engines[1].interrupt();
    within_bounds(async {
        assert_eq!(next_event(&mut other).await.data, "unheard");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_always_has_something_does_not_delay_another() {
    let shards = Shards::new();
    let topics = shards.topics.each_ref().map(|topics| &topics[0]);
    let _busy = shards.subscribe(topics[0]).await;
    let mut quiet = shards.subscribe(topics[1]).await;
    // The driver does not run meanwhile, and takes these entries one by one.
    for _ in 0..10_000 {
        let entry = "data: x\n\n".into();
        shards.engines[0]
            .append(topics[0], entry)
            .expect("appended");
    }
    let entry = "data: quiet\n\n".into();
    shards.engines[1]
        .append(topics[1], entry)
        .expect("appended");
    assert_eq!(next_event(&mut quiet).await.data, "quiet");
    let taken = shards.hub.metrics().published;
    assert!(taken < 1_000, "the other was first: {taken}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_for_one_shard_gets_what_another_has() {
    let shards = Shards::new();
    let [down, up] = shards.topics.each_ref().map(|topics| &topics[0]);
    let append = |data: &str| {
        let entry = format!("data: {data}\n\n").into();
        shards.engines[0].append(down, entry).expect("appended")
    };
    let id = shards.hub.id_of(down, append("seen"));
    append("missed");
    // The window begins after both.
    let _in_use = shards.subscribe(down).await;
    shards.engines[0].down.store(true, Ordering::Relaxed);
    let both = shards.hub.subscribe([down, up]).resume(Some(&id));
    let mut both = both.await.expect("a subscription");
    for data in ["first", "second"] {
        shards.hub.publish(up, data).await.expect("published");
        assert_eq!(next_event(&mut both).await.data, data);
    }
    shards.engines[0].down.store(false, Ordering::Relaxed);
    assert_eq!(next_event(&mut both).await.data, "missed");
}
