//! The faults of Redis.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_engines::{Proxy, Server, redis};
use sse_hub::Hub;
use sse_hub::redis::RedisOptions;
use tokio::time::{sleep, timeout};

use crate::cases::{ANSWER_WITHIN, Engine, Keeps, data};
use crate::check::Tally;
use crate::load::{QUIET, TOPICS};
use crate::losses::{Ends, assert_announced, lose_tail};

pub(crate) struct Redis;

impl Engine for Redis {
    fn command(port: u16, folder: &Path) -> Command {
        redis::durable(port, folder)
    }

    fn unsafe_command(port: u16, folder: &Path) -> Command {
        redis::every_second(port, folder)
    }

    async fn connect(port: u16, keeps: Keeps) -> impl sse_hub::Engine {
        // One that was started just before may be loading what it had.
        while !Self::answers(port).await {
            sleep(Duration::from_millis(5)).await;
        }
        RedisOptions::new()
            .max_events(keeps.history)
            .answer_within(ANSWER_WITHIN)
            .connect(&redis::url(port))
            .await
            .expect("connected")
    }

    async fn answers(port: u16) -> bool {
        let answer = redis::ask(port, "PING");
        let answer = timeout(Duration::from_secs(1), answer).await;
        answer.is_ok_and(|answer| answer.as_deref() == Some("+PONG\r\n"))
    }

    async fn wipe(port: u16) {
        assert_eq!(
            redis::ask(port, "FLUSHALL").await.as_deref(),
            Some("+OK\r\n")
        );
    }

    async fn events(port: u16) -> Vec<String> {
        let mut events = Vec::new();
        let mut connection = connection(port).await;
        for topic in TOPICS.into_iter().chain([QUIET]) {
            let mut range = ::redis::cmd("XRANGE");
            range.arg(format!("sse:{{{topic}}}")).arg("-").arg("+");
            let entries = range.query_async(&mut connection).await;
            let entries: Vec<(String, Vec<(String, String)>)> = entries.expect("entries");
            let fields = entries.into_iter().flat_map(|(_, fields)| fields);
            let found = fields.filter(|(field, _)| field == "e");
            events.extend(found.map(|(_, event)| data(&event).to_owned()));
        }
        events
    }

    async fn version(port: u16) -> String {
        let mut connection = connection(port).await;
        let mut info = ::redis::cmd("INFO");
        let info = info.arg("server").query_async(&mut connection).await;
        let info: String = info.expect("an answer");
        let value = |key| info.lines().find_map(|line| line.strip_prefix(key));
        match value("valkey_version:") {
            Some(version) => format!("Valkey {version}"),
            None => format!("Redis {}", value("redis_version:").expect("a version")),
        }
    }
}

async fn connection(port: u16) -> ::redis::aio::MultiplexedConnection {
    let client = ::redis::Client::open(redis::url(port)).expect("a URL");
    let patient = ::redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client
        .get_multiplexed_async_connection_with_config(&patient)
        .await;
    connection.expect("connected")
}

crate::faults!(Redis);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_after_the_last_snapshot_is_announced() {
    let save = async |server: &Server| {
        let saved = redis::ask(server.port(), "SAVE").await;
        assert_eq!(saved.as_deref(), Some("+OK\r\n"));
        None
    };
    let fault = "killed, with nothing but a snapshot";
    let tally = lose_tail::<Redis>(redis::in_memory, save, Ends::None, fault);
    let tally = timeout(Duration::from_secs(100), tally).await;
    assert_announced(tally.expect("it completes"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_was_in_memory_is_announced() {
    let nothing = async |_: &Server| None;
    let fault = "killed, with nothing on disk";
    let tally = lose_tail::<Redis>(redis::in_memory, nothing, Ends::None, fault);
    let tally = timeout(Duration::from_secs(100), tally).await;
    let tally = tally.expect("it completes");
    // Without a position that both know, a node continues at the server's end.
    assert_announced(Tally { kept: 0, ..tally });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_cut_each_of_many_topics_is_caught_up_without_a_new_event() {
    const MANY: usize = 1_000;
    let server = Server::start(redis::in_memory).await;
    let proxy = Proxy::start(server.port()).await;
    let hub = async |port| {
        let (hub, driver) = Hub::builder()
            .engine(Redis::connect(port, Keeps::PLENTY).await)
            .build();
        tokio::spawn(driver);
        hub
    };
    let (cut_off, other) = (hub(proxy.port()).await, hub(server.port()).await);
    let mut subscriptions = Vec::new();
    for number in 0..MANY {
        let topic = format!("topic {number}");
        let mut subscription = cut_off.subscribe([topic]).await.expect("a subscription");
        let block = subscription.next().await.expect("a block");
        block.expect("no error");
        subscriptions.push(subscription);
    }
    proxy.refuse(true);
    proxy.cut();
    assert!(!Redis::answers(proxy.port()).await, "it is cut off");
    for number in 0..MANY {
        let topic = format!("topic {number}");
        let event = other.publish(&topic, &*topic).await;
        event.expect("published");
    }
    let none = futures_util::future::select_all(subscriptions.iter_mut().map(|it| it.next()));
    let none = timeout(Duration::from_millis(100), none).await;
    assert!(none.is_err(), "nothing comes");
    proxy.refuse(false);
    for (number, subscription) in subscriptions.iter_mut().enumerate() {
        let event = timeout(Duration::from_secs(20), subscription.next()).await;
        let event = event.expect("in time").expect("it goes on");
        let start = format!("data: topic {number}\nid: ");
        assert!(event.expect("no error").starts_with(start.as_bytes()));
    }
}
