//! Times, counted in classes that grow by a twentieth.

use serde::{Deserialize, Serialize};

/// How much wider each class is than the one before.
const GROWTH: f64 = 1.05;

/// The number of classes: the last one begins at a minute.
const CLASSES: usize = 368;

/// Counts of times in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    /// Counts a time.
    pub(crate) fn add(&mut self, micros: u64) {
        let class = (micros.max(1) as f64).ln() / GROWTH.ln();
        let class = (class as usize).min(CLASSES - 1);
        if self.counts.len() <= class {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] += 1;
    }

    /// Adds the counts of another one.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count += other;
        }
    }

    /// Returns the number of times.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the time in microseconds that this part of all times is below, such as 0.99, exact to a
    /// twentieth.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let rank = (self.count() as f64 * part).ceil() as u64;
        let mut below = 0;
        let class = self.counts.iter().position(|count| {
            below += count;
            below >= rank.max(1)
        });
        class.map_or(0.0, |class| GROWTH.powi(class as i32 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_exact_to_a_twentieth() {
        let mut histogram = Histogram::default();
        assert!(histogram.quantile(0.99) == 0.0);
        for micros in 1..=10_000 {
            histogram.add(micros);
        }
        let mut other = Histogram::default();
        other.add(u64::MAX);
        histogram.merge(&other);
        assert_eq!(histogram.count(), 10_001);
        for (part, expected) in [(0.5, 5_000.0), (0.99, 9_900.0)] {
            let found = histogram.quantile(part);
            assert!((found / expected - 1.0).abs() < 0.06, "{found}");
        }
        assert!(histogram.quantile(1.0) >= 60e6);
    }
}
