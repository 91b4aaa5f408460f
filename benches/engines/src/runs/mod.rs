//! The runs: which samples are compared, and the marks.

mod latency;
mod opening;
mod publishers;
mod replay;
mod shards;
mod throughput;
mod topics;

use sse_bench_report::{Marks, Part, Table};

use crate::extent::Extent;
use crate::result::Result;
use crate::turns::Turns;

/// A subset of the benchmark.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Throughput,
    Publishers,
    Latency,
    Replay,
    Opening,
    Shards,
    Topics,
}

impl Run {
    pub(crate) const ALL: [Self; 7] = [
        Self::Throughput,
        Self::Publishers,
        Self::Latency,
        Self::Replay,
        Self::Opening,
        Self::Shards,
        Self::Topics,
    ];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Publishers => "publishers",
            Self::Latency => "latency",
            Self::Replay => "replay",
            Self::Opening => "opening",
            Self::Shards => "shards",
            Self::Topics => "topics",
        }
    }

    /// Measures it, and adds its table to the report.
    pub(crate) fn measure(
        self,
        extent: &Extent,
        turns: &mut Turns,
        part: &mut Part,
        marks: &mut Marks,
    ) -> Result {
        let measure: fn(&Extent, &mut Turns, &mut Marks) -> Result<Table> = match self {
            Self::Throughput => throughput::measure,
            Self::Publishers => publishers::measure,
            Self::Latency => latency::measure,
            Self::Replay => replay::measure,
            Self::Opening => opening::measure,
            Self::Shards => shards::measure,
            Self::Topics => topics::measure,
        };
        part.table(&measure(extent, turns, marks)?);
        Ok(())
    }
}
