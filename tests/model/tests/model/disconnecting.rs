//! Members that are disconnected while they are served, in all interleavings.

use std::sync::Arc;
use std::task::Waker;

use loom::thread;
use sse_hub_model::{Hub, Subscription};

use crate::hub::{TOPIC, poll, publish, read_to_end};
use crate::task::{Task, block_on, check};

/// A subscription of a member that has yielded the block that each begins with.
fn subscribe(hub: &Hub) -> Subscription {
    let subscription = hub.subscribe(TOPIC).member("Ada").into_future();
    let mut subscription = block_on(subscription).expect("an open hub");
    assert!(poll(&mut subscription, Waker::noop()).is_some_and(|opening| opening.is_empty()));
    subscription
}

fn disconnect(hub: &Hub) -> usize {
    block_on(hub.disconnect(TOPIC, "Ada")).expect("no engine")
}

#[test]
fn a_member_that_is_disconnected_ends_whether_it_waits_or_not() {
    check(&["a task sleeps", "disconnected before it waits"], || {
        let hub = Hub::new();
        let subscription = subscribe(&hub);
        let other = hub.clone();
        let disconnecting = thread::spawn(move || assert_eq!(disconnect(&other), 1));
        assert!(read_to_end(subscription).is_empty());
        disconnecting.join().expect("no panic");
    });
}

#[test]
fn a_member_ends_in_the_task_that_has_polled_last() {
    check(&["a task sleeps"], || {
        let hub = Hub::new();
        let mut subscription = subscribe(&hub);
        let first = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&first));
        assert_eq!(poll(&mut subscription, &waker), None);
        let other = hub.clone();
        let disconnecting = thread::spawn(move || disconnect(&other));
        assert!(read_to_end(subscription).is_empty());
        drop(waker);
        assert_eq!(disconnecting.join().expect("no panic"), 1);
        assert_eq!(Arc::strong_count(&first), 1);
    });
}

#[test]
fn a_member_gets_events_until_it_is_disconnected() {
    check(&["a task sleeps"], || {
        let hub = Hub::new();
        let subscription = subscribe(&hub);
        let other = hub.clone();
        let publisher = thread::spawn(move || {
            publish(&other, "a");
            disconnect(&other)
        });
        let all = read_to_end(subscription);
        assert!(all.is_empty() || all == ["a"]);
        assert_eq!(publisher.join().expect("no panic"), 1);
    });
}
