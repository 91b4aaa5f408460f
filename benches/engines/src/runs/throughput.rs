//! Events a second: a thousand publishers at once, a thousand topics, and one node that subscribes to
//! all of them.

use sse_bench_report::{Marks, Table};

use crate::engine::Engine;
use crate::extent::Extent;
use crate::result::Result;
use crate::sample::{Kind, Sample};
use crate::turns::Turns;

const TOPICS: usize = 1_000;
const PUBLISHERS: usize = 1_000;

/// The mark, in events a second.
const MARK: f64 = 70_000.0;

pub(super) fn measure(extent: &Extent, turns: &mut Turns, _marks: &mut Marks) -> Result<Table> {
    let sample = |engine| Sample {
        events: extent.size(400_000, 10_000),
        publishers: PUBLISHERS,
        topics: TOPICS,
        subscribed: TOPICS,
        ..Sample::new(Kind::Publishing, engine)
    };
    let mut samples = vec![sample(Engine::Channel), sample(Engine::Embedded)];
    samples.extend(extent.engines().map(sample));
    let figures = turns.take("throughput", &samples)?;
    let mut table = Table::new(
        format!(
            "{}-byte events over {TOPICS} topics, from {PUBLISHERS} publishers, published and \
             received by one node",
            samples[0].len
        ),
        [
            "",
            "of a channel's events a second",
            "of the embedded hub's",
            "CPU of the node, µs an event",
            "CPU of the server, µs",
        ],
    );
    for sample in &samples {
        let speed = |of| figures.ratios("time", [of, sample]);
        table.row([
            sample.engine.to_string(),
            speed(&samples[0])?.to_string(),
            speed(&samples[1])?.to_string(),
            format!("{:.1}", figures.median("node", sample)?),
            match sample.engine {
                Engine::Program(_) => format!("{:.1}", figures.median("server", sample)?),
                _ => String::new(),
            },
        ]);
    }
    for sample in &samples[2..] {
        let of_mark = |figure: &str| {
            let micros = figures.least(figure, sample)?;
            Ok::<_, Box<dyn std::error::Error>>(1e6 / micros / MARK)
        };
        table.note(format!(
            "{}: of the mark for Redis, {MARK} events a second, the best round had {:.2} times. By \
             the CPU time that they took, one core would be enough for {:.2} times the mark in \
             the node, and for {:.2} times the mark in the server.",
            sample.engine,
            of_mark("time")?,
            of_mark("node")?,
            of_mark("server")?,
        ));
    }
    Ok(table)
}
