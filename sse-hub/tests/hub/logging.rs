//! What is logged through `tracing`, whose subscriber is code of the application and may use the hub.

use std::fmt;
use std::sync::{Arc, Mutex};

use sse_hub::{Hub, Retention, TopicOptions};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// A subscriber that passes each message to a function.
struct OnMessage<F>(F);

impl<F: Fn(Level, String) + 'static> Subscriber for OnMessage<F> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sse_hub")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        (self.0)(*event.metadata().level(), message.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[test]
fn a_subscriber_of_tracing_may_use_the_hub_when_a_topic_is_evicted() {
    crate::without_deadlock(|| {
        let hub = Hub::builder()
            .topics(|_| TopicOptions::new().retention(Retention::new().max_bytes(10)))
            .build();
        let messages = Arc::new(Mutex::new(Vec::new()));
        let (user, log) = (hub.clone(), Arc::clone(&messages));
        let subscriber = OnMessage(move |level, message| {
            let topics = user.metrics().topics;
            log.lock()
                .expect("not poisoned")
                .push((level, message, topics));
        });
        tracing::subscriber::with_default(subscriber, || {
            // Refused, but the topic is in use until it is next checked.
            assert!(hub.publish_now("swept", "too long").is_err());
            hub.sweep();
            assert!(hub.publish_now("replaced", "too long").is_err());
            assert!(hub.publish_now("new", "too long").is_err());
            // The last one needs it no longer.
            drop(futures_util::FutureExt::now_or_never(hub.presence("seen")));
        });
        let messages = std::mem::take(&mut *messages.lock().expect("not poisoned"));
        let evicted = |topics| (Level::DEBUG, "topic evicted".to_owned(), topics);
        assert_eq!(messages, [evicted(0), evicted(1), evicted(1), evicted(0)]);
    });
}
