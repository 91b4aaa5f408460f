//! rocket 0.5.

use std::net::SocketAddr;
use std::sync::Mutex;

use ::rocket::config::{Config, LogLevel};
use ::rocket::fairing::AdHoc;
use ::rocket::routes;
use tokio::sync::oneshot;

use crate::check::{arrives_unchanged, drops_the_handler, end_of_a_failure};
use crate::client::End;

include!("../../../../sse-hyper/src/frameworks/rocket.rs");

async fn start() -> SocketAddr {
    let config = Config {
        port: 0,
        log_level: LogLevel::Off,
        ..Config::release_default()
    };
    let (sender, address) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let report = AdHoc::on_liftoff("address", move |rocket| {
        let config = rocket.config();
        let address = SocketAddr::new(config.address, config.port);
        let sender = sender.lock().expect("a lock").take();
        let _ = sender.expect("one liftoff").send(address);
        Box::pin(async {})
    });
    let rocket = rocket::custom(config).mount("/", routes![stream]);
    tokio::spawn(rocket.attach(report).launch());
    address.await.expect("a server")
}

#[tokio::test]
async fn events_arrive_unchanged_and_at_once() {
    arrives_unchanged(start().await, "rocket unchanged").await;
}

#[tokio::test]
async fn a_failed_handler_looks_complete() {
    let end = end_of_a_failure(start().await, "rocket failure").await;
    assert_eq!(end, End::Complete);
}

#[tokio::test]
async fn a_client_that_leaves_drops_its_handler_at_the_first_write() {
    drops_the_handler(start().await, "rocket leave", 1).await;
}
