//! How a hub ends: told once, seen by every subscription.

use std::ops::RangeInclusive;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use sse_codec::{Event, Frame};
use tokio::time::Instant;

/// The end has begun.
#[derive(Debug)]
pub(crate) struct Closing {
    /// `None` if it is too far away to be counted.
    deadline: Option<Instant>,
    retry: Option<RangeInclusive<Duration>>,
}

#[derive(Debug, Default)]
pub(crate) struct ClosingCell(OnceLock<Closing>);

impl ClosingCell {
    pub(crate) fn get(&self) -> Option<&Closing> {
        self.0.get()
    }

    /// Whether this was the first one; a later one changes nothing.
    pub(crate) fn set(&self, closing: Closing) -> bool {
        self.0.set(closing).is_ok()
    }
}

impl Closing {
    pub(crate) fn new(within: Duration, retry: Option<RangeInclusive<Duration>>) -> Self {
        Self {
            deadline: Instant::now().checked_add(within),
            retry,
        }
    }

    /// Whether subscriptions end even if they have something to deliver.
    pub(crate) fn is_overdue(&self) -> bool {
        self.deadline.is_some_and(|due| Instant::now() >= due)
    }

    /// The last block of a stream: a reconnection time of its own. Empty if there is none.
    pub(crate) fn farewell(&self) -> Bytes {
        let Some(retry) = &self.retry else {
            return Bytes::new();
        };
        let millis = |duration: &Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (from, to) = (millis(retry.start()), millis(retry.end()));
        let drawn = Duration::from_millis(fastrand::u64(from..=to.max(from)));
        let event = Event::new().retry(drawn);
        Frame::new(event).map(Frame::into_bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reconnection_time_is_drawn_from_the_range() {
        let range = Duration::from_millis(5)..=Duration::from_millis(9);
        let closing = Closing::new(Duration::ZERO, Some(range));
        let possible: Vec<_> = (5..=9).map(|ms| format!("retry: {ms}\n\n")).collect();
        let drawn: std::collections::HashSet<_> = (0..200).map(|_| closing.farewell()).collect();
        assert!(drawn.len() > 1, "{drawn:?}");
        assert!(
            drawn
                .iter()
                .all(|block| possible.iter().any(|one| block == one))
        );
        assert!(closing.is_overdue());
    }

    #[test]
    fn an_empty_range_is_its_beginning() {
        let (from, to) = (Duration::from_millis(5), Duration::from_millis(1));
        let closing = Closing::new(Duration::MAX, Some(from..=to));
        assert_eq!(closing.farewell(), "retry: 5\n\n");
        assert!(!closing.is_overdue());
    }
}
