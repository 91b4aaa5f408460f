//! What is measured: each run is one question, and ends in a table or two.

mod burst;
mod check;
mod churn;
mod growth;
mod idle;
mod live;
mod writes;

use sse_bench_report::Part;

pub(crate) use self::check::check;
use crate::Result;
use crate::field::Field;

/// A subset of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Burst,
    Live,
    Idle,
    Churn,
    Growth,
    Writes,
}

impl Run {
    pub(crate) const ALL: [Self; 6] = [
        Self::Burst,
        Self::Live,
        Self::Idle,
        Self::Churn,
        Self::Growth,
        Self::Writes,
    ];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Burst => "burst",
            Self::Live => "live",
            Self::Idle => "idle",
            Self::Churn => "churn",
            Self::Growth => "growth",
            Self::Writes => "writes",
        }
    }

    pub(crate) fn measure(self, field: &mut Field, part: &mut Part) -> Result {
        match self {
            Self::Burst => burst::measure(field, part),
            Self::Live => live::measure(field, part),
            Self::Idle => idle::measure(field, part),
            Self::Churn => churn::measure(field, part),
            Self::Growth => growth::measure(field, part),
            Self::Writes => writes::measure(field, part),
        }
    }
}

impl AsRef<str> for Run {
    fn as_ref(&self) -> &str {
        self.name()
    }
}
