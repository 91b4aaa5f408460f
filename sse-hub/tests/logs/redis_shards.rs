//! The suite over one and over three servers of Redis, which share the topics.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sse_engines::{Port, Proxy, Server, redis};
use sse_hub::redis::{ConnectError, RedisEngine, RedisOptions, RedisShard};
use sse_hub::{Hub, Sharded, ShardsError};

use crate::shards::{self, KEPT, Kind, NAMES, topic_in};
use crate::suite::{self, Client, Drivers, Engine, Keeps, publish, within_bounds};

struct RedisShards<const SHARDS: usize> {
    servers: Vec<Server>,
    keeps: Keeps,
    drivers: Drivers,
    nodes: AtomicUsize,
}

impl<const SHARDS: usize> Engine for RedisShards<SHARDS> {
    async fn start(keeps: Keeps) -> Self {
        let mut servers = Vec::new();
        for _ in 0..SHARDS {
            servers.push(Server::start(redis::in_memory).await);
        }
        Self {
            servers,
            keeps,
            drivers: Drivers::default(),
            nodes: AtomicUsize::new(0),
        }
    }

    /// Each node has the servers in another order.
    async fn node(&self) -> Hub {
        let mut options = RedisOptions::new();
        if let Some(events) = self.keeps.history {
            options = options.max_events(events);
        }
        let urls = self.servers.iter().map(|server| redis::url(server.port()));
        let named = urls.zip(NAMES);
        let mut shards: Vec<_> = named
            .map(|(url, name)| RedisShard::new(url).name(name))
            .collect();
        shards.rotate_left(self.nodes.fetch_add(1, Ordering::Relaxed) % SHARDS);
        let engine = options.connect_sharded(shards).await;
        let (hub, driver) = suite::builder(self.keeps)
            .engine(engine.expect("connected"))
            .build();
        self.drivers.spawn(driver);
        hub
    }
}

mod one {
    crate::conformance!(super::RedisShards<1>);
}

mod three {
    crate::conformance!(super::RedisShards<3>);
}

struct Redis;

impl Kind for Redis {
    fn command(port: u16, folder: &Path) -> Command {
        redis::durable(port, folder)
    }

    async fn connect(shards: &[(&str, u16)]) -> Sharded<impl sse_hub::Engine> {
        let shards = shards
            .iter()
            .map(|(name, port)| RedisShard::new(redis::url(*port)).name(*name));
        let options = RedisOptions::new().answer_within(Duration::from_secs(10));
        let options = options.max_events(usize::try_from(KEPT).expect("a small number"));
        options.connect_sharded(shards).await.expect("connected")
    }
}

#[tokio::test]
async fn a_shard_that_is_down_takes_its_topics_alone_with_it() {
    within_bounds(shards::a_shard_that_is_down_takes_its_topics_alone_with_it::<Redis>()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_that_are_killed_one_after_another_lose_nothing() {
    within_bounds(shards::shards_that_are_killed_one_after_another_lose_nothing::<Redis>()).await;
}

#[tokio::test]
async fn a_second_server_takes_some_topics_with_a_gap_and_the_others_go_on() {
    within_bounds(async {
        let servers = [
            Server::start(redis::in_memory).await,
            Server::start(redis::in_memory).await,
        ];
        let [first, second] = servers.each_ref().map(|server| redis::url(server.port()));
        let drivers = Drivers::default();
        let sharded = RedisEngine::sharded([&second, &first]).await;
        let sharded = sharded.expect("connected");
        let address = |server: &Server| format!("127.0.0.1:{}/0", server.port());
        let stays = topic_in(&sharded, &address(&servers[0]));
        let moves = topic_in(&sharded, &address(&servers[1]));

        // As before the second server came.
        let forgotten = redis::ask(servers[0].port(), "DEL sse:shard").await;
        assert_eq!(forgotten.as_deref(), Some(":1\r\n"));
        let alone = RedisEngine::connect(&first).await.expect("connected");
        let (hub, driver) = Hub::builder().engine(alone).build();
        drivers.spawn(driver);
        let mut client = Client::new(&hub, &[&stays, &moves], None).await;
        for topic in [&stays, &moves] {
            publish(&hub, topic, "before").await;
            assert_eq!(client.data(1).await, ["before"]);
        }
        publish(&hub, &stays, "away").await;
        drop(hub);

        let (hub, driver) = Hub::builder().engine(sharded).build();
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
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert_eq!(gaps[0].0, moves);
        assert_eq!(data, ["away"]);
        for topic in [&stays, &moves] {
            publish(&hub, topic, "after").await;
            assert_eq!(client.data(1).await, ["after"]);
        }
    })
    .await;
}

#[tokio::test]
async fn connecting_fails_with_the_name_of_the_server_that_is_not_there() {
    within_bounds(async {
        let server = Server::start(redis::in_memory).await;
        let there = redis::url(server.port());
        // Nothing listens there.
        let port = Port::take();
        let address = format!("127.0.0.1:{}/0", port.number());
        let urls = [there.clone(), redis::url(port.number())];
        let failed = RedisEngine::sharded(urls.clone()).await;
        assert!(
            matches!(
                &failed,
                Err(ShardsError::Connect { shard, error: ConnectError::Server(_) })
                    if *shard == address
            ),
            "{failed:?}"
        );
        let named = urls.map(|url| RedisShard::new(&url).name(url.replace("redis://", "at ")));
        let failed = RedisEngine::sharded(named).await.expect_err("not there");
        assert_eq!(
            failed.to_string(),
            format!(
                "shard \"at 127.0.0.1:{}/\" could not be connected",
                port.number()
            )
        );
        RedisEngine::sharded([there]).await.expect("one is enough");
    })
    .await;
}

#[tokio::test]
async fn a_node_that_has_other_shards_is_refused() {
    within_bounds(async {
        let servers = [
            Server::start(redis::in_memory).await,
            Server::start(redis::in_memory).await,
        ];
        let [first, second] = servers.each_ref().map(|server| redis::url(server.port()));
        let named = |names: [&'static str; 2]| {
            let urls = [first.clone(), second.clone()];
            let named = urls.into_iter().zip(names);
            RedisEngine::sharded(named.map(|(url, name)| RedisShard::new(url).name(name)))
        };
        named(["a", "b"]).await.expect("connected");
        named(["a", "b"]).await.expect("the same again");
        let found = "\"a\" of [\"a\", \"b\"]";
        let note = redis::ask(servers[0].port(), "GET sse:shard").await;
        let expected = format!("${}\r\n{found}\r\n", found.len());
        assert_eq!(note.as_deref(), Some(&*expected));

        let refused = named(["b", "a"]).await.expect_err("the wrong way round");
        assert!(
            matches!(&refused, ShardsError::OtherShards { shard, .. } if shard == "a"),
            "{refused:?}"
        );
        let alone = RedisShard::new(&first).name("a");
        let refused = RedisEngine::sharded([alone.clone()]).await;
        assert_eq!(
            refused.expect_err("one is missing").to_string(),
            format!("shard \"a\" is {found} to other nodes, expected the shards of the list")
        );
        // As if it were the only server.
        let refused = RedisEngine::connect(&first).await;
        assert!(
            matches!(&refused, Err(ConnectError::Shard(note)) if note == found),
            "{refused:?}"
        );
        // A server more, which nothing is noted on.
        let third = Server::start(redis::in_memory).await;
        let shards = || {
            let third = RedisShard::new(redis::url(third.port())).name("c");
            [alone.clone(), RedisShard::new(&second).name("b"), third]
        };
        let refused = RedisEngine::sharded(shards()).await;
        assert!(matches!(refused, Err(ShardsError::OtherShards { .. })));
        let note = redis::ask(third.port(), "GET sse:shard").await;
        assert_eq!(note.as_deref(), Some("$-1\r\n"));
        for server in &servers {
            let deleted = redis::ask(server.port(), "DEL sse:shard").await;
            assert_eq!(deleted.as_deref(), Some(":1\r\n"));
        }
        RedisEngine::sharded(shards()).await.expect("changed");
    })
    .await;
}

#[tokio::test]
async fn one_server_with_two_addresses_is_not_two_shards() {
    within_bounds(async {
        let server = Server::start(redis::in_memory).await;
        let url = redis::url(server.port());
        let other = url.replace("127.0.0.1", "localhost");
        let refused = RedisEngine::sharded([url.clone(), other]).await;
        assert!(
            matches!(&refused, Err(ShardsError::Duplicate { .. })),
            "{refused:?}"
        );
        let note = redis::ask(server.port(), "GET sse:shard").await;
        assert_eq!(note.as_deref(), Some("$-1\r\n"), "nothing is noted");
        // Two databases are.
        let databases = [format!("{url}2"), format!("{url}3")];
        RedisEngine::sharded(databases).await.expect("connected");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_takes_the_address_of_another_one_is_not_used_in_its_place() {
    within_bounds(async {
        let servers = [
            Server::start(redis::in_memory).await,
            Server::start(redis::in_memory).await,
        ];
        let ports = servers.each_ref().map(Server::port);
        let proxies = [Proxy::start(ports[0]).await, Proxy::start(ports[1]).await];
        let shards = ["1", "2"].into_iter().zip(&proxies);
        let shards =
            shards.map(|(name, proxy)| RedisShard::new(redis::url(proxy.port())).name(name));
        let sharded = RedisEngine::sharded(shards).await.expect("connected");
        let topic = topic_in(&sharded, "1");
        let (hub, driver) = Hub::builder().engine(sharded).build();
        let drivers = Drivers::default();
        drivers.spawn(driver);
        publish(&hub, &topic, "before").await;

        proxies[0].forward_to(ports[1]);
        proxies[0].cut();
        let mut reason = String::new();
        while !reason.contains("Shard(") {
            let refused = hub.publish(&topic, "elsewhere").await;
            reason = format!("{:?}", refused.expect_err("not published"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let stream = format!("EXISTS sse:{{{topic}}}");
        let elsewhere = redis::ask(ports[1], &stream).await;
        assert_eq!(elsewhere.as_deref(), Some(":0\r\n"));

        proxies[0].forward_to(ports[0]);
        proxies[0].cut();
        while hub.publish(&topic, "after").await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_documented_permissions_are_enough_for_shards() {
    within_bounds(async {
        let server = Server::start(redis::in_memory).await;
        let rules = "resetchannels ~sse:* &0:sse:{* +hello +eval +evalsha +subscribe +unsubscribe +time \
                     +exists +xinfo|stream +xrange +xrevrange +xadd +xtrim +pexpire +get +set +publish";
        let made = format!("ACL SETUSER hub on >secret {rules}");
        let made = redis::ask(server.port(), &made).await;
        assert_eq!(made.as_deref(), Some("+OK\r\n"));
        let url = redis::url(server.port()).replace("redis://", "redis://hub:secret@");
        let engine = RedisEngine::sharded([url]).await.expect("connected");
        let (hub, driver) = Hub::builder().engine(engine).build();
        let drivers = Drivers::default();
        drivers.spawn(driver);
        publish(&hub, "a", "x").await;
    })
    .await;
}
