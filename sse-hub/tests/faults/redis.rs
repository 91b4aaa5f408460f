//! The faults of Redis.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_engines::{Proxy, Server, redis};
use sse_hub::Hub;
use sse_hub::redis::RedisOptions;
use tokio::time::timeout;

use crate::cases::{ANSWER_WITHIN, Engine, Keeps};

struct Redis;

impl Engine for Redis {
    const NAME: &'static str = "Redis";

    fn command(port: u16, folder: &Path) -> Command {
        redis::durable(port, folder)
    }

    async fn connect(port: u16, keeps: Keeps) -> impl sse_hub::Engine {
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
}

crate::faults!(Redis);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_cut_each_of_many_topics_is_caught_up_without_a_new_event() {
    const TOPICS: usize = 1_000;
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
    for number in 0..TOPICS {
        let topic = format!("topic {number}");
        let mut subscription = cut_off.subscribe([topic]).await.expect("a subscription");
        let block = subscription.next().await.expect("a block");
        block.expect("no error");
        subscriptions.push(subscription);
    }
    proxy.refuse(true);
    proxy.cut();
    assert!(!Redis::answers(proxy.port()).await, "it is cut off");
    for number in 0..TOPICS {
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
