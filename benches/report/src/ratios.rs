//! Comparing two series of measurements that were taken in the same rounds.

use std::fmt;

/// The ratios of two contenders, one for each round: their median and their range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratios {
    /// The median of the rounds.
    pub median: f64,
    /// The smallest of the rounds.
    pub min: f64,
    /// The largest of the rounds.
    pub max: f64,
}

impl Ratios {
    /// Summarizes the ratios of all rounds, or returns `None` if there were none.
    #[must_use]
    pub fn of(rounds: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut rounds: Vec<_> = rounds.into_iter().collect();
        rounds.sort_by(f64::total_cmp);
        Some(Self {
            median: *rounds.get(rounds.len() / 2)?,
            min: *rounds.first()?,
            max: *rounds.last()?,
        })
    }
}

impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = *self;
        write!(f, "{} ({}–{})", rounded(median), rounded(min), rounded(max))
    }
}

/// Returns the geometric mean, by which ratios are averaged, or `None` if there are no values.
///
/// ```
/// let mean = sse_bench_report::geometric_mean([2.0, 8.0]);
/// assert!(mean.is_some_and(|mean| (mean - 4.0).abs() < 1e-9));
/// ```
#[must_use]
pub fn geometric_mean(ratios: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for ratio in ratios {
        sum += ratio.ln();
        count += 1;
    }
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

/// Rounds to three significant digits; more would suggest a precision that was not measured.
pub(crate) fn rounded(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_rounds_in_order() {
        let ratios = Ratios::of([3.0, 1.0, 2.0]).unwrap();
        assert_eq!(ratios.to_string(), "2.00 (1.00–3.00)");
        assert_eq!(Ratios::of([]), None);
    }
}
