//! Several servers that share the topics, and what becomes of the others when one ends.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_engines::Server;
use sse_hub::{EngineDown, EngineError, Hub, PublishError, Sharded, SubscribeError};
use sse_hub_testing::reader::Reader;
use tokio::task::JoinSet;

use crate::suite::{Client, Drivers, publish};

/// Names of shards, such that the topics `a`, `b` and `c` are in three of them.
pub(crate) const NAMES: [&str; 3] = ["1", "2", "3"];

/// How many events of a topic are kept. A subscriber with topics of several shards may have to wait for one that is
/// down, while thousands of events are published to the others: it would be late for those.
pub(crate) const KEPT: u32 = 1_000_000;

/// An engine of which there are several.
pub(crate) trait Kind: Send + Sync + 'static {
    /// Starts a server that keeps on its disk what it has answered.
    fn command(port: u16, folder: &Path) -> Command;

    /// Connects to servers, each with its name and its port.
    fn connect(shards: &[(&str, u16)]) -> impl Future<Output = Sharded<impl sse_hub::Engine>>;
}

/// A server for each name, and nodes on all of them.
struct Shards {
    servers: Vec<Server>,
    drivers: Drivers,
}

impl Shards {
    async fn start<K: Kind>() -> Self {
        let mut servers = Vec::new();
        for _ in NAMES {
            servers.push(Server::start(K::command).await);
        }
        Self {
            servers,
            drivers: Drivers::default(),
        }
    }

    /// A node that has the servers in an order of its own: so many places further.
    async fn node<K: Kind>(&self, further: usize) -> Hub {
        let ports = self.servers.iter().map(Server::port);
        let mut shards: Vec<_> = NAMES.into_iter().zip(ports).collect();
        shards.rotate_left(further);
        let engine = K::connect(&shards).await;
        let shards = ["a", "b", "c"].map(|topic| engine.name_of(topic).to_owned());
        assert_eq!(shards, ["2", "3", "1"]);
        let (hub, driver) = Hub::builder().engine(engine).build();
        self.drivers.spawn(driver);
        hub
    }
}

/// Publishes as often as it takes, once.
async fn publish_at_last(hub: &Hub, topic: &str, data: &str) {
    while hub.publish(topic, data).key(data).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn is_refused(hub: &Hub, topics: &[&str]) -> bool {
    let subscribe = hub.subscribe(topics.iter().copied());
    match subscribe.engine_down(EngineDown::Refuse).await {
        Ok(_) => false,
        Err(SubscribeError::Engine(EngineError::Unavailable)) => true,
        Err(error) => panic!("{error:?}"),
    }
}

pub(crate) async fn a_shard_that_is_down_takes_its_topics_alone_with_it<K: Kind>() {
    let mut shards = Shards::start::<K>().await;
    let nodes = [shards.node::<K>(0).await, shards.node::<K>(1).await];
    let mut all = Client::new(&nodes[0], &["a", "b", "c"], None).await;
    let mut of_b = Client::new(&nodes[1], &["b"], None).await;
    for topic in ["a", "b", "c"] {
        publish(&nodes[1], topic, topic).await;
        assert_eq!(all.data(1).await, [topic]);
    }
    assert_eq!(of_b.data(1).await, ["b"]);

    shards.servers[2].kill();
    let failed = nodes[0].publish("b", "back").key("back").await;
    assert!(matches!(failed, Err(PublishError::Engine(_))), "{failed:?}");
    for node in &nodes {
        while !is_refused(node, &["b"]).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(is_refused(node, &["a", "b", "c"]).await);
        assert!(!is_refused(node, &["a", "c"]).await);
        for topic in ["a", "c"] {
            publish(node, topic, "meanwhile").await;
            assert_eq!(all.data(1).await, ["meanwhile"]);
        }
    }

    // To the other node, while the shard is down, by one id.
    let id = all.id.clone();
    drop(all);
    publish(&nodes[0], "c", "away").await;
    let mut all = Client::new(&nodes[1], &["c", "b", "a"], Some(&id)).await;
    assert_eq!(all.data(1).await, ["away"]);
    publish(&nodes[0], "a", "there").await;
    assert_eq!(all.data(1).await, ["there"]);

    shards.servers[2].restart().await;
    publish_at_last(&nodes[0], "b", "back").await;
    assert_eq!(of_b.data(1).await, ["back"]);
    assert_eq!(all.data(1).await, ["back"]);
    for node in &nodes {
        while is_refused(node, &["a", "b", "c"]).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let id = all.id.clone();
    drop(all);
    for topic in ["a", "b", "c"] {
        publish(&nodes[1], topic, "last").await;
    }
    let mut all = Client::new(&nodes[0], &["a", "b", "c"], Some(&id)).await;
    assert_eq!(all.data(3).await, ["last"; 3]);
    // None of them had a gap, or there would have been an event that is none of these.
}

/// What is published to each topic, and the subscribers that check it, while servers are killed.
#[derive(Default)]
struct Load {
    published: [AtomicUsize; 3],
    is_over: AtomicBool,
}

/// The topics, in the order of their shards.
const TOPICS: [&str; 3] = ["c", "a", "b"];

impl Load {
    /// Publishes numbers to a topic, each as often as it takes, until it is over.
    async fn publish(&self, hub: &Hub, topic: usize) {
        for number in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            publish_at_last(hub, TOPICS[topic], &format!("{topic} {number}")).await;
            self.published[topic].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until so many more were published to a topic.
    async fn flows(&self, topic: usize, more: usize) {
        let enough = self.published[topic].load(Ordering::Relaxed) + more;
        while self.published[topic].load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Reads all topics, from node to node, and checks that each number comes in its turn.
    async fn follow(&self, nodes: [Hub; 2], mut id: String) {
        let mut seen = [0; 3];
        loop {
            let node = &nodes[fastrand::usize(0..2)];
            let Ok(mut subscription) = node.subscribe(TOPICS).resume(Some(&id)).await else {
                // One that is down has a topic that is not in use on this node.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let mut reader = Reader::after(Some(&id));
            for _ in 0..fastrand::usize(1..60) {
                let piece = subscription.next().await.expect("it goes on");
                for event in reader.feed(&piece.expect("no error")) {
                    assert_eq!(event.name, "message", "{event:?}");
                    let (topic, number) = event.data.split_once(' ').expect("topic and number");
                    let topic: usize = topic.parse().expect("a topic");
                    assert_eq!(number, seen[topic].to_string(), "a hole or a duplicate");
                    seen[topic] += 1;
                    id = event.id;
                }
                let has_all =
                    |topic: usize| seen[topic] == self.published[topic].load(Ordering::Relaxed);
                if self.is_over.load(Ordering::Relaxed) && (0..3).all(has_all) {
                    return;
                }
            }
        }
    }
}

pub(crate) async fn shards_that_are_killed_one_after_another_lose_nothing<K: Kind>() {
    let mut shards = Shards::start::<K>().await;
    let nodes = [shards.node::<K>(0).await, shards.node::<K>(2).await];
    let id = Client::new(&nodes[0], &TOPICS, None).await.id;
    let load = Arc::new(Load::default());
    let mut publishers = JoinSet::new();
    for topic in 0..3 {
        let (load, hub) = (Arc::clone(&load), nodes[topic % 2].clone());
        publishers.spawn(async move { load.publish(&hub, topic).await });
    }
    let mut followers = JoinSet::new();
    for _ in 0..6 {
        let (load, nodes, id) = (Arc::clone(&load), nodes.clone(), id.clone());
        followers.spawn(async move { load.follow(nodes, id).await });
    }
    for killed in 0..3 {
        shards.servers[killed].kill();
        load.flows((killed + 1) % 3, 50).await;
        load.flows((killed + 2) % 3, 50).await;
        shards.servers[killed].restart().await;
        load.flows(killed, 50).await;
    }
    load.is_over.store(true, Ordering::Relaxed);
    while let Some(done) = publishers.join_next().await {
        done.expect("published");
    }
    // So that those that wait look at the numbers again.
    for (topic, name) in TOPICS.into_iter().enumerate() {
        let number = load.published[topic].load(Ordering::Relaxed);
        load.published[topic].store(number + 1, Ordering::Relaxed);
        publish_at_last(&nodes[0], name, &format!("{topic} {number}")).await;
    }
    while let Some(follower) = followers.join_next().await {
        follower.expect("it got everything");
    }
}

/// Of the topics `t0`, `t1` and so on, the first that is in this shard.
pub(crate) fn topic_in<E: sse_hub::Engine>(engine: &Sharded<E>, shard: &str) -> String {
    let mut topics = (0..).map(|number| format!("t{number}"));
    let found = topics.find(|topic| engine.name_of(topic) == shard);
    found.expect("a topic")
}
