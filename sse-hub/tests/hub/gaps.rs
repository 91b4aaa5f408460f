//! Gaps: for clients that come too late, are too slow, or have an unknown id.

use std::time::Duration;

use sse_hub::{Hub, Retention, SlowConsumer, TopicOptions};

use crate::{Client, publish, subscribe};
use sse_hub_testing::reader::Event as Read;

#[tokio::test]
async fn a_topic_that_was_evicted_with_history_is_a_gap_for_clients_that_missed_it() {
    tokio::time::pause();
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    let before = client.id();
    let missed = publish(&hub, "news", "missed");
    drop(client);
    tokio::time::advance(Retention::DEFAULT_MAX_AGE).await;
    hub.sweep();
    assert_eq!(hub.metrics().topics, 0);

    let mut client = subscribe(&hub, &["news"], Some(&before)).await;
    assert_eq!(client.read()[0].gaps(), [("news".into(), "unknown".into())]);
    // A client that had got it has missed nothing.
    let mut client = subscribe(&hub, &["news"], Some(&missed)).await;
    assert_eq!(client.read(), []);
}

#[tokio::test]
async fn ids_that_are_not_known_here_are_gaps() {
    let hub = Hub::new();
    let true_id = publish(&hub, "news", "one");
    let elsewhere = publish(&Hub::new(), "news", "one");
    let mut damaged = true_id.clone().into_bytes();
    damaged[3] ^= 1;
    let damaged = String::from_utf8(damaged).expect("ASCII");
    for id in [
        "",
        "x",
        "42",
        "ø\u{1f}",
        &damaged,
        &true_id[1..],
        &elsewhere,
    ] {
        let mut client = subscribe(&hub, &["news"], Some(id)).await;
        let gap = client.read();
        assert_eq!(gap.len(), 1, "{id:?}");
        assert_eq!(gap[0].gaps(), [("news".into(), "unknown".into())], "{id:?}");
        // It continues live, with a valid id.
        publish(&hub, "news", "next");
        assert_eq!(client.data(), ["next"], "{id:?}");
        let mut again = subscribe(&hub, &["news"], Some(&gap[0].id)).await;
        assert_eq!(again.data(), ["next"], "{id:?}");
    }
}

#[tokio::test]
async fn a_client_that_comes_back_too_late_gets_a_gap_and_continues_live() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().retention(Retention::new().max_events(2)))
        .build();
    let old = publish(&hub, "news", "1");
    let mut ids = vec![];
    for n in 2..=4 {
        ids.push(publish(&hub, "news", &n.to_string()));
    }
    let mut client = subscribe(&hub, &["news"], Some(&old)).await;
    let gap = client.read();
    assert_eq!(gap.len(), 1);
    assert_eq!(gap[0].gaps(), [("news".into(), "unknown".into())]);
    assert_eq!(gap[0].id, client.id());
    publish(&hub, "news", "5");
    assert_eq!(client.data(), ["5"]);
    // The event after this one is the oldest that is kept: just in time.
    let mut client = subscribe(&hub, &["news"], Some(&ids[1])).await;
    assert_eq!(client.data(), ["4", "5"]);
}

#[tokio::test]
async fn a_slow_subscriber_gets_a_gap_with_what_it_missed_and_then_what_is_kept() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().retention(Retention::new().max_events(3)))
        .build();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    for n in 0..10 {
        publish(&hub, "news", &n.to_string());
    }
    assert_eq!(hub.topic_metrics("news").expect("metrics").lag, 10);
    let events = client.read();
    let gap = &events[0];
    assert_eq!(gap.gaps(), [("news".into(), "slow".into())]);
    assert_eq!(gap.missed(), Some(7));
    let data = |events: &[Read]| -> Vec<String> {
        events.iter().map(|event| event.data.clone()).collect()
    };
    assert_eq!(data(&events[1..]), ["7", "8", "9"]);
    // A client that is cut off right after the gap misses nothing else.
    let mut back = subscribe(&hub, &["news"], Some(&gap.id)).await;
    assert_eq!(back.data(), ["7", "8", "9"]);
    drop(back);
    publish(&hub, "news", "next");
    assert_eq!(client.data(), ["next"]);
    let metrics = hub.topic_metrics("news").expect("metrics");
    assert_eq!((metrics.gaps, metrics.lag, metrics.delivered), (1, 0, 7));
}

#[tokio::test]
async fn the_last_event_of_a_burst_is_seen_however_little_is_kept() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().retention(Retention::new().max_events(1)))
        .build();
    let topics = ["price", "volume"];
    let mut one = subscribe(&hub, &topics[..1], None).await;
    let mut both = subscribe(&hub, &topics, None).await;
    one.read();
    both.read();
    for number in 1..=1_000 {
        for topic in topics {
            publish(&hub, topic, &format!("{topic} {number}"));
        }
    }
    for (client, topics) in [(&mut one, &topics[..1]), (&mut both, &topics[..])] {
        let events = client.read();
        assert_eq!(events.len(), 2 * topics.len());
        let (gaps, last): (Vec<_>, Vec<_>) = events.iter().partition(|event| event.name == "gap");
        for gap in gaps {
            assert_eq!(gap.missed(), Some(999));
        }
        for topic in topics {
            let data = format!("{topic} 1000");
            assert!(last.iter().any(|event| event.data == data), "{last:?}");
        }
    }
}

#[tokio::test]
async fn a_slow_subscriber_can_be_disconnected_and_gets_the_gap_when_it_comes_back() {
    let hub = Hub::builder()
        .topics(|_| TopicOptions::new().retention(Retention::new().max_events(3)))
        .build();
    let subscription = hub
        .subscribe(["news"])
        .slow_consumer(SlowConsumer::Disconnect)
        .await
        .expect("a subscription");
    let mut client = Client::new(subscription);
    client.read();
    for n in 0..10 {
        publish(&hub, "news", &n.to_string());
    }
    assert_eq!(client.read(), []);
    assert!(client.ended);
    let mut client = subscribe(&hub, &["news"], Some(&client.id())).await;
    assert_eq!(client.read()[0].gaps(), [("news".into(), "unknown".into())]);
}

#[tokio::test]
async fn a_subscriber_that_is_up_to_date_gets_each_event_however_little_is_kept() {
    tokio::time::pause();
    for retention in [
        Retention::new().max_events(0),
        Retention::new().max_age(Duration::ZERO),
        Retention::new().max_age(Duration::from_micros(999)),
    ] {
        let hub = Hub::builder()
            .topics(move |_| TopicOptions::new().retention(retention))
            .build();
        let mut client = subscribe(&hub, &["news"], None).await;
        for number in ["one", "two"] {
            publish(&hub, "news", number);
            assert_eq!(client.data(), [number], "{retention:?}");
        }
    }
}
