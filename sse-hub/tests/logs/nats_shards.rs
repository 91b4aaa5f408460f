//! The suite over one and over three streams of NATS, which share the topics.

use std::path::Path;
use std::process::Command;

use sse_engines::{Server, nats};
use sse_hub::nats::{NatsEngine, NatsOptions, async_nats};
use sse_hub::{Hub, Sharded, ShardsError};

use crate::shards::{self, KEPT, Kind, topic_in};
use crate::suite::{self, Client, Drivers, Engine, Keeps, publish, within_bounds};

struct NatsPartitions<const PARTITIONS: usize> {
    server: Server,
    keeps: Keeps,
    drivers: Drivers,
}

impl<const PARTITIONS: usize> Engine for NatsPartitions<PARTITIONS> {
    async fn start(keeps: Keeps) -> Self {
        Self {
            server: Server::start(nats::durable).await,
            keeps,
            drivers: Drivers::default(),
        }
    }

    async fn node(&self) -> Hub {
        let history = self.keeps.history.unwrap_or(100_000);
        let client = async_nats::ConnectOptions::new();
        let engine = NatsOptions::new()
            .max_events(u32::try_from(history).expect("a small number"))
            .connect_partitioned(PARTITIONS, client, nats::url(self.server.port()))
            .await
            .expect("connected");
        let (hub, driver) = suite::builder(self.keeps).engine(engine).build();
        self.drivers.spawn(driver);
        hub
    }
}

mod one {
    crate::conformance!(super::NatsPartitions<1>);
}

mod three {
    crate::conformance!(super::NatsPartitions<3>);
}

struct Nats;

impl Kind for Nats {
    fn command(port: u16, folder: &Path) -> Command {
        nats::durable(port, folder)
    }

    async fn connect(shards: &[(&str, u16)]) -> Sharded<impl sse_hub::Engine> {
        let mut engines = Vec::new();
        for (name, port) in shards {
            let options = NatsOptions::new().max_events(KEPT);
            let engine = options.connect(nats::url(*port)).await;
            engines.push((*name, engine.expect("connected")));
        }
        Sharded::new(engines).expect("different names")
    }
}

#[tokio::test]
async fn a_shard_that_is_down_takes_its_topics_alone_with_it() {
    within_bounds(shards::a_shard_that_is_down_takes_its_topics_alone_with_it::<Nats>()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_that_are_killed_one_after_another_lose_nothing() {
    within_bounds(shards::shards_that_are_killed_one_after_another_lose_nothing::<Nats>()).await;
}

#[tokio::test]
async fn a_second_partition_takes_some_topics_with_a_gap_and_the_others_go_on() {
    within_bounds(async {
        let server = Server::start(nats::durable).await;
        let url = nats::url(server.port());
        let drivers = Drivers::default();
        let alone = NatsEngine::connect(&url).await.expect("connected");
        let (hub, driver) = Hub::builder().engine(alone).build();
        drivers.spawn(driver);
        let two = NatsEngine::partitioned(2, &url).await.expect("connected");
        let (stays, moves) = (topic_in(&two, "0"), topic_in(&two, "1"));
        let mut client = Client::new(&hub, &[&stays, &moves], None).await;
        for topic in [&stays, &moves] {
            publish(&hub, topic, "before").await;
            assert_eq!(client.data(1).await, ["before"]);
        }
        publish(&hub, &stays, "away").await;
        drop(hub);

        let (hub, driver) = Hub::builder().engine(two).build();
        drivers.spawn(driver);
        let mut client = Client::new(&hub, &[&stays, &moves], Some(&client.id)).await;
        let (mut gaps, mut data) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let event = client.next().await;
            if event.name == "gap" {
                gaps.extend(event.gaps());
            } else {
                data.push(event.data);
            }
        }
        assert_eq!(gaps, [(moves.clone(), "unknown".to_owned())]);
        assert_eq!(data, ["away"]);
        for topic in [&stays, &moves] {
            publish(&hub, topic, "after").await;
            assert_eq!(client.data(1).await, ["after"]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_number_of_partitions_that_cannot_be_is_refused() {
    // No server is asked.
    let none = NatsEngine::partitioned(0, "nats://127.0.0.1:1").await;
    assert!(matches!(none, Err(ShardsError::NoShards)), "{none:?}");
    let many = NatsEngine::partitioned(257, "nats://127.0.0.1:1").await;
    assert!(
        matches!(many, Err(ShardsError::TooMany { limit: 256 })),
        "{many:?}"
    );
    let failed = NatsEngine::partitioned(2, "nats://127.0.0.1:1").await;
    assert!(
        matches!(&failed, Err(ShardsError::Connect { shard, .. }) if shard == "0"),
        "{failed:?}"
    );
}
