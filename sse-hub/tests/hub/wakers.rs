//! Wakers are code of the caller, and may use the hub: none is called under a lock.

use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};

use futures_util::{FutureExt as _, Stream, StreamExt as _};
use sse_hub::{Event, Hub, Presence, TopicOptions};

use crate::without_deadlock;

/// A waker that does something with a hub.
struct Uses<F: Fn() + Send + Sync + 'static>(F);

impl<F: Fn() + Send + Sync + 'static> Wake for Uses<F> {
    fn wake(self: Arc<Self>) {
        self.0();
    }
}

/// Polls the stream, which has nothing yet, with a waker that calls `on_wake`.
fn wait(stream: Pin<&mut impl Stream>, on_wake: impl Fn() + Send + Sync + 'static) {
    let waker = Waker::from(Arc::new(Uses(on_wake)));
    let polled = stream.poll_next(&mut Context::from_waker(&waker));
    assert!(polled.is_pending(), "nothing yet");
}

#[test]
fn a_waker_of_a_watcher_may_use_the_topic() {
    without_deadlock(|| {
        let hub = Hub::new();
        let (woken, wakes) = mpsc::channel();
        let presence = hub.presence("room").now_or_never();
        let mut presence = pin!(presence.expect("at once").expect("presence"));
        let wait = |presence: Pin<&mut Presence>| {
            let (user, woken) = (hub.clone(), woken.clone());
            wait(presence, move || {
                woken.send(user.subscribers("room")).expect("a receiver");
            });
        };
        for _ in 0..2 {
            wait(presence.as_mut());
            let joined = hub.subscribe(["room"]).into_future().now_or_never();
            let joined = joined.expect("at once").expect("a subscription");
            assert_eq!(wakes.try_recv(), Ok(1));
            assert!(presence.next().now_or_never().is_some());

            wait(presence.as_mut());
            drop(joined);
            assert_eq!(wakes.try_recv(), Ok(0));
            assert!(presence.next().now_or_never().is_some());
        }
        assert!(wakes.try_recv().is_err(), "woken once for each change");
    });
}

#[test]
fn a_waker_that_publish_with_calls_may_take_a_snapshot_and_publish_with_the_hub() {
    without_deadlock(|| {
        let hub = Hub::builder()
            .topics(|_| TopicOptions::new().snapshot(|| Event::new().data("state")))
            .build();
        let subscribe = |hub: &Hub| {
            let subscription = hub.subscribe(["list"]).into_future().now_or_never();
            let mut subscription = subscription.expect("at once").expect("a subscription");
            // What there is until it waits: the snapshot.
            let mut pieces = 0;
            while subscription.next().now_or_never().is_some() {
                pieces += 1;
            }
            assert!(pieces > 0);
            subscription
        };
        let (woken, wakes) = mpsc::channel();
        let mut waiting = pin!(subscribe(&hub));
        let user = hub.clone();
        wait(waiting.as_mut(), move || {
            let fresh = subscribe(&user);
            user.publish_with("list", || "inner").expect("published");
            woken.send(fresh.id()).expect("a receiver");
        });
        hub.publish_with("list", || "outer").expect("published");
        assert!(wakes.try_recv().is_ok());
        assert_eq!(hub.metrics().published, 2);
    });
}
