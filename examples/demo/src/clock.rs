//! The clock that all three servers share.
//!
//! Tick *n* is *n* seconds after the start, whether clients listen or not. So every tick can be
//! computed from its count, and a client that reconnects receives what it missed without a history.
//! An application whose events cannot be computed stores them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::time::{Instant, sleep_until};

/// The most ticks that a reconnecting client is sent at once. Older ones are left out.
pub(crate) const MAX_REPLAY: u64 = 1_000;

/// The data of an event of `/ticks`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Tick {
    /// The number of seconds after the start, which is also the id of the event.
    pub(crate) count: u64,
    /// The time of the tick, in milliseconds since 1970 in UTC.
    time: u64,
}

/// A clock that ticks once a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    /// The start in milliseconds since 1970 in UTC.
    unix_start: u64,
}

impl Clock {
    /// Returns a clock whose tick 0 is now.
    pub(crate) fn start() -> Self {
        let unix_start = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // The start is a whole millisecond, so that the time of a tick is exact.
        let since = Duration::from_nanos(u64::from(unix_start.subsec_nanos()) % 1_000_000);
        let now = Instant::now();
        Self {
            start: now.checked_sub(since).unwrap_or(now),
            unix_start: u64::try_from(unix_start.as_millis()).unwrap_or_default(),
        }
    }

    /// Waits for a tick. Returns a past one at once.
    pub(crate) async fn tick(&self, count: u64) -> Tick {
        sleep_until(self.start + Duration::from_secs(count)).await;
        Tick {
            count,
            time: self.unix_start + count * 1_000,
        }
    }

    /// Returns the first tick for a client with this last event ID: the one after it, but at most
    /// [`MAX_REPLAY`] ago. Without an id, it is the current tick. The same applies to an id that is not
    /// a count, or that is in the future, as an id from before a restart may be.
    pub(crate) fn first_tick(&self, last_event_id: Option<&str>) -> u64 {
        let current = self.start.elapsed().as_secs();
        match last_event_id.and_then(|id| id.parse::<u64>().ok()) {
            Some(seen) if seen <= current => {
                (seen + 1).max((current + 1).saturating_sub(MAX_REPLAY))
            }
            _ => current,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn ticks_are_a_second_apart_for_everyone() {
        let clock = Clock::start();
        advance(Duration::from_millis(2_300)).await;
        let (second, third) = (clock.tick(2).await, clock.tick(3).await);
        assert_eq!(clock.start.elapsed().as_secs(), 3);
        assert_eq!(third.time - second.time, 1_000);
        assert_eq!(clock.tick(2).await, second);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_continues_after_its_last_event_id() {
        let clock = Clock::start();
        advance(Duration::from_secs(1_500)).await;
        assert_eq!(clock.first_tick(Some("1499")), 1_500);
        assert_eq!(clock.first_tick(Some("1500")), 1_501);
        assert_eq!(clock.first_tick(Some("600")), 601);
    }

    #[tokio::test(start_paused = true)]
    async fn a_replay_is_bounded() {
        let clock = Clock::start();
        advance(Duration::from_secs(1_500)).await;
        let first = clock.first_tick(Some("0"));
        assert_eq!(first, 501);
        assert_eq!((first..=1_500).count() as u64, MAX_REPLAY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_without_a_usable_id_receives_the_current_tick() {
        let clock = Clock::start();
        advance(Duration::from_secs(1_500)).await;
        for id in [
            None,
            Some("1501"),
            Some("-1"),
            Some("one"),
            Some("18446744073709551616"),
        ] {
            assert_eq!(clock.first_tick(id), 1_500, "{id:?}");
        }
    }
}
