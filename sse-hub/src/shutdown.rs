//! The shutdown of a hub: seen by all subscriptions, never undone.

use std::ops::RangeInclusive;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sse_codec::{Encoder, Event};
use sse_session::second_look::SECOND_LOOK;
use tokio::time::Instant;

/// A shutdown that has begun.
#[derive(Debug)]
pub(crate) struct Shutdown {
    /// `None` if it is too far in the future to be represented.
    deadline: Option<Instant>,
    /// When the deadline was first found to have passed. The process may have been stopped until then:
    /// what clients take in a moment after it still counts.
    passed: OnceLock<Instant>,
    second_look: Duration,
    retry: Option<RangeInclusive<Duration>>,
}

/// Why a hub shuts down. A later reason takes the place of an earlier one: its deadline and its
/// reconnection time count from then on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason {
    /// The last handle was dropped, so nothing can be published anymore.
    Unused,
    /// The driver was dropped, so the engine does not answer anymore.
    DriverLost,
    Requested,
}

#[derive(Debug, Default)]
pub(crate) struct ShutdownCell {
    /// Whether there is any shutdown. Subscriptions look at this with every event.
    has_begun: AtomicBool,
    /// In the order of the reasons.
    shutdowns: [OnceLock<Shutdown>; 3],
}

impl ShutdownCell {
    #[inline]
    pub(crate) fn get(&self) -> Option<&Shutdown> {
        if !self.has_begun.load(Ordering::Acquire) {
            return None;
        }
        self.shutdowns.iter().rev().find_map(OnceLock::get)
    }

    /// Returns whether this shutdown is the first one for its reason; otherwise, it changes nothing.
    pub(crate) fn set(&self, reason: Reason, shutdown: Shutdown) -> bool {
        let is_first = self.shutdowns[reason as usize].set(shutdown).is_ok();
        self.has_begun.store(true, Ordering::Release);
        is_first
    }
}

impl Shutdown {
    pub(crate) fn new(within: Duration, retry: Option<RangeInclusive<Duration>>) -> Self {
        Self {
            deadline: Instant::now().checked_add(within),
            passed: OnceLock::new(),
            second_look: SECOND_LOOK.min(within),
            retry,
        }
    }

    /// Whether subscriptions end even if there is something left to deliver.
    pub(crate) fn is_overdue(&self) -> bool {
        let now = Instant::now();
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return false;
        }
        now >= *self.passed.get_or_init(|| now) + self.second_look
    }

    /// Waits until it is overdue.
    pub(crate) async fn overdue(&self) {
        match self.deadline {
            Some(deadline) => {
                tokio::time::sleep_until(deadline).await;
                let passed = *self.passed.get_or_init(Instant::now);
                tokio::time::sleep_until(passed + self.second_look).await;
            }
            None => std::future::pending().await,
        }
    }

    /// Returns the last block of a stream, which sets a reconnection time drawn from the range.
    /// Empty if there is none.
    pub(crate) fn last_block(&self) -> Bytes {
        let Some(retry) = &self.retry else {
            return Bytes::new();
        };
        let millis = |duration: &Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let (from, to) = (millis(retry.start()), millis(retry.end()));
        let drawn = Duration::from_millis(fastrand::u64(from..=to.max(from)));
        let mut block = Vec::new();
        // A reconnection time can always be encoded. With a blank line, as several clients drop a last
        // line without one.
        if Encoder::new()
            .encode(&Event::new().retry(drawn), &mut block)
            .is_ok()
        {
            block.push(b'\n');
        }
        block.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reconnection_time_is_drawn_from_the_range() {
        let range = Duration::from_millis(5)..=Duration::from_millis(9);
        let shutdown = Shutdown::new(Duration::ZERO, Some(range));
        let possible: Vec<_> = (5..=9).map(|ms| format!("retry: {ms}\n\n")).collect();
        let drawn: std::collections::HashSet<_> = (0..200).map(|_| shutdown.last_block()).collect();
        assert!(drawn.len() > 1, "{drawn:?}");
        assert!(
            drawn
                .iter()
                .all(|block| possible.iter().any(|one| block == one))
        );
        assert!(shutdown.is_overdue());
    }

    #[test]
    fn an_empty_range_is_its_beginning() {
        let (from, to) = (Duration::from_millis(5), Duration::from_millis(1));
        let shutdown = Shutdown::new(Duration::MAX, Some(from..=to));
        assert_eq!(shutdown.last_block(), "retry: 5\n\n");
        assert!(!shutdown.is_overdue());
    }
}
