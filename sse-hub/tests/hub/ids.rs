//! Ids grant nothing and say nothing: what a client gets for one that it has made up, and what it can
//! see of other topics.

use std::collections::HashSet;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Event, Hub, IdKey, Retention, Subscription, TopicOptions};
use sse_hub_testing::served::Served;

use crate::{Client, publish, subscribe};

/// A hub that keeps two events of each topic. Those called "state" have a state.
fn hub() -> Hub {
    let builder = Hub::builder().topics(|name| {
        let options = TopicOptions::new().retention(Retention::new().max_events(2));
        if name.starts_with("state") {
            options.snapshot(|| Event::new().event("state").data("x"))
        } else {
            options
        }
    });
    builder.build()
}

/// The bytes that there are now.
fn bytes(subscription: &mut Subscription) -> String {
    let mut all = Vec::new();
    while let Some(Some(piece)) = subscription.next().now_or_never() {
        all.extend_from_slice(&piece.expect("no error"));
    }
    String::from_utf8(all).expect("UTF-8")
}

/// The bytes with `ID` for each id, which are new for each client, and the ids.
fn without_ids(bytes: &str) -> (String, Vec<&str>) {
    let lines = bytes.split_inclusive('\n');
    let mut ids = Vec::new();
    let lines = lines.map(|line| match line.strip_prefix("id: ") {
        Some(id) => {
            ids.push(id.trim_end());
            "id: ID\n"
        }
        None => line,
    });
    (lines.collect(), ids)
}

/// Ids of the topics that do not resume anything on the hub, and why.
async fn refused(hub: &Hub, topics: &[&str]) -> Vec<(&'static str, String)> {
    let published = |hub: &Hub| {
        let ids = topics.iter().map(|topic| publish(hub, topic, "x"));
        ids.collect::<Vec<_>>()
    };
    let of_all = async |hub: &Hub| {
        let mut client = subscribe(hub, topics, None).await;
        client.read();
        client.id()
    };
    let expired = of_all(hub).await;
    for _ in 0..3 {
        published(hub);
    }
    let valid = of_all(hub).await;
    let mut forged = valid.clone().into_bytes();
    forged[9] = if forged[9] == b'A' { b'B' } else { b'A' };
    let elsewhere = Hub::builder().id_key(IdKey::new([1; 32])).build();
    vec![
        ("expired", expired),
        ("forged", String::from_utf8(forged).expect("ASCII")),
        ("cut", valid[..valid.len() - 1].to_owned()),
        ("of another key", of_all(&elsewhere).await),
        ("of another hub", of_all(&Hub::new()).await),
        ("empty", String::new()),
        ("too long", valid.repeat(200)),
        ("what stands for one that was too long", "\0".to_owned()),
        ("text", "42".to_owned()),
    ]
}

#[tokio::test]
async fn ids_that_are_expired_forged_or_foreign_are_answered_with_the_same_bytes() {
    let gap = r#"event: gap
data: {"gaps":[GAPS]}
id: ID

"#;
    let state = "event: state\ndata: x\nid: ID\n\n";
    for (topics, then) in [
        (&["news"][..], ""),
        (&["news", "weather"], ""),
        (&["state"], state),
    ] {
        let hub = hub();
        let gaps = topics
            .iter()
            .map(|topic| format!(r#"{{"reason":"unknown","topic":"{topic}"}}"#));
        let gaps = gaps.collect::<Vec<_>>().join(",");
        let expected = gap.replace("GAPS", &gaps) + then;
        let mut lens = HashSet::new();
        for (why, id) in refused(&hub, topics).await {
            let subscribe = || hub.subscribe(topics.to_vec()).resume(Some(&id));
            let mut subscription = subscribe().await.expect("a subscription");
            let read = bytes(&mut subscription);
            let (sent, ids) = without_ids(&read);
            assert_eq!(sent, expected, "{why}");
            lens.insert(ids.iter().map(|id| id.len()).collect::<Vec<_>>());
            // As a response's body.
            let served = Served::begun(|sse| subscribe().serve(sse));
            let served = { served }.received();
            assert_eq!(without_ids(&served).0, expected, "{why}");
            // All go on live, from the id that they were given.
            publish(&hub, topics[0], "next");
            assert!(bytes(&mut subscription).starts_with("data: next\nid: "));
            let last = ids.last().expect("an id");
            let mut back = crate::subscribe(&hub, topics, Some(last)).await;
            assert_eq!(back.data(), ["next"], "{why}");
        }
        assert_eq!(lens.len(), 1, "{lens:?}");
    }
}

#[tokio::test]
async fn whether_other_topics_publish_cannot_be_seen_from_ids() {
    let hub = hub();
    let id = publish(&hub, "mine", "1");
    // Ids of a stream's opening, of a gap and of a snapshot: for each, two with nothing published in
    // between, and one after something was.
    for (topics, from) in [
        (&["mine"][..], None),
        (&["mine"], Some("x")),
        (&["mine", "also mine"], None),
        (&["state"], None),
        (&["nobody else's"], None),
    ] {
        let mut seen = HashSet::new();
        let mut lens = HashSet::new();
        for round in 0..20 {
            if round % 5 == 4 {
                publish(&hub, "other", "x");
            }
            let mut subscription = hub.subscribe(topics.to_vec()).resume(from);
            if topics == ["mine"] && from.is_none() && round % 2 == 1 {
                // Also for one that comes back to the same event.
                subscription = subscription.resume(Some(&id));
            }
            let mut subscription = subscription.await.expect("a subscription");
            let read = bytes(&mut subscription);
            for id in without_ids(&read).1 {
                assert!(seen.insert(id.to_owned()), "{topics:?}: {id} came again");
                lens.insert(id.len());
            }
        }
        assert!(seen.len() >= 20);
        assert_eq!(lens.len(), 1, "{topics:?}: {lens:?}");
    }
}

/// In the id of an event, there is also where the client is in the other topics.
#[tokio::test]
async fn an_event_has_another_id_in_each_stream_of_several_topics() {
    let hub = hub();
    let topics = ["a", "b"];
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..3 {
        let mut client = subscribe(&hub, &topics, None).await;
        client.read();
        clients.push(client);
    }
    let position = hub.publish_now("a", "x").expect("published");
    let mut ids = HashSet::new();
    for client in &mut clients {
        assert_eq!(client.data(), ["x"]);
        assert_eq!(hub.position_of("a", &client.id()), Some(position));
        ids.insert(client.id());
    }
    assert_eq!(ids.len(), clients.len());
    // In streams of one topic, it is the one that the topic's log has.
    for _ in 0..3 {
        let mut client = subscribe(&hub, &["a"], None).await;
        let position = hub.publish_now("a", "y").expect("published");
        client.read();
        assert_eq!(client.id(), hub.id_of("a", position));
    }
}

#[tokio::test]
async fn ids_are_as_long_however_much_is_published() {
    let hub = hub();
    let lens = async || {
        let mut client = subscribe(&hub, &["mine", "also mine"], None).await;
        client.read();
        [publish(&hub, "mine", "x"), client.id()].map(|id| id.len())
    };
    let before = lens().await;
    assert_eq!(before[0], 24);
    for number in 0..20_000_u32 {
        publish(&hub, "other", "x");
        // Where numbers get longer by seven or eight bits.
        if [127, 255, 16_383].contains(&number) {
            assert_eq!(lens().await, before);
        }
    }
    assert_eq!(lens().await, before);
}

#[tokio::test]
async fn an_id_says_nothing_of_a_topic_that_it_is_not_of() {
    let hub = hub();
    let position = hub.publish_now("news", "x").expect("published");
    let id = hub.id_of("news", position);
    assert_eq!(hub.position_of("news", &id), Some(position));
    assert_eq!(hub.position_of("weather", &id), None);
    assert_eq!(Hub::new().position_of("news", &id), None);
    for text in ["", "x", "\0", "ø", &id[1..]] {
        assert_eq!(hub.position_of("news", text), None);
    }
}

/// The key of a hub without an engine may be kept: its positions are not, and so an id of an earlier run
/// is not taken for one of this run.
#[tokio::test]
async fn an_id_of_an_earlier_run_with_the_same_key_is_unknown() {
    let key = || IdKey::new([7; 32]);
    let before = Hub::builder().id_key(key()).build();
    let id = publish(&before, "news", "x");
    drop(before);
    let hub = Hub::builder().id_key(key()).build();
    publish(&hub, "news", "x");
    publish(&hub, "news", "y");
    assert_eq!(hub.position_of("news", &id), None);
    let mut client = subscribe(&hub, &["news"], Some(&id)).await;
    assert_eq!(client.read()[0].gaps(), [("news".into(), "unknown".into())]);
}
