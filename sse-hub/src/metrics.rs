//! Numbers: what was published, delivered and missed, and how far readers lag behind.
//!
//! They are counted under locks that are taken anyway. With the feature `metrics`, the same is
//! recorded through the facade of that name.

use std::ops::AddAssign;

/// The metrics of one topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TopicMetrics {
    /// How many events were published.
    pub published: u64,
    /// How many events were delivered, counted once for each subscriber. What a
    /// [filter](crate::Subscribe::filter) hides is not.
    pub delivered: u64,
    /// How many gaps subscribers had.
    pub gaps: u64,
    /// How many subscribers there are.
    pub subscribers: usize,
    /// How many events are retained in this process.
    pub retained_events: usize,
    /// How many bytes of encoded events are retained in this process.
    pub retained_bytes: usize,
    /// How many events the slowest subscriber lags behind.
    pub lag: u64,
}

/// The metrics of a hub. Evicted topics are included in the first three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct HubMetrics {
    /// How many events were published.
    pub published: u64,
    /// How many events were delivered, counted once for each subscriber.
    pub delivered: u64,
    /// How many gaps subscribers had.
    pub gaps: u64,
    /// How many topics are in use.
    pub topics: usize,
    /// How many subscriptions are open; one to several topics counts once.
    pub subscriptions: usize,
    /// How many events are retained in this process.
    pub retained_events: usize,
    /// How many bytes of encoded events are retained in this process.
    pub retained_bytes: usize,
    /// How many events the slowest subscriber of any topic lags behind.
    pub lag: u64,
}

impl HubMetrics {
    pub(crate) fn add(&mut self, topic: &TopicMetrics) {
        self.published += topic.published;
        self.delivered += topic.delivered;
        self.gaps += topic.gaps;
        self.topics += 1;
        self.retained_events += topic.retained_events;
        self.retained_bytes += topic.retained_bytes;
        self.lag = self.lag.max(topic.lag);
    }
}

/// The numbers that only grow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) published: u64,
    pub(crate) delivered: u64,
    pub(crate) gaps: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.published += other.published;
        self.delivered += other.delivered;
        self.gaps += other.gaps;
    }
}

/// What is recorded through the facade.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "not recorded"))]
pub(crate) enum Metric {
    Published,
    Delivered(u64),
    Gap,
    Subscribed,
    Unsubscribed,
}

/// Records a metric through the facade; does nothing without the feature.
#[inline]
pub(crate) fn record(metric: Metric) {
    #[cfg(feature = "metrics")]
    match metric {
        Metric::Published => metrics::counter!("sse_hub_published_total").increment(1),
        Metric::Delivered(events) => {
            metrics::counter!("sse_hub_delivered_total").increment(events);
            // A read takes all there is, so this is how far the reader lagged behind.
            #[allow(
                clippy::cast_precision_loss,
                reason = "a histogram's buckets are coarser"
            )]
            metrics::histogram!("sse_hub_lag_events").record(events as f64);
        }
        Metric::Gap => metrics::counter!("sse_hub_gaps_total").increment(1),
        Metric::Subscribed => metrics::gauge!("sse_hub_subscriptions").increment(1.0),
        Metric::Unsubscribed => metrics::gauge!("sse_hub_subscriptions").decrement(1.0),
    }
    #[cfg(not(feature = "metrics"))]
    let _ = metric;
}
