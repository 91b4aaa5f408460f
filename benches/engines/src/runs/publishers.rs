//! The costs of publishing for the engine, whose core is the limit of a hub: 64 publishers, and no
//! subscriber.

use sse_bench_report::{Marks, Table};

use crate::engine::{Engine, Kind as Asked};
use crate::extent::Extent;
use crate::result::Result;
use crate::sample::{Kind, Sample};
use crate::turns::Turns;

const PUBLISHERS: usize = 64;

/// The numbers of topics that the events are spread over.
const TOPICS: [usize; 2] = [10, 1_000];

/// The mark: of the server's CPU time that another build takes.
const MARK: f64 = 0.4;

/// The mark: of the time that another build takes, for 2.5 times as many events a second.
const MARK_TIME: f64 = 1.0 / 2.5;

pub(super) fn measure(extent: &Extent, turns: &mut Turns, marks: &mut Marks) -> Result<Table> {
    let mut samples = Vec::new();
    for engine in extent.engines() {
        samples.extend(extent.cases(&TOPICS).iter().map(|topics| Sample {
            events: extent.size(200_000, 6_400),
            len: 200,
            publishers: PUBLISHERS,
            topics: *topics,
            ..Sample::new(Kind::Publishing, engine.clone())
        }));
    }
    let figures = turns.take("publishers", &samples)?;
    let mut table = Table::new(
        format!(
            "Publishing {}-byte events, from {PUBLISHERS} publishers",
            samples[0].len
        ),
        [
            "",
            "topics",
            "CPU of the server, µs an event",
            "CPU of the node, µs",
            "time, µs",
        ],
    );
    for sample in &samples {
        let micros = |figure| figures.cell(figure, sample);
        table.row([
            sample.engine.to_string(),
            sample.topics.to_string(),
            micros("server")?,
            micros("node")?,
            micros("time")?,
        ]);
        let Engine::Program(program) = &sample.engine else {
            continue;
        };
        if program.kind != Asked::Redis {
            continue;
        }
        for (what, figure, limit) in [
            ("the server's CPU time of an event", "server", MARK),
            ("the time of an event", "time", MARK_TIME),
        ] {
            if let Some(ratios) = figures.of_other(figure, sample) {
                marks.ratios(
                    format!("{what}, of the other build's: {sample}"),
                    ratios,
                    limit,
                );
            }
        }
    }
    table.note(
        "A publisher waits for one answer at a time. Node, publishers and server share the cores of \
         the machine, so the time is not what a server of its own would take.",
    );
    Ok(table)
}
