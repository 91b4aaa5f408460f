//! What is recorded through the facade `metrics`.

#![cfg(feature = "metrics")]

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt as _, StreamExt as _};
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use sse_hub::Hub;
use sse_hub_testing::served::Served;

/// Keeps a number for each name: the count, or what was recorded last.
#[derive(Default)]
struct Numbers {
    all: Mutex<HashMap<String, Arc<AtomicU64>>>,
    /// The next histogram that is asked for panics.
    panics: AtomicBool,
    /// Each counter and each gauge that is asked for panics.
    all_others_panic: AtomicBool,
}

impl Numbers {
    fn of(&self, key: &Key) -> Arc<AtomicU64> {
        let mut numbers = self.all.lock().expect("not poisoned");
        Arc::clone(numbers.entry(key.name().to_owned()).or_default())
    }

    fn get(&self, name: &str) -> u64 {
        self.all.lock().expect("not poisoned")[name].load(Ordering::Relaxed)
    }
}

struct Last(Arc<AtomicU64>);

impl HistogramFn for Last {
    fn record(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }
}

impl Recorder for Numbers {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        assert!(!self.all_others_panic.load(Ordering::Relaxed), "counter");
        Counter::from_arc(self.of(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        assert!(!self.all_others_panic.load(Ordering::Relaxed), "gauge");
        Gauge::from_arc(self.of(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        assert!(
            !self.panics.swap(false, Ordering::Relaxed),
            "as was asked for"
        );
        Histogram::from_arc(Arc::new(Last(self.of(key))))
    }
}

#[test]
fn what_happens_is_recorded_through_the_facade() {
    let numbers = Numbers::default();
    metrics::with_local_recorder(&numbers, || {
        let hub = Hub::new();
        let subscribe = || {
            let subscribe = hub.subscribe(["news"]).resume(Some("invalid"));
            let subscription = subscribe.into_future().now_or_never();
            subscription.expect("at once").expect("a subscription")
        };
        let mut subscription = subscribe();
        let other = subscribe();
        for _ in 0..3 {
            hub.publish_now("news", "x").expect("published");
        }
        while subscription.next().now_or_never().is_some() {}
        drop(other);
    });
    assert_eq!(numbers.get("sse_hub_published_total"), 3);
    assert_eq!(numbers.get("sse_hub_delivered_total"), 3);
    assert_eq!(numbers.get("sse_hub_gaps_total"), 2);
    // The subscription that was left ended with the closure.
    assert_eq!(f64::from_bits(numbers.get("sse_hub_subscriptions")), 0.0);
    assert_eq!(f64::from_bits(numbers.get("sse_hub_lag_events")), 3.0);
}

#[test]
fn a_recorder_that_panics_in_one_task_loses_nothing_of_the_others() {
    let numbers = Numbers::default();
    metrics::with_local_recorder(&numbers, || {
        let hub = Hub::new();
        let mut clients: [_; 3] = std::array::from_fn(|_| Served::of(&hub));
        hub.publish_now("news", "a").expect("published");
        numbers.panics.store(true, Ordering::Relaxed);
        let [first, others @ ..] = &mut clients;
        let failure = first.failure().to_string();
        assert_eq!(failure, "the handler panicked: as was asked for");
        hub.publish_now("news", "b").expect("published");
        for client in others {
            assert!(!client.run());
            let received = client.received();
            let data: Vec<_> = received
                .lines()
                .filter(|line| line.starts_with("data"))
                .collect();
            assert_eq!(data, ["data: a", "data: b"], "{received:?}");
            assert!(received.ends_with("\n\n"), "{received:?}");
        }
    });
}

#[test]
fn a_recorder_that_panics_when_an_event_is_published_keeps_no_subscriber_asleep() {
    let numbers = Numbers::default();
    metrics::with_local_recorder(&numbers, || {
        let hub = Hub::new();
        let mut client = Served::of(&hub);
        assert!(!client.run());
        let _ = (client.received(), client.wakes());
        numbers.all_others_panic.store(true, Ordering::Relaxed);
        let published = catch_unwind(AssertUnwindSafe(|| hub.publish_now("news", "a")));
        assert!(published.is_err(), "the recorder has panicked");
        numbers.all_others_panic.store(false, Ordering::Relaxed);
        assert_eq!(client.wakes(), 1);
        assert!(!client.run());
        let received = client.received();
        assert!(received.contains("data: a\n"), "{received:?}");
    });
}

#[test]
fn a_recorder_that_panics_when_a_subscription_begins_or_ends_leaves_none_counted() {
    let numbers = Numbers::default();
    metrics::with_local_recorder(&numbers, || {
        let hub = Hub::new();
        let subscribe = || hub.subscribe(["news"]).into_future().now_or_never();
        let subscription = subscribe().expect("at once").expect("a subscription");
        numbers.all_others_panic.store(true, Ordering::Relaxed);
        assert!(catch_unwind(AssertUnwindSafe(subscribe)).is_err());
        assert_eq!(hub.metrics().subscriptions, 1);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(subscription))).is_err());
        assert_eq!(hub.metrics().subscriptions, 0);
    });
}
