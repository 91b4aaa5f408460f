//! The members of topics, for every log.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use sse_hub::{Hub, Json, Presence, Subscription};

use crate::suite::{Engine, PLENTY, nodes};

async fn join(hub: &Hub, topic: &str, member: &str) -> Subscription {
    let subscribe = hub.subscribe(topic).member(member);
    subscribe.await.expect("a subscription")
}

/// Waits until these are the members.
async fn until_members(presence: &mut Presence, expected: &[&str]) {
    let expected: BTreeSet<_> = expected.iter().map(|name| (*name).to_owned()).collect();
    loop {
        let members = presence.members();
        let members: BTreeSet<_> = members.iter().map(ToString::to_string).collect();
        if members == expected {
            return;
        }
        presence.changed().await;
    }
}

pub(crate) async fn the_members_of_all_nodes_are_one_set<E: Engine>() {
    // As long as a name can be, and with what is special in engines and lines.
    let topic = "*.>%:{}\r\n \u{1}ø".repeat(40);
    let topic = topic.get(..512).expect("between characters");
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let ada = join(&nodes[0], topic, "Ada").await;
    let mut observers = Vec::new();
    for node in &nodes {
        observers.push(node.presence(topic).await.expect("presence"));
    }
    for observer in &mut observers {
        until_members(observer, &["Ada"]).await;
    }
    let odd = "a%0A\r\n=+ b";
    let bob = join(&nodes[1], topic, odd).await;
    let again = join(&nodes[2], topic, "Ada").await;
    drop(ada);
    for observer in &mut observers {
        until_members(observer, &["Ada", odd]).await;
    }
    drop((bob, again));
    for observer in &mut observers {
        until_members(observer, &[]).await;
    }
}

pub(crate) async fn a_member_is_disconnected_on_all_nodes<E: Engine>() {
    let engine = E::start(PLENTY).await;
    let nodes = nodes(&engine).await;
    let user = Json((7, "Ada"));
    let mut ada = Vec::new();
    for node in &nodes {
        let subscribe = node.subscribe("room").member(user);
        ada.push(subscribe.await.expect("a subscription"));
    }
    let mut bob = join(&nodes[1], "room", "Bob").await;
    let ended = nodes[0].disconnect("room", user).await;
    assert!(ended.expect("told") >= 1);
    for ada in &mut ada {
        while ada.next().await.is_some() {}
    }
    bob.next().await.expect("a block").expect("no error");
    nodes[2].publish("room", "on").await.expect("published");
    bob.next().await.expect("an event").expect("no error");
}
