//! How long to wait before the next attempt: the reconnection time that the standard has, and on
//! top a random share of an exponential backoff.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long an event source waits before it connects again.
///
/// The wait has two parts (HTML § 9.2.3, "reestablish the connection"). The first is the
/// reconnection time: what the server has set with `retry`, or asks for with `Retry-After`, and
/// else [`reconnection_time`](Self::reconnection_time). The second, the "wait some more" of the
/// standard, is random, so that clients that were cut off together do not come back together:
/// between nothing and a ceiling that doubles with every failure in a row ("full jitter"), from
/// [`initial`](Self::initial) up to [`max`](Self::max).
///
/// ```
/// use std::time::Duration;
///
/// use sse_eventsource::Backoff;
///
/// let backoff = Backoff::new()
///     .reconnection_time(Duration::from_secs(1))
///     .initial(Duration::from_millis(500))
///     .max(Duration::from_secs(60));
/// # let _ = backoff;
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until it is given to a builder"]
pub struct Backoff {
    reconnection_time: Duration,
    min_reconnection_time: Duration,
    max_reconnection_time: Duration,
    initial: Duration,
    max: Duration,
    healthy_after: Duration,
    jitter: Arc<dyn Fn(Duration) -> Duration + Send + Sync>,
}

impl Backoff {
    /// The defaults: a reconnection time of 3 seconds, between 100 milliseconds and one hour if
    /// the server sets it, a backoff of one second that doubles up to 30 seconds, and 10 seconds
    /// until a connection counts as healthy.
    pub fn new() -> Self {
        Self {
            reconnection_time: Duration::from_secs(3),
            min_reconnection_time: Duration::from_millis(100),
            max_reconnection_time: Duration::from_secs(60 * 60),
            initial: Duration::from_secs(1),
            max: Duration::from_secs(30),
            healthy_after: Duration::from_secs(10),
            jitter: Arc::new(|ceiling| ceiling.mul_f64(fastrand::f64())),
        }
    }

    /// Sets the reconnection time until the server sets one.
    pub fn reconnection_time(mut self, time: Duration) -> Self {
        self.reconnection_time = time;
        self
    }

    /// Sets the least reconnection time, whatever the server says: `retry: 0` must not make a
    /// client connect as fast as it can.
    pub fn min_reconnection_time(mut self, time: Duration) -> Self {
        self.min_reconnection_time = time;
        self
    }

    /// Sets the longest reconnection time, whatever the server says with `retry` or
    /// `Retry-After`.
    pub fn max_reconnection_time(mut self, time: Duration) -> Self {
        self.max_reconnection_time = time;
        self
    }

    /// Sets the ceiling of the random wait after a stream that came to its end in order. Each
    /// failure in a row doubles it.
    pub fn initial(mut self, ceiling: Duration) -> Self {
        self.initial = ceiling;
        self
    }

    /// Sets the highest ceiling of the random wait.
    pub fn max(mut self, ceiling: Duration) -> Self {
        self.max = ceiling;
        self
    }

    /// Sets how long a connection must have been open for the failures before it to be
    /// forgotten.
    pub fn healthy_after(mut self, time: Duration) -> Self {
        self.healthy_after = time;
        self
    }

    /// Sets what chooses the random wait: it is given the ceiling, and cannot go beyond it. For
    /// tests, or to have no jitter.
    ///
    /// ```
    /// let backoff = sse_eventsource::Backoff::new().jitter(|ceiling| ceiling / 2);
    /// # let _ = backoff;
    /// ```
    pub fn jitter(mut self, choose: impl Fn(Duration) -> Duration + Send + Sync + 'static) -> Self {
        self.jitter = Arc::new(choose);
        self
    }

    /// How long to wait after so many failures in a row, where `asked` is what the server asked
    /// for.
    pub(crate) fn delay(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let least = asked
            .unwrap_or(self.reconnection_time)
            // Not `clamp`, which panics when the limits contradict each other.
            .max(self.min_reconnection_time)
            .min(self.max_reconnection_time);
        let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        let ceiling = self.initial.saturating_mul(factor).min(self.max);
        least.saturating_add((self.jitter)(ceiling).min(ceiling))
    }

    pub(crate) const fn healthy(&self) -> Duration {
        self.healthy_after
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("reconnection_time", &self.reconnection_time)
            .field("min_reconnection_time", &self.min_reconnection_time)
            .field("max_reconnection_time", &self.max_reconnection_time)
            .field("initial", &self.initial)
            .field("max", &self.max)
            .field("healthy_after", &self.healthy_after)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_ceiling_doubles_with_every_failure_up_to_its_limit() {
        let backoff = Backoff::new().jitter(|ceiling| ceiling);
        let delays: Vec<_> = (0..7)
            .map(|failures| backoff.delay(failures, None))
            .collect();
        assert_eq!(delays, [4, 5, 7, 11, 19, 33, 33].map(seconds));
        assert_eq!(backoff.delay(u32::MAX, None), seconds(33));
    }

    #[test]
    fn what_the_server_asks_for_is_the_least_within_limits() {
        let backoff = Backoff::new().jitter(|_| Duration::ZERO);
        assert_eq!(backoff.delay(0, Some(seconds(7))), seconds(7));
        assert_eq!(
            backoff.delay(0, Some(Duration::ZERO)),
            Duration::from_millis(100)
        );
        assert_eq!(backoff.delay(0, Some(Duration::MAX)), seconds(3600));
    }

    #[test]
    fn jitter_stays_below_its_ceiling() {
        let backoff = Backoff::new();
        for _ in 0..1000 {
            assert!((seconds(3)..=seconds(7)).contains(&backoff.delay(2, None)));
        }
        let beyond = Backoff::new().jitter(|_| Duration::MAX);
        assert_eq!(beyond.delay(0, None), seconds(4));
    }
}
