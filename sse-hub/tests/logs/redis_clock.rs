//! The ids of events if clocks are wrong: none is given twice, so that none is taken for another one.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use sse_engines::{Clock, Server, redis};
use sse_hub::redis::RedisOptions;
use sse_hub::{Hub, Position};

use crate::redis::{ask_until, node};
use crate::suite::{Client, Drivers, publish, within_bounds};

/// Publishes to the topic `a` for a time.
async fn publish_for(hub: &Hub, time: Duration) -> Vec<Position> {
    let begun = Instant::now();
    let mut positions = Vec::new();
    while begun.elapsed() < time {
        positions.push(publish(hub, "a", positions.len()).await);
    }
    positions
}

/// Checks that no position that was lost with its event is now that of another one, and that those who
/// come back to it get a gap.
async fn check(hub: &Hub, kept: &[Position], lost: &[Position], new: &[Position]) {
    let all = [kept, lost, new].concat();
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "a position was given twice");
    assert!(kept.last() < new.first() && new.is_sorted());
    for lost in lost.iter().step_by(lost.len().div_ceil(20)) {
        let mut client = Client::new(hub, &["a"], Some(&hub.id_of("a", *lost))).await;
        client.gap().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_replica_whose_clock_is_behind_gives_no_id_again() {
    within_bounds(async {
        let drivers = Drivers::default();
        let primary = Server::start(redis::in_memory).await;
        let clock = Clock::new();
        clock.put_back(Duration::from_millis(400));
        let replica = clock.shown_to(redis::replica_of(primary.port()));
        let replica = Server::start(replica).await;
        let hub = node(&primary, &drivers, RedisOptions::new()).await;
        let kept = publish_for(&hub, Duration::from_millis(50)).await;
        ask_until(&replica, "XLEN sse:{a}", |answer| {
            answer == format!(":{}\r\n", kept.len())
        })
        .await;
        let promoted = redis::ask(replica.port(), "REPLICAOF NO ONE").await;
        assert_eq!(promoted.as_deref(), Some("+OK\r\n"));
        let lost = publish_for(&hub, Duration::from_millis(300)).await;
        let hub = node(&replica, &drivers, RedisOptions::new()).await;
        let new = publish_for(&hub, Duration::from_millis(800)).await;
        check(&hub, &kept, &lost, &new).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_set_back_with_its_clock_gives_no_id_again() {
    within_bounds(async {
        let drivers = Drivers::default();
        let clock = Clock::new();
        let mut server = Server::start(clock.shown_to(redis::in_memory)).await;
        let hub = node(&server, &drivers, RedisOptions::new()).await;
        let kept = publish_for(&hub, Duration::from_millis(50)).await;
        let saved = redis::ask(server.port(), "SAVE").await;
        assert_eq!(saved.as_deref(), Some("+OK\r\n"));
        let begun = Instant::now();
        let lost = publish_for(&hub, Duration::from_millis(300)).await;
        server.kill();
        server.restart().await;
        // Back to when the first of the lost events was published.
        clock.put_back(begun.elapsed());
        let hub = node(&server, &drivers, RedisOptions::new()).await;
        let new = publish_for(&hub, Duration::from_millis(500)).await;
        check(&hub, &kept, &lost, &new).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_that_goes_back_changes_neither_the_order_nor_what_is_resumed() {
    within_bounds(async {
        let drivers = Drivers::default();
        let clock = Clock::new();
        let server = Server::start(clock.shown_to(redis::in_memory)).await;
        let hub = node(&server, &drivers, RedisOptions::new()).await;
        let mut client = Client::new(&hub, &["a"], None).await;
        let begin = client.id.clone();
        let mut positions = Vec::new();
        let hour = Duration::from_secs(3600);
        for number in 0..300 {
            match number {
                100 => clock.put_back(hour),
                200 => clock.put_forward(hour / 2),
                250 => clock.put_back(2 * hour),
                _ => {}
            }
            positions.push(publish(&hub, "a", number).await);
        }
        assert!(positions.is_sorted_by(|before, after| before < after));
        let expected: Vec<_> = (0..300).map(|number| number.to_string()).collect();
        assert_eq!(client.data(300).await, expected);
        let other = node(&server, &drivers, RedisOptions::new()).await;
        let mut late = Client::new(&other, &["a"], Some(&begin)).await;
        assert_eq!(late.data(300).await, expected);
        let id = hub.id_of("a", positions[150]);
        let mut late = Client::new(&other, &["a"], Some(&id)).await;
        assert_eq!(late.data(149).await, expected[151..]);
    })
    .await;
}
