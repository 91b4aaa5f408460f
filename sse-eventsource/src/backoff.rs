//! The wait before the next attempt: the reconnection time of the standard, plus a random share of
//! an exponential backoff.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long an event source waits before it connects again.
///
/// The wait has two parts (HTML § 9.2.3, "reestablish the connection"). The first is the
/// reconnection time: the `retry` or `Retry-After` of the server, by default
/// [`reconnection_time`](Self::reconnection_time). The second, the "wait some more" of the
/// standard, is random, so that clients that lost their connections together do not return
/// together: between zero and a ceiling that doubles with every failure in a row ("full jitter"),
/// from [`initial`](Self::initial) up to [`max`](Self::max).
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
#[must_use = "it does nothing until it is passed to a builder"]
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
    /// Creates the default: a reconnection time of 3 seconds, within 100 milliseconds and one hour
    /// if the server sets it, a backoff from one to 30 seconds, and 10 seconds until a connection
    /// counts as healthy.
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

    /// Creates a shorter one, for an answer that a user waits for, as from a language model: a
    /// reconnection time of half a second, and a backoff from half a second to 8 seconds. `retry` and
    /// `Retry-After` are respected as by default.
    ///
    /// ```
    /// use sse_eventsource::{Backoff, EventSource, Reconnect};
    ///
    /// let builder = EventSource::post("https://llm.example/v1/messages")
    ///     .reconnect(Reconnect::UntilOpen)
    ///     .max_attempts(3)
    ///     .backoff(Backoff::short());
    /// # let _ = builder;
    /// ```
    pub fn short() -> Self {
        Self::new()
            .reconnection_time(Duration::from_millis(500))
            .initial(Duration::from_millis(500))
            .max(Duration::from_secs(8))
    }

    /// Sets the reconnection time that applies until the server sets one.
    pub fn reconnection_time(mut self, time: Duration) -> Self {
        self.reconnection_time = time;
        self
    }

    /// Sets the shortest reconnection time, whatever the server sets: `retry: 0` must not make a
    /// client reconnect in a loop.
    pub fn min_reconnection_time(mut self, time: Duration) -> Self {
        self.min_reconnection_time = time;
        self
    }

    /// Sets the longest reconnection time, whatever the server sets with `retry` or
    /// `Retry-After`.
    pub fn max_reconnection_time(mut self, time: Duration) -> Self {
        self.max_reconnection_time = time;
        self
    }

    /// Sets the ceiling of the random wait after a stream that ended in order. Each failure in a
    /// row doubles it.
    pub fn initial(mut self, ceiling: Duration) -> Self {
        self.initial = ceiling;
        self
    }

    /// Sets the highest ceiling of the random wait.
    pub fn max(mut self, ceiling: Duration) -> Self {
        self.max = ceiling;
        self
    }

    /// Sets how long a connection must be open to reset the count of failures.
    pub fn healthy_after(mut self, time: Duration) -> Self {
        self.healthy_after = time;
        self
    }

    /// Sets the function that chooses the random wait below the ceiling that it is passed. A longer
    /// wait is cut to the ceiling. For tests, or to have no jitter.
    ///
    /// ```
    /// let backoff = sse_eventsource::Backoff::new().jitter(|ceiling| ceiling / 2);
    /// # let _ = backoff;
    /// ```
    pub fn jitter(mut self, choose: impl Fn(Duration) -> Duration + Send + Sync + 'static) -> Self {
        self.jitter = Arc::new(choose);
        self
    }

    /// Returns the wait after this number of failures in a row, where `asked` is the reconnection
    /// time of the server.
    pub(crate) fn delay(&self, failures: u32, asked: Option<Duration>) -> Duration {
        let least = asked
            .unwrap_or(self.reconnection_time)
            // Not `clamp`, which panics if the minimum exceeds the maximum.
            .max(self.min_reconnection_time)
            .min(self.max_reconnection_time);
        let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        let ceiling = self.initial.saturating_mul(factor).min(self.max);
        least.saturating_add((self.jitter)(ceiling).min(ceiling))
    }

    pub(crate) fn healthy(&self) -> Duration {
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
    fn the_short_one_is_short() {
        let backoff = Backoff::short().jitter(|ceiling| ceiling);
        let delays: Vec<_> = (0..6)
            .map(|failures| backoff.delay(failures, None).as_millis())
            .collect();
        assert_eq!(delays, [1000, 1500, 2500, 4500, 8500, 8500]);
        assert_eq!(
            backoff.delay(0, Some(seconds(20))),
            Duration::from_millis(20_500)
        );
    }

    #[test]
    fn the_time_of_the_server_is_the_shortest_within_limits() {
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
