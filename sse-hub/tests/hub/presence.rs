//! The subscribers of a topic.

use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _};
use sse_hub::{Change, Hub};

#[tokio::test]
async fn presence_counts_names_and_tells() {
    let hub = Hub::new();
    let ada = hub
        .subscribe(["room"])
        .member("Ada")
        .await
        .expect("a subscription");
    let mut presence = hub.presence("room").await.expect("presence");
    assert_eq!(presence.subscribers(), 1);
    assert_eq!(presence.members(), [Arc::from("Ada")]);
    assert_eq!(presence.next().now_or_never(), None);

    let anonymous = hub
        .subscribe(["room", "other"])
        .await
        .expect("a subscription");
    // A connection that has dropped and the one that takes its place, at the same time.
    let again = hub
        .subscribe(["room"])
        .member("Ada")
        .await
        .expect("a subscription");
    drop(ada);
    drop(again);
    drop(anonymous);
    let joined = |member: Option<&str>, times, subscribers| Change::Joined {
        member: member.map(Arc::from),
        times,
        subscribers,
    };
    let left = |member: Option<&str>, times, subscribers| Change::Left {
        member: member.map(Arc::from),
        times,
        subscribers,
    };
    let changes = [
        joined(None, 0, 2),
        joined(Some("Ada"), 2, 3),
        left(Some("Ada"), 1, 2),
        left(Some("Ada"), 0, 1),
        left(None, 0, 0),
    ];
    for change in changes {
        assert_eq!(presence.next().await, Some(change));
    }
    assert_eq!(hub.metrics().topics, 1);
    drop(presence);
    assert_eq!(hub.metrics().topics, 0);
}

#[tokio::test]
async fn a_slow_watcher_gets_the_number_of_changes_that_it_missed() {
    let hub = Hub::new();
    let mut presence = hub.presence("room").await.expect("presence");
    for _ in 0..200 {
        drop(hub.subscribe(["room"]).await);
    }
    assert_eq!(presence.next().await, Some(Change::Missed(400 - 256)));
}
