//! The faults, each under load, for any engine.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use sse_engines::{Proxy, Server};
use sse_hub::{EngineDown, Hub, Position, PublishError, SubscribeError, Subscription};
use tokio::time::{Instant, sleep, timeout};

use crate::check::{self, Answered, Published, Record, Tally};
use crate::hubs::{NODES, Nodes};
use crate::load::{Begin, Crowd, Kind, Load, TOPICS, subscribe};
use crate::nodes::Process;

/// An engine that can be harmed.
pub(crate) trait Engine: 'static {
    /// Returns the command of a server that has on disk what it has confirmed.
    fn command(port: u16, folder: &Path) -> Command;

    /// Returns the command of a server whose newest answers may be lost when it is killed.
    fn unsafe_command(port: u16, folder: &Path) -> Command;

    /// Connects a node, which waits [`ANSWER_WITHIN`] for answers.
    fn connect(port: u16, keeps: Keeps) -> impl Future<Output = impl sse_hub::Engine> + Send;

    /// Whether the server answers a ping within a second.
    fn answers(port: u16) -> impl Future<Output = bool> + Send;

    /// Removes all that the server has, while it runs.
    fn wipe(port: u16) -> impl Future<Output = ()> + Send;

    /// Returns the data of all events that the server has.
    fn events(port: u16) -> impl Future<Output = Vec<String>> + Send;

    /// Returns the name and the version of the server.
    fn version(port: u16) -> impl Future<Output = String> + Send;
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

/// Asserts that nothing is missing, that nothing arrived twice, and that there were no gaps.
pub(crate) fn assert_exact(tally: Tally) {
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
    let load = nodes.load(Crowd::Few).await;
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
    let tally = load
        .finish::<E>(server.port(), "killed and restarted")
        .await;
    assert_exact(tally);
}

pub(crate) async fn connections_that_are_cut_within_a_message_lose_nothing<E: Engine>(_: &str) {
    const CUTS: usize = 15;
    let server = Server::start(E::command).await;
    let proxy = Proxy::start(server.port()).await;
    let nodes = Nodes::start::<E>(proxy.port(), Keeps::PLENTY).await;
    let load = nodes.load(Crowd::Few).await;
    for number in 1..=CUTS {
        proxy.cut_after(fastrand::i64(1..4_000));
        let deadline = Instant::now() + Duration::from_secs(10);
        while proxy.cuts() < number {
            assert!(Instant::now() < deadline, "nothing flows that can be cut");
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(fastrand::u64(0..150))).await;
    }
    let tally = load
        .finish::<E>(server.port(), "connections cut within a message")
        .await;
    assert_exact(tally);
}

pub(crate) async fn an_engine_that_is_frozen_and_thawed_loses_nothing<E: Engine>(_: &str) {
    let server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    let load = nodes.load(Crowd::Few).await;
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
    let tally = load.finish::<E>(server.port(), "frozen and thawed").await;
    assert_exact(tally);
}

pub(crate) async fn a_killed_node_loses_nothing_that_its_clients_do_not_get_elsewhere<E: Engine>(
    test: &'static str,
) {
    let server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    // Before the first event of the other publishers.
    let begin = Begin::of(&nodes.hub(0)).await;
    let mut processes = Vec::new();
    for number in 0..3 {
        processes.push(Process::start(test, server.port(), 100 + number).await);
    }
    let as_nodes = processes.iter().map(Process::node).collect();
    let load = Load::begin(nodes.places[..NODES].to_vec(), as_nodes, Crowd::Few, &begin).await;
    for (number, process) in processes.iter_mut().enumerate() {
        process.kill().await;
        let address = process.address.lock().expect("not poisoned").take();
        let refused = tokio::net::TcpStream::connect(address.expect("its address")).await;
        assert!(refused.is_err(), "it is dead");
        load.flows().await;
        process.restart(server.port(), 200 + number).await;
    }
    let tally = load.finish::<E>(server.port(), "nodes killed").await;
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
    for number in 0..NODES {
        let mut subscription = subscribe(&nodes.hub(number), &TOPICS).await;
        let block = futures_util::StreamExt::next(&mut subscription).await;
        block.expect("a block").expect("no error");
        lagging.push(subscription);
    }
    let mut published = Published::new();
    for number in 0..1_000 {
        publish_to_all(&nodes.hub(number % NODES), &mut published).await;
    }
    let mut tally = Tally::default();
    for subscription in lagging {
        let record = read_to_end(subscription, &nodes.hub(0), &mut published).await;
        tally += Tally::of(&[&record], &published, &events::<E>(server.port()).await);
    }
    tally.print(
        &E::version(server.port()).await,
        "history trimmed under a lagging reader",
    );
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
    assert_eq!((tally.late, tally.ids), (0, 0), "{tally:?}");
    assert!(tally.gaps >= 9, "each of three topics for each: {tally:?}");
    assert!(tally.skipped > 1_000 && tally.checked >= 9, "{tally:?}");
}

/// Publishes an event, however long that takes: on a busy machine an answer may be late.
async fn publish(hub: &Hub, topic: &str, event: &str) -> Position {
    let key = format!("{event} {}", fastrand::u64(..));
    loop {
        if let Ok(position) = hub.publish(topic, event).key(&key).await {
            return position;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Publishes the next event of each topic.
async fn publish_to_all(hub: &Hub, published: &mut Published) {
    for topic in TOPICS {
        let answered = published.entry((topic, 0)).or_default();
        let begun = std::time::Instant::now();
        let event = format!("{topic} 0 {}", answered.len());
        let id = hub.id_of(topic, publish(hub, topic, &event).await);
        answered.push(Answered { begun, id });
    }
}

/// What a subscriber gets that has not read so far; some more events are published when it has come so
/// far.
async fn read_to_end(
    mut subscription: Subscription,
    hub: &Hub,
    published: &mut Published,
) -> Record {
    let mut reader = sse_hub_testing::reader::Reader::default();
    let mut record = Record::of(&TOPICS, false);
    let mut more = 0;
    while !record.has_ended() {
        let next = futures_util::StreamExt::next(&mut subscription);
        let Ok(piece) = timeout(Duration::from_millis(100), next).await else {
            if more < 5 {
                publish_to_all(hub, published).await;
                more += 1;
                continue;
            }
            for topic in TOPICS {
                publish(hub, topic, &format!("{topic} end")).await;
            }
            continue;
        };
        let piece = piece.expect("it goes on").expect("no error");
        for event in reader.feed(&piece) {
            record.add(&event);
        }
    }
    record
}

/// Returns the data of an encoded event.
pub(crate) fn data(event: &str) -> &str {
    let line = event.strip_prefix("data: ").expect("data");
    line.trim_end_matches('\n')
}

/// Returns the events that the server has.
pub(crate) async fn events<E: Engine>(port: u16) -> HashSet<check::Event> {
    let events = E::events(port).await;
    events
        .iter()
        .filter_map(|event| check::parse(event))
        .collect()
}

pub(crate) async fn a_wiped_engine_is_a_gap<E: Engine>(_: &str) {
    let mut server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    let load = nodes.load(Crowd::All).await;
    for _ in 0..2 {
        load.leave(Kind::LeavesEarly).await;
        load.leave(Kind::LeavesLate).await;
        E::wipe(server.port()).await;
        load.flows().await;
        load.come_back();
    }
    // And once more with its files, as by a new machine.
    server.kill();
    server.wipe();
    assert!(!E::answers(server.port()).await, "it is dead");
    server.restart().await;
    let tally = load.finish::<E>(server.port(), "wiped").await;
    assert_eq!((tally.lost, tally.doubled), (0, 0), "{tally:?}");
    assert_eq!((tally.late, tally.ids), (0, 0), "{tally:?}");
    assert!(tally.gaps > 0, "{tally:?}");
}

pub(crate) async fn while_the_engine_is_down_all_is_as_stated<E: Engine>(_: &str) {
    let mut server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    let hub = &nodes.hub(0);
    let mut open = subscribe(hub, &["a"]).await;
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
    let mut pieces = next().await;
    while !pieces.contains("data: after\nid: ") {
        pieces += &next().await;
    }
    let events: Vec<_> = pieces
        .lines()
        .filter(|line| line.starts_with("data: "))
        .collect();
    // After an error, the event may be published: it was on its way. Both may come at once.
    let may_follow = events.strip_prefix(&["data: lost"]).unwrap_or(&events);
    assert_eq!(may_follow, ["data: after"], "{pieces}");
    drop(open);
}
