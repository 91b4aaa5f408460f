//! What is measured of encoding: which encoders, in which cases.

use sse_bench_report::Samples;

use super::cases::{CASES, Case, Content};
use super::peers::{PEERS, is_json_only};

/// The name of this half of the benchmark on the command line.
pub(crate) const PART: &str = "encode";

/// The names of the cases.
pub(crate) fn cases() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|case| case.name)
}

/// The names of the encoders.
pub(crate) fn peers() -> impl Iterator<Item = &'static str> {
    PEERS.iter().map(|peer| peer.name)
}

/// Whether there is something for an encoder to do in a case.
pub(super) fn does(name: &str, case: &Case) -> bool {
    !is_json_only(name) || matches!(case.content, Content::Json(_))
}

/// One of the measurements: all encoders in a case.
pub(super) struct Measured {
    pub(super) case: &'static Case,
    pub(super) samples: Samples,
}
