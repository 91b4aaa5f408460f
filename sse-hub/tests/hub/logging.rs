//! What is logged through `tracing`, whose subscriber is code of the application and may use the hub.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use sse_hub::{Hub, Retention, TopicOptions};
use sse_hub_testing::log::Log;

#[test]
fn a_subscriber_of_tracing_may_use_the_hub_when_a_topic_is_evicted() {
    crate::without_deadlock(|| {
        let hub = Hub::builder()
            .topics(|_| TopicOptions::new().retention(Retention::new().max_bytes(10)))
            .build();
        let messages = Arc::new(Mutex::new(Vec::new()));
        let (user, seen) = (hub.clone(), Arc::clone(&messages));
        let log = Log::with(move |message| {
            let topics = user.metrics().topics;
            let message = (message.to_owned(), topics);
            seen.lock().expect("not poisoned").push(message);
        });
        let used = log.of(async {
            // Refused, but the topic is in use until it is next checked.
            assert!(hub.publish_now("swept", "too long").is_err());
            hub.sweep();
            assert!(hub.publish_now("replaced", "too long").is_err());
            assert!(hub.publish_now("new", "too long").is_err());
            // Nothing needs the last one when this is dropped.
            drop(hub.presence("seen").await);
        });
        used.now_or_never().expect("at once");
        let messages = std::mem::take(&mut *messages.lock().expect("not poisoned"));
        let evicted = |topics| ("DEBUG topic evicted".to_owned(), topics);
        assert_eq!(messages, [evicted(0), evicted(0), evicted(0), evicted(0)]);
    });
}
