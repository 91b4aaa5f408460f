//! An engine that loses a topic: its groups are told, be they waiting or away.

use std::sync::Arc;
use std::time::Duration;

use sse_hub::Hub;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use crate::engine::Engine;
use crate::line::{Client, group};

async fn publish(hub: &Hub, data: &str) {
    hub.publish("news", data).await.expect("published");
}

/// Runs those that were woken, and lets the engine and the hub go on.
async fn go_on(clients: &mut [Client]) {
    for client in clients {
        if client.wakes() > 0 {
            assert!(!client.run(), "it goes on");
        }
    }
    yield_now().await;
}

/// Waits until the group is sent out. Who leads it is who joined it first.
async fn leader(clients: &[Client]) -> &Client {
    loop {
        let leader = clients.iter().find(|client| client.line.has_errand());
        match leader {
            Some(leader) => return leader,
            None => yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_topic_that_is_lost_while_its_group_waits_or_is_away_has_a_gap() {
    for is_away in [false, true] {
        timeout(Duration::from_secs(60), lose_topic(is_away))
            .await
            .expect("in time");
    }
}

async fn lose_topic(is_away: bool) {
    let engine = Arc::new(Engine::default());
    let hub = engine.node();
    let mut driven = JoinSet::new();
    let driver = hub.clone();
    driven.spawn(async move { driver.drive().await });
    let metrics = || hub.topic_metrics("news").unwrap_or_default();
    // As long as it is open, the hub holds what is published.
    let _open = hub.subscribe(["news"]).await.expect("a subscription");
    for _ in 0..10 {
        publish(&hub, "before").await;
    }
    while metrics().held_events < 10 {
        yield_now().await;
    }
    let mut clients = group::<2>(&hub);
    while metrics().subscribers < 3 {
        go_on(&mut clients).await;
    }
    if is_away {
        publish(&hub, "away").await;
        leader(&clients).await;
    }

    engine.wipe();
    publish(&hub, "after").await;
    // What was held is forgotten once it is known that the engine's history is another.
    while metrics().held_events > 0 {
        yield_now().await;
    }
    if is_away {
        leader(&clients).await.line.run_errand();
    }
    let mut told = [String::new(), String::new()];
    while !told.iter().all(|told| told.contains("event: gap\n")) {
        go_on(&mut clients).await;
        for (told, client) in told.iter_mut().zip(&clients) {
            told.push_str(&client.received());
        }
    }
    assert!(told.iter().all(|told| !told.contains("data: away\n")));
    assert!(clients.iter().all(|client| client.line.deliveries() == 0));

    // They stand in a group again.
    publish(&hub, "live").await;
    leader(&clients).await.line.run_errand();
    for client in &clients {
        let received = client.received();
        assert!(received.ends_with("\ndata: live\n\n"), "{received:?}");
        assert_eq!(client.line.deliveries(), 1);
    }
}
