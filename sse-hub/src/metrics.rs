//! Plain numbers: what was published, delivered and missed, and how far behind readers are.
//!
//! They are counted under locks that are taken anyway. With the feature `metrics` the same goes
//! to the facade of that name.

use std::ops::AddAssign;

/// The numbers of one topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicMetrics {
    /// How many events were published.
    pub published: u64,
    /// How many events were handed to subscribers, counted once for each subscriber.
    pub delivered: u64,
    /// How many gaps subscribers were told of.
    pub gaps: u64,
    /// How many subscribers there are.
    pub subscribers: usize,
    /// How many events are held.
    pub held_events: usize,
    /// How many bytes of encoded events are held.
    pub held_bytes: usize,
    /// How many events the slowest subscriber is behind.
    pub lag: u64,
}

/// The numbers of a hub; the topics that are gone count in the first three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubMetrics {
    /// How many events were published.
    pub published: u64,
    /// How many events were handed to subscribers, counted once for each subscriber.
    pub delivered: u64,
    /// How many gaps subscribers were told of.
    pub gaps: u64,
    /// How many topics are in use.
    pub topics: usize,
    /// How many subscriptions are open; one to several topics counts once.
    pub subscriptions: usize,
    /// How many events are held.
    pub held_events: usize,
    /// How many bytes of encoded events are held.
    pub held_bytes: usize,
    /// How many events the slowest subscriber of any topic is behind.
    pub lag: u64,
}

impl HubMetrics {
    pub(crate) fn add(&mut self, topic: &TopicMetrics) {
        self.published += topic.published;
        self.delivered += topic.delivered;
        self.gaps += topic.gaps;
        self.topics += 1;
        self.held_events += topic.held_events;
        self.held_bytes += topic.held_bytes;
        self.lag = self.lag.max(topic.lag);
    }
}

/// What only grows.
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

/// What the facade is told.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "told to nobody"))]
pub(crate) enum Happening {
    Published,
    Delivered(u64),
    Gap,
    Subscribed,
    Unsubscribed,
}

/// Tells the facade; does nothing without the feature.
#[inline]
pub(crate) fn tell(happening: Happening) {
    #[cfg(feature = "metrics")]
    match happening {
        Happening::Published => metrics::counter!("sse_hub_published_total").increment(1),
        Happening::Delivered(events) => {
            metrics::counter!("sse_hub_delivered_total").increment(events);
            // A read takes all that is there, so this is how far behind the reader was.
            #[allow(
                clippy::cast_precision_loss,
                reason = "a histogram's buckets are coarser"
            )]
            metrics::histogram!("sse_hub_lag_events").record(events as f64);
        }
        Happening::Gap => metrics::counter!("sse_hub_gaps_total").increment(1),
        Happening::Subscribed => metrics::gauge!("sse_hub_subscriptions").increment(1.0),
        Happening::Unsubscribed => metrics::gauge!("sse_hub_subscriptions").decrement(1.0),
    }
    #[cfg(not(feature = "metrics"))]
    let _ = happening;
}
