//! Moments that are noted for many streams at once, and by one thread for another.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Moments are counted from here, forwards and backwards: a paused clock may be anywhere.
static MIDST: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A moment, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(i64);

impl Moment {
    pub(crate) fn now() -> Self {
        let now = Instant::now();
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        Self(match now.checked_duration_since(*MIDST) {
            Some(after) => millis(after),
            None => -millis(MIDST.saturating_duration_since(now)),
        })
    }
}

/// The moment at which something has happened last.
#[derive(Debug)]
pub(crate) struct LastMoment(AtomicI64);

const NEVER: i64 = i64::MIN;

impl LastMoment {
    pub(crate) const fn never() -> Self {
        Self(AtomicI64::new(NEVER))
    }

    pub(crate) fn set(&self, moment: Moment) {
        self.0.store(moment.0, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Option<Instant> {
        let millis = self.0.load(Ordering::Relaxed);
        let distance = Duration::from_millis(millis.unsigned_abs());
        match millis {
            NEVER => None,
            0.. => MIDST.checked_add(distance),
            _ => MIDST.checked_sub(distance),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_moment_is_found_again_to_the_millisecond() {
        let last = LastMoment::never();
        assert_eq!(last.get(), None);
        for _ in 0..3 {
            let before = Instant::now();
            last.set(Moment::now());
            let noted = last.get().expect("noted");
            let off = before.max(noted) - before.min(noted);
            assert!(off <= Duration::from_millis(1), "{off:?}");
            tokio::time::advance(Duration::from_secs(3600)).await;
        }
    }

    #[test]
    fn there_are_moments_before_the_first_one() {
        LazyLock::force(&MIDST);
        let last = LastMoment::never();
        last.set(Moment(-1));
        assert_eq!(last.get(), MIDST.checked_sub(Duration::from_millis(1)));
        last.set(Moment(0));
        assert_eq!(last.get(), Some(*MIDST));
    }
}
