//! Idempotency keys: what was published with one is not published again.

use std::time::Duration;

use sse_hub::{Hub, PublishError, Retention, TopicOptions};

use crate::subscribe;

#[tokio::test]
async fn an_event_with_a_known_key_is_not_published_again() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["a"], None).await;
    let first = hub.publish("a", "first").key("1").await.expect("published");
    let again = hub.publish("a", "again").key("1").now().expect("published");
    let other = hub.publish("a", "other").key("2").await.expect("published");
    assert_eq!(first, again);
    assert!(other > first);
    hub.publish("b", "first").key("1").await.expect("published");
    assert_eq!(client.data(), ["first", "other"]);
    assert_eq!(hub.metrics().published, 3);
}

#[tokio::test]
async fn a_key_is_between_1_and_128_bytes_long() {
    let hub = Hub::new();
    for (len, is_right) in [(0, false), (1, true), (128, true), (129, false)] {
        let key = "k".repeat(len);
        match hub.publish("a", "x").key(&key).await {
            Ok(_) => assert!(is_right),
            Err(PublishError::Key { len: actual, limit }) => {
                assert!(!is_right);
                assert_eq!((actual, limit), (len, 128));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_remembered_for_two_minutes_even_if_the_event_is_not() {
    let retention = Retention::new().max_age(Duration::from_secs(1));
    let hub = Hub::builder()
        .topics(move |_| TopicOptions::new().retention(retention))
        .build();
    let first = hub.publish("a", "x").key("1").await.expect("published");
    tokio::time::advance(Duration::from_secs(119)).await;
    hub.sweep();
    let again = hub.publish("a", "x").key("1").await.expect("published");
    assert_eq!(first, again);
    tokio::time::advance(Duration::from_secs(1)).await;
    hub.sweep();
    assert!(hub.topic_metrics("a").is_none(), "evicted");
    let later = hub.publish("a", "x").key("1").await.expect("published");
    assert!(later > first);
}
