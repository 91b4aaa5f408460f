//! The cost of a node with many topics for the engine: per message, no more than with few topics, if
//! the engine finds the subscribers of a message by name.

use sse_bench_report::{Marks, Table};

use crate::engine::{Engine, Kind as Asked};
use crate::extent::Extent;
use crate::result::Result;
use crate::sample::{Kind, Sample};
use crate::turns::Turns;

const FEW: usize = 10;
const MANY: usize = 10_000;

pub(super) fn measure(extent: &Extent, turns: &mut Turns, _marks: &mut Marks) -> Result<Table> {
    let many = extent.size(MANY, MANY / 10);
    let mut samples = Vec::new();
    for engine in extent.engines() {
        let is_nats = matches!(&engine, Engine::Program(program) if program.kind == Asked::Nats);
        let cases: &[bool] = if is_nats { &[false, true] } else { &[false] };
        for is_spacious in extent.cases(cases) {
            samples.extend([FEW, many].map(|subscribed| Sample {
                is_spacious: *is_spacious,
                events: extent.size(200_000, 10_000),
                publishers: 1_000,
                topics: FEW,
                subscribed,
                ..Sample::new(Kind::Publishing, engine.clone())
            }));
        }
    }
    let figures = turns.take("topics", &samples)?;
    let mut table = Table::new(
        format!("The server's CPU time for events in {FEW} topics"),
        [
            String::new(),
            format!("for a node subscribed to {many}, of one subscribed to {FEW}"),
        ],
    );
    for pair in samples.chunks_exact(2) {
        let [few, many] = pair else { continue };
        let gogc = if few.is_spacious { ", GOGC=400" } else { "" };
        let ratios = figures.ratios("server", [many, few])?;
        table.row([format!("{}{gogc}", few.engine), ratios.to_string()]);
    }
    table.note(
        "A message finds its subscriptions by its subject, in NATS as in Redis. The rest in \
         NATS is the garbage collector, which scans the memory of the subscriptions; with a larger \
         heap it does so less often.",
    );
    Ok(table)
}
