//! The costs of contenders, round by round.

use std::fmt;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::ratios::Ratios;

/// Returns the microseconds per item of `count` items.
#[must_use]
#[allow(
    clippy::cast_precision_loss,
    reason = "counts of events are far below 2^52"
)]
pub fn micros_each(total: Duration, count: u64) -> f64 {
    total.as_secs_f64() * 1e6 / count as f64
}

/// The costs of contenders in any unit, one per round.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    contenders: Vec<(String, Vec<f64>)>,
}

impl Samples {
    /// Creates samples without a round.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records the cost of the next round of a contender.
    pub fn record(&mut self, name: &str, cost: f64) {
        match self.contenders.iter_mut().find(|(known, _)| known == name) {
            Some((_, costs)) => costs.push(cost),
            None => self.contenders.push((name.to_owned(), vec![cost])),
        }
    }

    /// Returns how many times as fast as `baseline` a contender is: above 1 it is faster.
    #[must_use]
    pub fn speed(&self, name: &str, baseline: &str) -> Option<Ratios> {
        self.cost(baseline, name)
    }

    /// Returns how many times as much as `baseline` a contender costs: above 1 it costs more.
    #[must_use]
    pub fn cost(&self, name: &str, baseline: &str) -> Option<Ratios> {
        let rounds = self.of(name)?.iter().zip(self.of(baseline)?);
        Ratios::of(rounds.map(|(cost, base)| cost / base))
    }

    /// Returns the median cost of a contender, for orientation next to a ratio.
    #[must_use]
    pub fn median(&self, name: &str) -> Option<f64> {
        Ratios::of(self.of(name)?.iter().copied()).map(|costs| costs.median)
    }

    /// Returns the contender with the lowest median cost among those that `eligible` accepts.
    #[must_use]
    pub fn cheapest(&self, eligible: impl Fn(&str) -> bool) -> Option<&str> {
        self.names()
            .filter(|name| eligible(name))
            .filter_map(|name| Some((name, self.median(name)?)))
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(name, _)| name)
    }

    /// Returns the names of the contenders, in the order of their first samples.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.contenders.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the costs of a contender, round by round.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&[f64]> {
        let mut contenders = self.contenders.iter();
        let (_, costs) = contenders.find(|(known, _)| known == name)?;
        Some(costs)
    }
}

/// A named piece of work with a cost that is measured round by round.
pub struct Contender<'a> {
    name: String,
    work: f64,
    run: Box<dyn FnMut() -> f64 + 'a>,
}

impl<'a> Contender<'a> {
    /// Creates a contender that does the work of a round in `run`, which must pass its results
    /// through [`std::hint::black_box`]. The cost is the CPU time of this thread in seconds, which
    /// other processes disturb least.
    pub fn new(name: impl Into<String>, mut run: impl FnMut() + 'a) -> Self {
        Self::reporting(name, move || {
            let begun = thread_time();
            run();
            (thread_time() - begun).as_secs_f64()
        })
    }

    /// Creates a contender that does its work elsewhere: `run` returns its cost.
    pub fn reporting(name: impl Into<String>, run: impl FnMut() -> f64 + 'a) -> Self {
        Self {
            name: name.into(),
            work: 1.0,
            run: Box::new(run),
        }
    }

    /// Sets the amount of work of a round, such as a number of bytes, for contenders that do
    /// different amounts. The cost is then that of one unit.
    #[must_use]
    pub fn per(mut self, units: f64) -> Self {
        self.work = units;
        self
    }
}

impl fmt::Debug for Contender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Runs all contenders in turn for `rounds` rounds, after one round that does not count.
///
/// The costs are per unit of [work](Contender::per).
pub fn interleave(contenders: &mut [Contender<'_>], rounds: usize) -> Samples {
    let mut samples = Samples::new();
    for round in 0..=rounds {
        for contender in &mut *contenders {
            let cost = (contender.run)();
            if round > 0 {
                samples.record(&contender.name, cost / contender.work);
            }
        }
    }
    samples
}

/// Returns the CPU time that this thread has used, in user and system mode.
#[must_use]
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // It begins with the thread, so it is never negative.
    time.try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn contenders_take_turns_and_the_first_round_does_not_count() {
        let order = RefCell::new(String::new());
        let mut contenders =
            ["a", "b"].map(|name| Contender::new(name, || order.borrow_mut().push_str(name)));
        let samples = interleave(&mut contenders, 2);
        drop(contenders);
        assert_eq!(order.into_inner(), "ababab");
        assert_eq!(samples.of("a").unwrap().len(), 2);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let mut samples = Samples::new();
        for (a, b) in [(1.0, 2.0), (10.0, 30.0), (2.0, 8.0)] {
            samples.record("a", a);
            samples.record("b", b);
        }
        let speed = samples.speed("a", "b").unwrap();
        assert_eq!((speed.median, speed.min, speed.max), (3.0, 2.0, 4.0));
        assert_eq!(samples.cheapest(|_| true), Some("a"));
        assert_eq!(samples.cost("a", "absent"), None);
    }
}
