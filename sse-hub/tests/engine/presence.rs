//! The members of topics on several nodes, and their disconnection.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Change, Hub, OpenError, Presence, Subscription, TopicError};
use sse_hub_testing::engine::MemoryEngine;
use tokio::time::{Instant, timeout};

use crate::within_bounds;

/// Longer than other nodes take to tell a change, and shorter than what is measured in beats.
const SOON: Duration = Duration::from_secs(2);

async fn join(hub: &Hub, topic: &str, member: &str) -> Subscription {
    let subscribe = hub.subscribe(topic).member(member);
    subscribe.await.expect("a subscription")
}

fn names(presence: &mut Presence) -> BTreeSet<String> {
    let members = presence.members();
    members.iter().map(ToString::to_string).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Waits until these are the members, which must be so within a time.
async fn until_members(presence: &mut Presence, expected: &[&str], limit: Duration) {
    let expected = set(expected);
    let changed = async {
        while names(presence) != expected {
            presence.changed().await;
        }
    };
    if timeout(limit, changed).await.is_err() {
        panic!("{:?} rather than {expected:?}", names(presence));
    }
}

#[tokio::test(start_paused = true)]
async fn the_members_of_all_nodes_are_one_set() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node(), engine.node()];
    let _driven = engine.drive();
    let _ada = join(&nodes[0], "room", "Ada").await;
    let bob = join(&nodes[1], "room", "Bob").await;
    let _elsewhere = join(&nodes[1], "other", "Eve").await;

    let mut presence = nodes[0].presence("room").await.expect("presence");
    assert_eq!(names(&mut presence), set(&["Ada"]));
    until_members(&mut presence, &["Ada", "Bob"], SOON).await;

    // Also one of a node that had none.
    let _eve = join(&nodes[2], "room", "Eve").await;
    let also_ada = join(&nodes[2], "room", "Ada").await;
    let _anonymous = nodes[1].subscribe("room").await.expect("a subscription");
    until_members(&mut presence, &["Ada", "Bob", "Eve"], SOON).await;
    tokio::time::sleep(SOON).await;
    assert_eq!(presence.times("Ada"), 2);
    assert_eq!(presence.subscribers(), 5);

    // On each node.
    let mut second = nodes[2].presence("room").await.expect("presence");
    until_members(&mut second, &["Ada", "Bob", "Eve"], SOON).await;

    drop(bob);
    for presence in [&mut presence, &mut second] {
        until_members(presence, &["Ada", "Eve"], SOON).await;
    }
    drop(also_ada);
    tokio::time::sleep(SOON).await;
    assert_eq!((presence.times("Ada"), presence.subscribers()), (1, 3));
    assert_eq!((second.times("Ada"), second.subscribers()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn the_changes_of_other_nodes_are_in_the_stream() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut presence = nodes[0].presence("room").await.expect("presence");
    let ada = join(&nodes[1], "room", "Ada").await;
    let joined = Change::Joined {
        member: Some("Ada".into()),
        times: 1,
        subscribers: 1,
    };
    assert_eq!(timeout(SOON, presence.next()).await, Ok(Some(joined)));
    let here = join(&nodes[0], "room", "Ada").await;
    let joined = Change::Joined {
        member: Some("Ada".into()),
        times: 2,
        subscribers: 2,
    };
    assert_eq!(presence.next().now_or_never(), Some(Some(joined)));
    drop(here);
    drop(ada);
    let left = |times| Change::Left {
        member: Some("Ada".into()),
        times,
        subscribers: times,
    };
    assert_eq!(presence.next().now_or_never(), Some(Some(left(1))));
    assert_eq!(timeout(SOON, presence.next()).await, Ok(Some(left(0))));
}

#[tokio::test(start_paused = true)]
async fn the_members_of_a_killed_node_leave_within_a_bound_and_no_others() {
    let engine = Arc::new(MemoryEngine::default());
    let (watching, killed, other) = (engine.node(), engine.node(), engine.node());
    let driver = engine.take_driver();
    let mut killed_driver = tokio::spawn(engine.take_driver());
    let _driven = engine.drive();
    let _other = tokio::spawn(driver);
    let _ada = join(&killed, "room", "Ada").await;
    let _bob = join(&other, "room", "Bob").await;
    let mut presence = watching.presence("room").await.expect("presence");
    until_members(&mut presence, &["Ada", "Bob"], SOON).await;

    // It is not dropped: nothing of it ends in order.
    let killed_at = Instant::now();
    freeze(&mut killed_driver).await;
    until_members(&mut presence, &["Bob"], Duration::from_secs(26)).await;
    assert!(killed_at.elapsed() > Duration::from_secs(10));
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(names(&mut presence), set(&["Bob"]));
}

/// Ends a task; what it owns is dropped, after which its hub tells nobody anything.
async fn freeze(task: &mut tokio::task::JoinHandle<()>) {
    task.abort();
    let _ = task.await;
}

#[tokio::test(start_paused = true)]
async fn the_members_of_a_node_that_shuts_down_leave_at_once() {
    let engine = Arc::new(MemoryEngine::default());
    let (watching, ending) = (engine.node(), engine.node());
    let mut driven = engine.drive();
    let ada = join(&ending, "room", "Ada").await;
    let mut presence = watching.presence("room").await.expect("presence");
    until_members(&mut presence, &["Ada"], SOON).await;
    drop(ada);
    let retry = Duration::from_secs(1)..=Duration::from_secs(2);
    assert_eq!(ending.shutdown(SOON, retry).await, 0);
    within_bounds(async {
        driven
            .join_next()
            .await
            .expect("its driver")
            .expect("no panic");
    })
    .await;
    until_members(&mut presence, &[], Duration::from_millis(10)).await;
}

#[tokio::test(start_paused = true)]
async fn while_the_engine_is_down_the_members_stay_and_after_that_they_are_right() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let ada = join(&nodes[1], "room", "Ada").await;
    let mut presence = nodes[0].presence("room").await.expect("presence");
    until_members(&mut presence, &["Ada"], SOON).await;

    engine.down.store(true, Ordering::Relaxed);
    drop(ada);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(names(&mut presence), set(&["Ada"]));
    engine.down.store(false, Ordering::Relaxed);
    until_members(&mut presence, &[], SOON).await;
    let _bob = join(&nodes[1], "room", "Bob").await;
    until_members(&mut presence, &["Bob"], SOON).await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_members_are_told_in_a_few_messages() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut members = Vec::new();
    for number in 0..10_000 {
        members.push(join(&nodes[1], "room", &format!("member {number}")).await);
    }
    let mut presence = nodes[0].presence("room").await.expect("presence");
    let all = async {
        while presence.members().len() < 10_000 {
            presence.changed().await;
        }
    };
    timeout(SOON, all).await.expect("all of them");
    assert_eq!(presence.subscribers(), 10_000);
    let before = engine.len("\u{1}members:room");
    assert!(before < 20, "{before} messages");
    // Those that leave together are told together.
    members.truncate(5_000);
    let rest = async {
        while presence.members().len() > 5_000 {
            presence.changed().await;
        }
    };
    timeout(SOON, rest).await.expect("the others");
    let sent = engine.len("\u{1}members:room") - before;
    assert!(sent < 10, "{sent} messages");
    drop(members);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_not_watched_costs_nothing() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let is_own = |name: &String| name.starts_with('\u{1}');
    let own = || engine.names().iter().filter(|name| is_own(name)).count();
    let anonymous = nodes[0].subscribe("room").await.expect("a subscription");
    assert_eq!(own(), 0);
    let ada = join(&nodes[0], "room", "Ada").await;
    assert_eq!(own(), 1, "the one of all nodes");

    let mut presence = nodes[1].presence("room").await.expect("presence");
    until_members(&mut presence, &["Ada"], SOON).await;
    assert_eq!(own(), 2);
    drop(presence);
    // No other node says that it watches it.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let said = || [engine.len("\u{1}nodes"), engine.len("\u{1}members:room")];
    let before = said();
    drop((ada, anonymous));
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(said(), before);
    assert_eq!(nodes[0].metrics().published, 0);
    assert_eq!(nodes[1].metrics().topics, 0);
}

#[tokio::test(start_paused = true)]
async fn a_presence_that_begins_anew_knows_all_members() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let _ada = join(&nodes[1], "room", "Ada").await;
    for _ in 0..3 {
        let mut first = nodes[0].presence("room").await.expect("presence");
        let mut second = nodes[0].presence("room").await.expect("presence");
        until_members(&mut first, &["Ada"], SOON).await;
        drop(first);
        until_members(&mut second, &["Ada"], SOON).await;
        drop(second);
    }
}

#[tokio::test(start_paused = true)]
async fn live_messages_that_are_lost_or_late_change_nothing() {
    let engine = Arc::new(MemoryEngine::default());
    engine.faults.enabled.store(true, Ordering::Relaxed);
    let nodes = [engine.node(), engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut presence = nodes[0].presence("room").await.expect("presence");
    let mut here: Vec<(usize, Subscription)> = Vec::new();
    for number in 0..400 {
        if fastrand::bool() || here.is_empty() {
            let node = &nodes[fastrand::usize(0..nodes.len())];
            let name = number % 50;
            here.push((name, join(node, "room", &format!("{name}")).await));
        } else {
            drop(here.swap_remove(fastrand::usize(0..here.len())));
        }
        if number % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(1..300))).await;
        }
    }
    // What is lost last is found with the next message: a beat, or a change.
    let names: BTreeSet<String> = here.iter().map(|(name, _)| name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    engine.faults.enabled.store(false, Ordering::Relaxed);
    let _last = join(&nodes[1], "room", "last").await;
    let _also = join(&nodes[2], "room", "last").await;
    let expected = [&names[..], &["last"]].concat();
    until_members(&mut presence, &expected, SOON).await;
    // The second of those may come after the first.
    tokio::time::sleep(SOON).await;
    assert_eq!(presence.subscribers(), here.len() + 2);
}

#[tokio::test(start_paused = true)]
async fn a_member_is_disconnected_on_all_nodes() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut ada = [
        join(&nodes[0], "room", "Ada").await,
        join(&nodes[1], "room", "Ada").await,
        join(&nodes[2], "room", "Ada").await,
    ];
    let mut bob = join(&nodes[1], "room", "Bob").await;
    assert_eq!(nodes[0].disconnect("room", "Ada").await.expect("told"), 1);
    for ada in &mut ada {
        let ended = async { while ada.next().await.is_some() {} };
        timeout(SOON, ended).await.expect("it has ended");
    }
    bob.next().await;
    assert!(bob.next().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_cut_off_disconnects_when_it_is_back() {
    let engine = Arc::new(MemoryEngine::default());
    let nodes = [engine.node(), engine.node()];
    let _driven = engine.drive();
    let mut ada = join(&nodes[1], "room", "Ada").await;
    ada.next().await;
    // No live entries arrive, until the interruption is seen.
    engine.mute.store(true, Ordering::Relaxed);
    assert_eq!(nodes[0].disconnect("room", "Ada").await.expect("told"), 0);
    tokio::time::sleep(SOON).await;
    assert!(ada.next().now_or_never().is_none());
    engine.mute.store(false, Ordering::Relaxed);
    engine.interrupt();
    let ended = timeout(SOON, ada.next()).await.expect("at once");
    assert!(ended.is_none());
}

#[tokio::test]
async fn a_disconnection_that_others_do_not_hear_is_an_error() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    let mut ada = join(&node, "room", "Ada").await;
    ada.next().await;
    engine.down.store(true, Ordering::Relaxed);
    assert!(node.disconnect("room", "Ada").await.is_err());
    assert!(ada.next().await.is_none(), "those here have ended");
    // The first one with a name, of a node that does not hear the others.
    let other = engine.node();
    let refused = other.subscribe("room").member("Ada").await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn no_application_uses_the_topics_of_nodes() {
    let engine = Arc::new(MemoryEngine::default());
    let node = engine.node();
    let _driven = engine.drive();
    for name in ["\u{1}nodes", "\u{1}members:room", "\u{1}"] {
        let reserved = OpenError::Topic(TopicError::Reserved).to_string();
        let refused = node.presence(name).await.expect_err("reserved");
        assert_eq!(refused.to_string(), reserved);
        assert!(node.subscribe(name).await.is_err());
        assert!(node.publish(name, "x").await.is_err());
        assert!(node.finish(name, "x").await.is_err());
        assert!(Hub::new().publish(name, "x").await.is_err());
        assert!(Hub::new().subscribe(["a", name]).await.is_err());
    }
    assert!(engine.names().is_empty());
}
