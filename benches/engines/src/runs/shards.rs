//! What shards cost a node: it does as much for an event, whichever of them has the topic.

use sse_bench_report::{Marks, Table};

use crate::extent::Extent;
use crate::result::Result;
use crate::sample::{Kind, Sample};
use crate::turns::Turns;

const SHARDS: usize = 3;

/// The numbers of publishers.
const PUBLISHERS: [usize; 2] = [64, 192];

/// The mark: of the node's CPU time with one shard.
const MARK: f64 = 1.1;

pub(super) fn measure(extent: &Extent, turns: &mut Turns, marks: &mut Marks) -> Result<Table> {
    let sample = |engine, publishers, shards| Sample {
        shards,
        events: extent.size(200_000, 9_600),
        len: 200,
        publishers,
        topics: 1_000,
        ..Sample::new(Kind::Publishing, engine)
    };
    let mut samples = Vec::new();
    for engine in extent.engines() {
        for publishers in extent.cases(&PUBLISHERS) {
            samples.extend([1, SHARDS].map(|shards| sample(engine.clone(), *publishers, shards)));
        }
    }
    let figures = turns.take("shards", &samples)?;
    let mut table = Table::new(
        format!("Publishing to {SHARDS} shards on one machine, of what it takes with one"),
        [
            "",
            "publishers",
            "CPU of the node",
            "CPU of the servers",
            "time",
        ],
    );
    for pair in samples.chunks_exact(2) {
        let [one, several] = pair else { continue };
        let ratios = |figure| figures.ratios(figure, [several, one]);
        table.row([
            one.engine.to_string(),
            one.publishers.to_string(),
            ratios("node")?.to_string(),
            ratios("server")?.to_string(),
            ratios("time")?.to_string(),
        ]);
        marks.ratios(
            format!("the node's CPU time, of that with one shard: {several}"),
            ratios("node")?,
            MARK,
        );
    }
    table.note("The shards are servers of Redis or Valkey, and streams of one server of NATS. They share the \
         cores of the machine with the node.");
    Ok(table)
}
