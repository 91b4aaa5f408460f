//! Replicas of Redis that are promoted, and clocks that are wrong.

use std::time::Duration;

use futures_util::StreamExt as _;
use sse_engines::{Clock, Proxy, Server, redis};
use sse_hub::Hub;
use sse_hub_testing::reader::Reader;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::cases::{Engine as _, Keeps, assert_exact};
use crate::hubs::Nodes;
use crate::load::{Crowd, Kind, subscribe};
use crate::losses::{assert_announced, write_tail};
use crate::redis::Redis;

/// A primary, a replica, and the address at which nodes find the one that is in charge.
struct Pair {
    primary: Server,
    replica: Server,
    /// Between the two.
    replication: Proxy,
    address: Proxy,
}

impl Pair {
    /// Starts them, the replica with a clock that is so much behind.
    async fn start(behind: Option<&Clock>) -> Self {
        let primary = Server::start(redis::in_memory).await;
        let replication = Proxy::start(primary.port()).await;
        let replica = redis::replica_of(replication.port());
        let replica = match behind {
            Some(clock) => Server::start(clock.shown_to(replica)).await,
            None => Server::start(replica).await,
        };
        let address = Proxy::start(primary.port()).await;
        let pair = Self {
            primary,
            replica,
            replication,
            address,
        };
        pair.replica_has_all().await;
        pair
    }

    /// Waits until the replica has all that the primary has now.
    async fn replica_has_all(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let written = offset(&self.primary).await;
        loop {
            let info = redis::ask(self.replica.port(), "INFO replication").await;
            let is_linked = info.is_some_and(|info| info.contains("master_link_status:up"));
            if is_linked && offset(&self.replica).await >= written {
                return;
            }
            assert!(Instant::now() < deadline, "the replica has all");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Promotes the replica. Nodes find it when they connect anew.
    async fn promote(&self) {
        let info = redis::ask(self.replica.port(), "INFO replication").await;
        command(&self.replica, "REPLICAOF NO ONE").await;
        let events = Redis::events(self.replica.port()).await;
        assert!(!events.is_empty(), "it has what it had before: {info:?}");
        self.address.forward_to(self.replica.port());
    }

    /// Demotes the primary, which gets nothing from the new one for now.
    async fn demote(&self) -> Proxy {
        let silent = Proxy::start(self.replica.port()).await;
        silent.hold(true);
        let demote = format!("REPLICAOF 127.0.0.1 {}", silent.port());
        command(&self.primary, &demote).await;
        silent
    }
}

/// How much a server has written, or got from its primary.
async fn offset(server: &Server) -> u64 {
    let info = redis::ask(server.port(), "INFO replication").await;
    let info = info.expect("an answer");
    let mut lines = info.lines();
    let offset = lines.find_map(|line| line.strip_prefix("master_repl_offset:"));
    offset.expect("an offset").parse().expect("a number")
}

async fn command(server: &Server, command: &str) {
    let answer = redis::ask(server.port(), command).await;
    assert_eq!(answer.as_deref(), Some("+OK\r\n"), "{command}");
}

/// Lets a replica be promoted that lacks the newest events.
async fn promote_a_lagging_replica(behind: Option<&Clock>, fault: &str) {
    let mut pair = Pair::start(behind).await;
    let nodes = Nodes::start::<Redis>(pair.address.port(), Keeps::PLENTY).await;
    let load = nodes.load(Crowd::All).await;
    load.leave(Kind::LeavesEarly).await;
    pair.replica_has_all().await;
    pair.replication.hold(true);
    write_tail(&load).await;
    pair.primary.kill();
    pair.promote().await;
    load.flows().await;
    let tally = load.finish::<Redis>(pair.replica.port(), fault).await;
    assert_announced(tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_promoted_replica_lacks_is_announced() {
    within(promote_a_lagging_replica(None, "lagging replica promoted")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_replica_whose_clock_is_behind_gives_no_id_again() {
    let clock = Clock::new();
    for seconds in [1, 3] {
        clock.put_back(Duration::from_secs(seconds));
        let fault = format!("lagging replica promoted, clock {seconds} s behind");
        within(promote_a_lagging_replica(Some(&clock), &fault)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demoted_server_is_left_although_its_connections_live() {
    within(async {
        let pair = Pair::start(None).await;
        let nodes = Nodes::start::<Redis>(pair.address.port(), Keeps::PLENTY).await;
        let load = nodes.load(Crowd::All).await;
        load.leave(Kind::LeavesEarly).await;
        pair.replica_has_all().await;
        pair.replication.hold(true);
        write_tail(&load).await;
        pair.promote().await;
        let _silent = pair.demote().await;
        load.flows().await;
        let fault = "lagging replica promoted, old primary demoted, not cut";
        let tally = load.finish::<Redis>(pair.replica.port(), fault).await;
        assert_announced(tally);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_restored_with_the_clock_set_back_gives_no_id_again() {
    within(async {
        let clock = Clock::new();
        let mut server = Server::start(clock.shown_to(redis::in_memory)).await;
        let nodes = Nodes::start::<Redis>(server.port(), Keeps::PLENTY).await;
        let load = nodes.load(Crowd::All).await;
        load.leave(Kind::LeavesEarly).await;
        command(&server, "SAVE").await;
        let saved = Instant::now();
        write_tail(&load).await;
        server.kill();
        clock.put_back(saved.elapsed());
        server.restart().await;
        load.flows().await;
        let fault = "snapshot restored, clock set back";
        let tally = load.finish::<Redis>(server.port(), fault).await;
        assert_announced(tally);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_goes_back_changes_nothing() {
    within(async {
        let clock = Clock::new();
        let server = Server::start(clock.shown_to(redis::in_memory)).await;
        let nodes = Nodes::start::<Redis>(server.port(), Keeps::PLENTY).await;
        let load = nodes.load(Crowd::All).await;
        for seconds in [1, 3] {
            clock.put_back(Duration::from_secs(seconds));
            load.flows().await;
        }
        clock.put_forward(Duration::from_secs(1));
        load.flows().await;
        let tally = load
            .finish::<Redis>(server.port(), "clock set back and forward")
            .await;
        assert_exact(tally);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishing_fails_a_few_times_in_a_failover_and_then_never() {
    const EVENTS: usize = 20;
    within(async {
        let pair = Pair::start(None).await;
        let nodes = Nodes::start::<Redis>(pair.address.port(), Keeps::PLENTY).await;
        let readers: Vec<_> = (0..2)
            .map(|node| tokio::spawn(read(nodes.hub(node), EVENTS)))
            .collect();
        let hub = nodes.hub(0);
        while hub.subscribers("a") == 0 || nodes.hub(1).subscribers("a") == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        let mut failures = Vec::new();
        let mut ticks = interval(Duration::from_millis(200));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent = None;
        let mut number = 0;
        while number < EVENTS {
            ticks.tick().await;
            if number == EVENTS / 4 && silent.is_none() {
                pair.replica_has_all().await;
                pair.promote().await;
                silent = Some(pair.demote().await);
            }
            let event = number.to_string();
            match hub.publish("a", &*event).key(&event).await {
                Ok(_) => number += 1,
                Err(error) => failures.push((number, error)),
            }
        }
        // Nodes 0 and 1; the second one has nothing but its connection for live events.
        for reader in readers {
            let events: Vec<_> = (0..EVENTS).map(|number| number.to_string()).collect();
            assert_eq!(reader.await.expect("events"), events);
        }
        let version = Redis::version(pair.replica.port()).await;
        println!(
            "| {version} | failover: publishes that failed | {} |",
            failures.len()
        );
        assert!(failures.len() <= 3, "{failures:?}");
        let is_first = |(number, _): &(usize, _)| *number == EVENTS / 4;
        assert!(failures.iter().all(is_first), "{failures:?}");
    })
    .await;
}

/// Reads so many events of the topic "a", of which none may be missing; a gap is one more.
async fn read(hub: Hub, count: usize) -> Vec<String> {
    let mut subscription = subscribe(&hub, &["a"]).await;
    let mut reader = Reader::default();
    let mut events = Vec::new();
    while events.len() < count {
        let piece = subscription.next().await.expect("it goes on");
        let found = reader.feed(&piece.expect("no error"));
        events.extend(found.into_iter().map(|event| event.data));
    }
    events
}

async fn within(case: impl Future<Output = ()>) {
    let within = Duration::from_secs(100);
    timeout(within, case).await.expect("it completes");
}
