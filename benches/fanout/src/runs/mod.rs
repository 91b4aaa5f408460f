//! What is measured: each run is one question, and ends in a table or two.

mod calls;
mod compression;
mod fan;
mod http2;
mod stalled;
mod wakes;

use sse_bench_report::Part;

use crate::Result;
use crate::field::Field;

/// A subset of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Fan,
    Stalled,
    Wakes,
    Calls,
    Http2,
    Compression,
}

impl Run {
    pub(crate) const ALL: [Self; 6] = [
        Self::Fan,
        Self::Stalled,
        Self::Wakes,
        Self::Calls,
        Self::Http2,
        Self::Compression,
    ];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Fan => "fan",
            Self::Stalled => "stalled",
            Self::Wakes => "wakes",
            Self::Calls => "calls",
            Self::Http2 => "http2",
            Self::Compression => "compression",
        }
    }

    pub(crate) fn measure(self, field: &mut Field, part: &mut Part) -> Result {
        match self {
            Self::Fan => fan::measure(field, part),
            Self::Stalled => stalled::measure(field, part),
            Self::Wakes => wakes::measure(field, part),
            Self::Calls => calls::measure(field, part),
            Self::Http2 => http2::measure(field, part),
            Self::Compression => compression::measure(field, part),
        }
    }
}

impl AsRef<str> for Run {
    fn as_ref(&self) -> &str {
        self.name()
    }
}
