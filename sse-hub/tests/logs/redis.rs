//! The suite over Redis, a server of its own for each case.

use std::time::Duration;

use sse_engines::{Server, redis};
use sse_hub::redis::{RedisEngine, RedisOptions};
use sse_hub::{Hub, TopicOptions};

use crate::suite::{self, Client, Drivers, Engine, Keeps, publish, within_bounds};

struct Redis {
    server: Server,
    keeps: Keeps,
    drivers: Drivers,
}

impl Engine for Redis {
    async fn start(keeps: Keeps) -> Self {
        Self {
            server: Server::start(redis::in_memory).await,
            keeps,
            drivers: Drivers::default(),
        }
    }

    async fn node(&self) -> Hub {
        let mut options = RedisOptions::new();
        if let Some(events) = self.keeps.history {
            options = options.max_events(events);
        }
        let engine = options.connect(&redis::url(self.server.port())).await;
        let (hub, driver) = suite::builder(self.keeps)
            .engine(engine.expect("connected"))
            .build();
        self.drivers.spawn(driver);
        hub
    }
}

crate::conformance!(Redis);

/// A server, and the drivers of the nodes on it.
async fn server() -> (Server, Drivers) {
    let server = Server::start(redis::in_memory).await;
    (server, Drivers::default())
}

pub(crate) async fn node(server: &Server, drivers: &Drivers, options: RedisOptions) -> Hub {
    let engine = options.connect(&redis::url(server.port())).await;
    // A window of its own would know what Redis has forgotten.
    let (hub, driver) = Hub::builder()
        .engine(engine.expect("connected"))
        .topics(|_| TopicOptions::new())
        .build();
    drivers.spawn(driver);
    hub
}

/// Repeats a command until the answer is as expected.
pub(crate) async fn ask_until(server: &Server, command: &str, expected: impl Fn(&str) -> bool) {
    loop {
        let answer = redis::ask(server.port(), command).await.expect("an answer");
        if expected(&answer) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_node_has_two_connections_and_hears_only_of_the_topics_that_it_uses() {
    within_bounds(async {
        let (server, drivers) = server().await;
        let hub = node(&server, &drivers, RedisOptions::new()).await;
        let mut clients = Vec::new();
        for number in 0..300 {
            let topic = format!("topic {number}");
            clients.push(Client::new(&hub, &[&topic], None).await);
        }
        let connections = redis::ask(server.port(), "CLIENT LIST").await;
        let connections = connections.expect("an answer");
        // And the one of this command.
        assert_eq!(connections.matches("addr=").count() / 2, 3, "{connections}");
        let count =
            |channels: usize| move |answer: &str| answer.ends_with(&format!(":{channels}\r\n"));
        let used = "PUBSUB NUMSUB \"0:sse:{topic 7}\"";
        ask_until(&server, used, count(1)).await;
        let all = "PUBSUB CHANNELS";
        ask_until(&server, all, |answer| answer.starts_with("*300\r\n")).await;
        clients.truncate(1);
        ask_until(&server, used, count(0)).await;
        ask_until(&server, all, |answer| answer.starts_with("*1\r\n")).await;
        publish(&hub, "topic 0", "still heard").await;
        assert_eq!(clients[0].data(1).await, ["still heard"]);
    })
    .await;
}

#[tokio::test]
async fn events_that_are_too_old_are_trimmed_and_a_gap() {
    within_bounds(async {
        let (server, drivers) = server().await;
        let options = RedisOptions::new().max_age(Duration::from_millis(40));
        let options = options
            .prefix("short")
            .forget_after(Duration::from_secs(60));
        let hub = node(&server, &drivers, options).await;
        // Redis discards whole nodes of a stream, of a hundred entries each.
        let first = publish(&hub, "a", "first").await;
        let first = hub.id_of("a", first);
        for number in 0..250 {
            publish(&hub, "a", number).await;
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        publish(&hub, "a", "last").await;
        let mut client = Client::new(&hub, &["a"], Some(&first)).await;
        assert_eq!(client.gap().await, "unknown");
        let len = redis::ask(server.port(), "XLEN short:{a}").await;
        let len = len.expect("an answer");
        let len: usize = len[1..].trim().parse().expect("a number");
        assert!((1..=200).contains(&len), "{len}");
    })
    .await;
}

#[tokio::test]
async fn a_topic_that_redis_has_deleted_is_a_gap() {
    within_bounds(async {
        let (server, drivers) = server().await;
        let options = RedisOptions::new().max_age(Duration::from_millis(20));
        let options = options.forget_after(Duration::from_millis(100));
        let hub = node(&server, &drivers, options.clone()).await;
        let other = node(&server, &drivers, options).await;
        let mut open = Client::new(&hub, &["a"], None).await;
        publish(&hub, "a", "first").await;
        assert_eq!(open.data(1).await, ["first"]);
        ask_until(&server, "EXISTS sse:{a}", |answer| answer == ":0\r\n").await;
        let mut late = Client::new(&other, &["a"], Some(&open.id)).await;
        assert_eq!(late.gap().await, "unknown");
        publish(&hub, "a", "second").await;
        // It has missed nothing, but that is no longer known.
        assert_eq!(open.gap().await, "unknown");
        publish(&hub, "a", "third").await;
        assert_eq!(open.data(1).await, ["third"]);
        let seen = late.data(2).await;
        assert_eq!(seen, ["second", "third"]);
    })
    .await;
}

#[tokio::test]
async fn an_idempotency_key_is_forgotten_in_time() {
    within_bounds(async {
        let (server, drivers) = server().await;
        let options = RedisOptions::new().remember_keys(Duration::from_millis(100));
        let hub = node(&server, &drivers, options).await;
        let first = hub.publish("a", "x").key("1").await.expect("published");
        let stored = redis::ask(server.port(), "GET sse:{a}:key:1").await;
        let id = format!("{}-{}", first.major(), first.minor());
        assert_eq!(
            stored.expect("an answer"),
            format!("${}\r\n{id}\r\n", id.len())
        );
        ask_until(&server, "EXISTS sse:{a}:key:1", |answer| answer == ":0\r\n").await;
        let later = hub.publish("a", "x").key("1").await.expect("published");
        assert!(later > first);
    })
    .await;
}

#[tokio::test]
async fn no_topic_has_the_name_of_the_key_of_another() {
    within_bounds(async {
        let (server, drivers) = server().await;
        let hub = node(&server, &drivers, RedisOptions::new()).await;
        for (topic, key, other) in [("a", "k}", "a}:key:k"), ("x", "{y}", "x}:key:{y")] {
            let publish = |topic, key| hub.publish(topic, "x").key(key);
            publish(topic, key).await.expect("published");
            publish(other, key).await.expect("published");
            let mut client = Client::new(&hub, &[other], None).await;
            publish(topic, "2").await.expect("published");
            publish(other, "2").await.expect("published");
            assert_eq!(client.data(1).await, ["x"]);
        }
    })
    .await;
}

#[tokio::test]
async fn entries_of_other_programs_are_never_sent_and_what_they_may_hide_is_a_gap() {
    within_bounds(async {
        let (server, drivers) = server().await;
        let hub = node(&server, &drivers, RedisOptions::new()).await;
        let mut client = Client::new(&hub, &["a"], None).await;
        publish(&hub, "a", "first").await;
        assert_eq!(client.data(1).await, ["first"]);
        let forged = "XADD sse:{a} * e \"id: 7\\ndata: forged\\n\\n\"";
        let added = redis::ask(server.port(), forged).await;
        assert!(added.expect("an answer").starts_with('$'));
        publish(&hub, "a", "second").await;
        client.gap().await;
        publish(&hub, "a", "third").await;
        assert_eq!(client.data(1).await, ["third"]);
    })
    .await;
}

#[tokio::test]
async fn databases_of_one_server_are_apart() {
    within_bounds(async {
        let (server, drivers) = server().await;
        let mut hubs = Vec::new();
        for database in 0..2 {
            let url = format!("{}{database}", redis::url(server.port()));
            let engine = RedisEngine::connect(&url).await.expect("connected");
            let (hub, driver) = Hub::builder().engine(engine).build();
            drivers.spawn(driver);
            hubs.push(hub);
        }
        let mut clients = [
            Client::new(&hubs[0], &["a"], None).await,
            Client::new(&hubs[1], &["a"], None).await,
        ];
        for (number, hub) in hubs.iter().enumerate() {
            publish(hub, "a", number).await;
            publish(hub, "a", number).await;
        }
        assert_eq!(clients[0].data(2).await, ["0", "0"]);
        assert_eq!(clients[1].data(2).await, ["1", "1"]);
    })
    .await;
}

#[tokio::test]
async fn a_wiped_topic_is_a_gap_even_if_it_is_created_again_in_the_same_millisecond() {
    within_bounds(async {
        let (server, drivers) = server().await;
        let hub = node(&server, &drivers, RedisOptions::new()).await;
        let mut client = Client::new(&hub, &["a"], None).await;
        for number in 0..200 {
            publish(&hub, "a", number).await;
            assert_eq!(client.data(1).await, [number.to_string()]);
            let before = client.id.clone();
            let wiped = redis::ask(server.port(), "FLUSHALL").await;
            assert_eq!(wiped.as_deref(), Some("+OK\r\n"));
            publish(&hub, "a", "after").await;
            client.gap().await;
            let mut other = Client::new(&hub, &["a"], Some(&before)).await;
            other.gap().await;
        }
    })
    .await;
}
