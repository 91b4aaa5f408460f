//! The members of a topic while the engine is harmed: in the end, each node has them right.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use sse_engines::{Proxy, Server};
use sse_hub::{Hub, Presence, Subscription};
use tokio::time::{sleep, timeout};

use crate::cases::{Engine, Keeps};
use crate::hubs::{NODES, Nodes};

const TOPIC: &str = "room";

/// How long it takes at most until all nodes are right after a fault, without a node that is gone.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);

/// Joins, however often that fails.
async fn join(hub: &Hub, member: &str) -> Subscription {
    loop {
        match hub.subscribe(TOPIC).member(member).await {
            Ok(subscription) => return subscription,
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Lets members join and leave on all nodes, a step at a time.
struct Crowd {
    hubs: Vec<Hub>,
    there: Vec<(String, Subscription)>,
}

impl Crowd {
    fn new(nodes: &Nodes) -> Self {
        Self {
            hubs: (0..NODES).map(|number| nodes.hub(number)).collect(),
            there: Vec::new(),
        }
    }

    async fn step(&mut self) {
        if self.there.len() < 10 || self.there.len() < 60 && fastrand::bool() {
            let member = format!("member {}", fastrand::usize(0..40));
            let hub = &self.hubs[fastrand::usize(0..NODES)];
            self.there.push((member.clone(), join(hub, &member).await));
        } else {
            drop(self.there.swap_remove(fastrand::usize(0..self.there.len())));
        }
        sleep(Duration::from_millis(fastrand::u64(0..10))).await;
    }

    fn names(&self) -> BTreeSet<String> {
        self.there.iter().map(|(name, _)| name.clone()).collect()
    }

    async fn observers(&self) -> Vec<Presence> {
        let mut observers = Vec::new();
        for hub in &self.hubs {
            observers.push(hub.presence(TOPIC).await.expect("presence"));
        }
        observers
    }

    /// Waits until all observers have the members that there are, and each as often as it is there.
    async fn settle(&self, observers: &mut [Presence]) {
        let expected = self.names();
        for observer in observers {
            let settled = async {
                while !self.is_right(observer, &expected) {
                    observer.changed().await;
                }
            };
            let settled = timeout(SETTLED_WITHIN, settled).await;
            let seen = observer.members();
            assert!(settled.is_ok(), "{seen:?} rather than {expected:?}");
        }
    }

    fn is_right(&self, observer: &mut Presence, expected: &BTreeSet<String>) -> bool {
        let members = observer.members();
        let members: BTreeSet<_> = members.iter().map(ToString::to_string).collect();
        let times = |name: &&String| self.there.iter().filter(|(it, _)| it == *name).count();
        members == *expected
            && observer.subscribers() == self.there.len()
            && expected
                .iter()
                .all(|name| observer.times(name) == times(&name))
    }
}

pub(crate) async fn members_are_right_after_the_engine_was_killed<E: Engine>(_: &str) {
    let mut server = Server::start(E::command).await;
    let nodes = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    let mut crowd = Crowd::new(&nodes);
    let mut observers = crowd.observers().await;
    for _ in 0..2 {
        for _ in 0..100 {
            crowd.step().await;
        }
        server.kill();
        for _ in 0..20 {
            // Those that leave meanwhile cannot be told of.
            drop(crowd.there.pop());
        }
        sleep(Duration::from_millis(300)).await;
        server.restart().await;
        for _ in 0..50 {
            crowd.step().await;
        }
        crowd.settle(&mut observers).await;
    }
}

pub(crate) async fn members_are_right_after_connections_were_cut<E: Engine>(_: &str) {
    let server = Server::start(E::command).await;
    let proxy = Proxy::start(server.port()).await;
    let nodes = Nodes::start::<E>(proxy.port(), Keeps::PLENTY).await;
    let mut crowd = Crowd::new(&nodes);
    let mut observers = crowd.observers().await;
    for number in 1..=10 {
        proxy.cut_after(fastrand::i64(1..4_000));
        while proxy.cuts() < number {
            crowd.step().await;
        }
    }
    crowd.settle(&mut observers).await;
}

pub(crate) async fn a_member_is_disconnected_although_its_node_was_cut_off<E: Engine>(_: &str) {
    let server = Server::start(E::command).await;
    let proxy = Proxy::start(server.port()).await;
    let through = Nodes::start::<E>(proxy.port(), Keeps::PLENTY).await;
    let direct = Nodes::start::<E>(server.port(), Keeps::PLENTY).await;
    let mut ada = join(&through.hub(0), "Ada").await;
    ada.next().await.expect("a block").expect("no error");
    proxy.refuse(true);
    proxy.cut();
    let ended = direct.hub(0).disconnect(TOPIC, "Ada").await;
    assert_eq!(ended.expect("told"), 0);
    let waited = timeout(Duration::from_millis(300), ada.next()).await;
    assert!(waited.is_err(), "it is cut off");
    proxy.refuse(false);
    let ended = timeout(SETTLED_WITHIN, ada.next()).await.expect("it ends");
    assert!(ended.is_none());
}
