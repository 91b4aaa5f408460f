//! What is measured of decoding: which corpora, in chunks of which lengths.

use sse_bench_report::Samples;

use super::peers::PEERS;
use crate::corpus::KINDS;

/// The name of this half of the benchmark on the command line.
pub(crate) const PART: &str = "decode";

/// The lengths of the chunks, and what the tables call them.
pub(super) const CHUNKS: [(&str, usize); 5] = [
    ("64 B", 64),
    ("1 KiB", 1024),
    ("16 KiB", MAIN_CHUNK),
    ("64 KiB", 64 * 1024),
    ("whole", usize::MAX),
];

/// The length of chunks that the marks are about: what HTTP libraries tend to read at once.
pub(super) const MAIN_CHUNK: usize = 16 * 1024;

/// The length of the corpora on which instructions and allocations are counted.
pub(super) const COUNTED_LEN: usize = 64 << 10;

/// How often such a corpus is in the counted stream at most.
pub(super) const MOST_COUNTED: usize = 3;

/// The names of the corpora.
pub(crate) fn kinds() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name)
}

/// The names of the decoders.
pub(crate) fn peers() -> impl Iterator<Item = &'static str> {
    PEERS.iter().map(|peer| peer.name)
}

/// One of the measurements: a corpus in chunks of one length.
pub(super) struct Measured {
    pub(super) corpus: &'static str,
    pub(super) chunk: &'static str,
    pub(super) samples: Samples,
}
