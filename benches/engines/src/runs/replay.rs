//! What a client that comes back costs if the node has none of what it has missed.

use sse_bench_report::{Marks, Table};

use crate::engine::{Engine, Kind as Asked};
use crate::extent::Extent;
use crate::result::Result;
use crate::sample::{Kind, Sample};
use crate::turns::Turns;

/// The mark: of the time that another build takes with NATS, for twenty times the speed.
const MARK: f64 = 1.0 / 20.0;

pub(super) fn measure(extent: &Extent, turns: &mut Turns, marks: &mut Marks) -> Result<Table> {
    let sample = |engine| Sample {
        events: extent.size(10_000, 1_000),
        ..Sample::new(Kind::Replay, engine)
    };
    let mut samples = vec![sample(Engine::Embedded)];
    samples.extend(extent.engines().map(sample));
    let figures = turns.take("replay", &samples)?;
    let mut table = Table::new(
        format!(
            "A client that has missed {} events of {} bytes, on a node that was just started",
            samples[0].events, samples[0].len
        ),
        [
            "",
            "time, µs an event",
            "CPU of the node, µs",
            "CPU of the server, µs",
        ],
    );
    for sample in &samples {
        let micros = |figure| figures.cell(figure, sample);
        table.row([
            sample.engine.to_string(),
            micros("time")?,
            micros("node")?,
            match sample.engine {
                Engine::Program(_) => micros("server")?,
                _ => String::new(),
            },
        ]);
        if let Engine::Program(program) = &sample.engine
            && program.kind == Asked::Nats
            && let Some(ratios) = figures.of_other("time", sample)
        {
            let what = format!("the time of a missed event, of the other build's: {sample}");
            marks.ratios(what, ratios, MARK);
        }
    }
    table.note("The embedded hub has the events in its memory.");
    Ok(table)
}
