//! The faults, each under load, for any engine.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sse_engines::{Proxy, Server};
use sse_hub::{
    EngineDown, Hub, PublishError, Retention, SubscribeError, Subscription, TopicOptions,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::check::Tally;
use crate::load::{Load, Node, TOPICS};
use crate::nodes::Process;

/// An engine that can be harmed.
pub(crate) trait Engine: 'static {
    const NAME: &'static str;

    /// Returns the command of a server that has on disk what it has confirmed.
    fn command(port: u16, folder: &Path) -> Command;

    /// Connects a node, which waits [`ANSWER_WITHIN`] for answers.
    fn connect(port: u16, keeps: Keeps) -> impl Future<Output = impl sse_hub::Engine> + Send;

    /// Whether the server answers a ping within a second.
    fn answers(port: u16) -> impl Future<Output = bool> + Send;

    /// Removes all that the server has, while it runs.
    fn wipe(port: u16) -> impl Future<Output = ()> + Send;
}

/// How long a node waits for an answer.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How many events of a topic are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keeps {
    /// By the engine.
    pub(crate) history: usize,
    /// By each node.
    pub(crate) window: usize,
}

impl Keeps {
    /// So many that none is trimmed in a test.
    pub(crate) const PLENTY: Self = Self {
        history: 1_000_000,
        window: 500,
    };
}

/// Nodes in this process.
struct Nodes {
    hubs: Vec<Hub>,
    _drivers: JoinSet<()>,
}

impl Nodes {
    async fn start<E: Engine>(port: u16, keeps: Keeps) -> Self {
        let mut hubs = Vec::new();
        let mut drivers = JoinSet::new();
        for _ in 0..3 {
            let retention = Retention::new().max_events(keeps.window);
            let (hub, driver) = Hub::builder()
                .engine(E::connect(port, keeps).await)
                .topics(move |_| TopicOptions::new().retention(retention))
                .build();
            drivers.spawn(driver);
            hubs.push(hub);
        }
        Self {
            hubs,
            _drivers: drivers,
        }
    }

    async fn load(&self) -> Load {
        let nodes = self.hubs.iter().cloned().map(Node::Hub).collect();
        let begin = subscribe(&self.hubs[0], TOPICS).await;
        Load::begin(self.hubs.clone(), nodes, &begin.id()).await
    }
}

/// Asserts that nothing is missing, that nothing arrived twice, and that there were no gaps.
fn assert_exact(tally: Tally) {
    let exact = Tally {
        checked: tally.checked,
        ..Tally::default()
    };
    assert_eq!(tally, exact);
    assert!(tally.checked > 1_000, "{tally:?}");
}

pub(crate) async fn an_engine_that_is_killed_and_restarted_loses_nothing<E: Engine>(_: &str) {
    let mut server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    let load = nodes.load().await;
    for _ in 0..2 {
        let failures = load.failures();
        assert!(E::answers(server.port()).await);
        server.kill();
        assert!(!E::answers(server.port()).await, "it is dead");
        sleep(Duration::from_millis(300)).await;
        assert!(load.failures() > failures, "publishers notice");
        server.restart().await;
        load.flows().await;
    }
    let tally = load.finish().await;
    tally.print(E::NAME, "killed and restarted");
    assert_exact(tally);
}

pub(crate) async fn connections_that_are_cut_within_a_message_lose_nothing<E: Engine>(_: &str) {
    const CUTS: usize = 15;
    let server = Server::start(E::command).await;
    let proxy = Proxy::start(server.port()).await;
    let nodes = Nodes::start::<E>(proxy.port(), Keeps::PLENTY).await;
    let load = nodes.load().await;
    for number in 1..=CUTS {
        proxy.cut_after(fastrand::i64(1..4_000));
        let deadline = Instant::now() + Duration::from_secs(10);
        while proxy.cuts() < number {
            assert!(Instant::now() < deadline, "nothing flows that can be cut");
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(fastrand::u64(0..150))).await;
    }
    let tally = load.finish().await;
    tally.print(E::NAME, "connections cut within a message");
    assert_exact(tally);
}

pub(crate) async fn an_engine_that_is_frozen_and_thawed_loses_nothing<E: Engine>(_: &str) {
    let server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    let load = nodes.load().await;
    // Once shorter than the limit for an answer, once longer.
    for frozen in [ANSWER_WITHIN / 2, ANSWER_WITHIN * 2] {
        let failures = load.failures();
        server.freeze();
        assert!(
            frozen < ANSWER_WITHIN || !E::answers(server.port()).await,
            "it is frozen"
        );
        sleep(frozen).await;
        let have_failed = load.failures() > failures;
        assert!(have_failed || frozen < ANSWER_WITHIN, "publishers notice");
        server.thaw();
        load.flows().await;
    }
    let tally = load.finish().await;
    tally.print(E::NAME, "frozen and thawed");
    assert_exact(tally);
}

pub(crate) async fn a_killed_node_loses_nothing_that_its_clients_do_not_get_elsewhere<E: Engine>(
    test: &'static str,
) {
    let server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    // Before the first event of the other publishers.
    let begin = subscribe(&nodes.hubs[0], TOPICS).await;
    let mut processes = Vec::new();
    for number in 0..3 {
        processes.push(Process::start(test, server.port(), 100 + number).await);
    }
    let as_nodes = processes.iter().map(Process::node).collect();
    let load = Load::begin(nodes.hubs.clone(), as_nodes, &begin.id()).await;
    for (number, process) in processes.iter_mut().enumerate() {
        process.kill().await;
        let address = process.address.lock().expect("not poisoned").take();
        let refused = tokio::net::TcpStream::connect(address.expect("its address")).await;
        assert!(refused.is_err(), "it is dead");
        load.flows().await;
        process.restart(server.port(), 200 + number).await;
    }
    let tally = load.finish().await;
    tally.print(E::NAME, "nodes killed");
    assert_exact(tally);
}

pub(crate) async fn history_that_is_trimmed_under_a_lagging_reader_is_a_gap<E: Engine>(_: &str) {
    const FEW: Keeps = Keeps {
        history: 20,
        window: 10,
    };
    let server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), FEW).await;
    let mut lagging = Vec::new();
    for hub in &nodes.hubs {
        let mut subscription = subscribe(hub, TOPICS).await;
        let block = futures_util::StreamExt::next(&mut subscription).await;
        block.expect("a block").expect("no error");
        lagging.push(subscription);
    }
    for number in 0..1_000 {
        publish_to_all(&nodes.hubs[number % 3], &format!("0 {number}")).await;
    }
    let mut tally = Tally::default();
    let mut published = 1_000;
    for subscription in lagging {
        tally += read_to_end(subscription, &nodes.hubs[0], &mut published).await;
    }
    tally.print(E::NAME, "history trimmed under a lagging reader");
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
    assert!(tally.gaps >= 9, "each of three topics for each: {tally:?}");
    assert!(tally.skipped > 1_000 && tally.checked >= 9, "{tally:?}");
}

/// Publishes an event, however long that takes: on a busy machine an answer may be late.
async fn publish(hub: &Hub, topic: &str, event: &str) {
    let key = format!("{event} {}", fastrand::u64(..));
    while hub.publish(topic, event).key(&key).await.is_err() {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Subscribes, likewise.
async fn subscribe<const N: usize>(hub: &Hub, topics: [&str; N]) -> Subscription {
    loop {
        if let Ok(subscription) = hub.subscribe(topics).await {
            return subscription;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn publish_to_all(hub: &Hub, event: &str) {
    for topic in TOPICS {
        publish(hub, topic, &format!("{topic} {event}")).await;
    }
}

/// What a subscriber gets that has not read so far, of so many events of each topic; some more are
/// published when it has come so far.
async fn read_to_end(mut subscription: Subscription, hub: &Hub, published: &mut usize) -> Tally {
    let begun = *published;
    let mut reader = sse_hub_testing::reader::Reader::default();
    let mut checker = crate::check::Checker::default();
    let mut gaps = std::collections::HashMap::new();
    while checker.ended.len() < TOPICS.len() {
        let next = futures_util::StreamExt::next(&mut subscription);
        let Ok(piece) = timeout(Duration::from_millis(100), next).await else {
            if *published == begun + 5 {
                publish_to_all(hub, "end").await;
            } else {
                publish_to_all(hub, &format!("0 {published}")).await;
                *published += 1;
            }
            continue;
        };
        let piece = piece.expect("it goes on").expect("no error");
        for event in reader.feed(&piece) {
            checker.see(&event, &mut gaps);
        }
    }
    let published = TOPICS.map(|topic| ((topic.to_owned(), 0), *published));
    checker.finish(&published.into(), &gaps)
}

pub(crate) async fn a_wiped_engine_is_a_gap<E: Engine>(_: &str) {
    let mut server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    let load = nodes.load().await;
    E::wipe(server.port()).await;
    load.flows().await;
    // And once more with its files, as by a new machine.
    server.kill();
    server.wipe();
    assert!(!E::answers(server.port()).await, "it is dead");
    server.restart().await;
    let tally = load.finish().await;
    tally.print(E::NAME, "wiped");
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
    assert!(tally.gaps > 0, "{tally:?}");
}

pub(crate) async fn while_the_engine_is_down_all_is_as_stated<E: Engine>(_: &str) {
    let mut server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    let hub = &nodes.hubs[0];
    let mut open = subscribe(hub, ["a"]).await;
    let begin = open.id();
    let mut next = async || {
        let piece = timeout(
            Duration::from_secs(20),
            futures_util::StreamExt::next(&mut open),
        );
        let piece = piece.await.expect("in time").expect("it goes on");
        String::from_utf8(piece.expect("no error").to_vec()).expect("text")
    };
    assert!(next().await.starts_with("id: "));
    publish(hub, "a", "before").await;
    assert!(next().await.starts_with("data: before\nid: "));

    server.kill();
    assert!(!E::answers(server.port()).await, "it is dead");
    // Publishing fails in time.
    let asked = Instant::now();
    let refused = hub.publish("a", "lost").await;
    assert!(
        matches!(refused, Err(PublishError::Engine(_))),
        "{refused:?}"
    );
    assert!(
        asked.elapsed() < ANSWER_WITHIN * 10,
        "{:?}",
        asked.elapsed()
    );
    // A new subscriber gets what this node has, or an error before the answer to the request.
    let open = hub.subscribe(["a"]).resume(Some(&begin)).await;
    let mut open = open.expect("a subscription");
    let mut pieces = String::new();
    while !pieces.contains("data: before\nid: ") {
        let piece = timeout(
            Duration::from_secs(20),
            futures_util::StreamExt::next(&mut open),
        );
        let piece = piece.await.expect("in time").expect("it goes on");
        pieces.push_str(std::str::from_utf8(&piece.expect("no error")).expect("text"));
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let refused = hub.subscribe(["a"]).engine_down(EngineDown::Refuse).await;
        if matches!(refused, Err(SubscribeError::Engine(_))) {
            break;
        }
        assert!(Instant::now() < deadline, "it is known to be down");
        sleep(Duration::from_millis(5)).await;
    }
    let refused = hub.subscribe(["elsewhere"]).await;
    assert!(matches!(refused, Err(SubscribeError::Engine(_))));

    server.restart().await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while hub.publish("a", "after").key("after").await.is_err() {
        assert!(Instant::now() < deadline, "it is back");
        sleep(Duration::from_millis(5)).await;
    }
    let mut piece = next().await;
    if piece.starts_with("data: lost\nid: ") {
        // After an error, the event may be published: it was on its way.
        piece = next().await;
    }
    assert!(piece.starts_with("data: after\nid: "));
    drop(open);
}
