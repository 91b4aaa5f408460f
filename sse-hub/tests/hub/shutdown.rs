//! How streams end.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Hub, PublishError, SubscribeError};

use crate::{publish, subscribe};

#[tokio::test]
async fn at_shutdown_streams_end_after_what_was_published() {
    let hub = Hub::new();
    let mut waiting = subscribe(&hub, &["news"], None).await;
    let mut several = subscribe(&hub, &["news", "weather"], None).await;
    publish(&hub, "news", "last");
    let retry = Duration::from_secs(2)..=Duration::from_secs(4);
    let clients = async {
        for client in [&mut waiting, &mut several] {
            let mut data = Vec::new();
            while let Some(bytes) = client.subscription.next().await {
                let events = client.reader.feed(&bytes.expect("no error"));
                data.extend(events.into_iter().map(|event| event.data));
            }
            assert_eq!(data, ["last"]);
            let retry = client.reader.retry.expect("a reconnection time");
            assert!((2000..=4000).contains(&retry), "{retry}");
        }
    };
    let shutdown = hub.shutdown(Duration::from_secs(10), retry);
    tokio::pin!(shutdown);
    assert!((&mut shutdown).now_or_never().is_none());
    clients.await;
    drop((waiting, several));
    assert_eq!(shutdown.await, 0);

    let refused = hub.publish("news", "x").await;
    assert!(matches!(refused, Err(PublishError::Shutdown)));
    let refused = hub.subscribe(["news"]).await;
    assert!(matches!(refused, Err(SubscribeError::Shutdown)));
}

#[tokio::test]
async fn an_overdue_stream_ends_with_events_undelivered() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    publish(&hub, "news", "never seen");
    let retry = Duration::from_secs(1)..=Duration::from_secs(1);
    assert_eq!(hub.shutdown(Duration::ZERO, retry).await, 1);
    assert_eq!(client.read(), []);
    assert!(client.ended);
    assert_eq!(client.reader.retry, Some(1000));
}

/// The process may have been stopped meanwhile, and the client may have made room.
#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_unseen_leaves_a_moment_to_deliver() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    publish(&hub, "news", "delivered");
    let within = Duration::from_secs(5);
    let retry = Duration::from_secs(1)..=Duration::from_secs(1);
    let mut shutdown = Box::pin(hub.shutdown(within, retry.clone()));
    assert!(shutdown.as_mut().now_or_never().is_none());
    tokio::time::advance(10 * within).await;
    assert_eq!(client.data(), ["delivered"]);
    assert!(client.ended);
    drop(client);
    assert_eq!(shutdown.await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_after_the_deadline_and_that_moment_is_not_delivered() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    client.read();
    publish(&hub, "news", "never seen");
    let retry = Duration::from_secs(1)..=Duration::from_secs(1);
    assert_eq!(hub.shutdown(Duration::from_secs(5), retry).await, 1);
    assert_eq!(client.read(), []);
    assert!(client.ended);
}

#[tokio::test]
async fn streams_end_with_the_last_handle_of_the_hub() {
    let hub = Hub::new();
    let mut client = subscribe(&hub, &["news"], None).await;
    let clone = hub.clone();
    publish(&hub, "news", "one");
    drop(hub);
    publish(&clone, "news", "two");
    drop(clone);
    assert_eq!(client.data(), ["one", "two"]);
    assert!(client.ended);
    assert_eq!(client.reader.retry, None);
}

#[tokio::test]
async fn a_shutdown_wakes_the_subscribers_of_all_topics_of_a_large_hub() {
    let hub = Hub::new();
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..1_000 {
        let mut client = subscribe(&hub, &[&number.to_string()], None).await;
        clients.spawn(async move { while client.subscription.next().await.is_some() {} });
    }
    tokio::task::yield_now().await;
    let retry = Duration::ZERO..=Duration::ZERO;
    assert_eq!(hub.shutdown(Duration::from_secs(60), retry).await, 0);
    while let Some(client) = clients.join_next().await {
        client.expect("it has ended");
    }
}
