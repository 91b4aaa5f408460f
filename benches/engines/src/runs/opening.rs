//! Many topics that are opened at once, by as many clients.

use sse_bench_report::{Marks, Ratios, Table};

use crate::engine::Engine;
use crate::extent::Extent;
use crate::result::Result;
use crate::sample::{Kind, Sample};
use crate::turns::Turns;

/// The mark: of the time that the embedded hub takes.
const MARK: f64 = 5.0;

/// The mark: requests to the engine for each topic.
const MARK_REQUESTS: f64 = 1.5;

pub(super) fn measure(extent: &Extent, turns: &mut Turns, marks: &mut Marks) -> Result<Table> {
    let sample = |kind, engine| Sample {
        topics: extent.size(5_000, 500),
        ..Sample::new(kind, engine)
    };
    let opening = |engine| sample(Kind::Opening, engine);
    let requests = |engine| sample(Kind::Requests, engine);
    let mut samples = vec![opening(Engine::Embedded)];
    samples.extend(extent.engines().map(opening));
    let figures = turns.take("opening", &samples)?;
    let counted: Vec<_> = extent.engines().map(requests).collect();
    let counts = turns.take("opening", &counted)?;
    let mut table = Table::new(
        format!(
            "{} topics, opened at once by as many clients",
            samples[0].topics
        ),
        [
            "",
            "of the embedded hub's time",
            "CPU of the node, µs a topic",
            "CPU of the server, µs",
            "requests to the engine, for each topic",
            "not opened within 20 s",
        ],
    );
    for sample in &samples {
        let micros = |figure| figures.cell(figure, sample);
        let time = figures.ratios("time", [sample, &samples[0]])?;
        let mut row = vec![sample.engine.to_string(), time.to_string(), micros("node")?];
        if let Some(counted) = counted.iter().find(|it| it.engine == sample.engine) {
            let requests = counts.median("requests", counted)?;
            row.extend([micros("server")?, format!("{requests:.2}")]);
            marks.ratios(
                format!("the time of opening, of the embedded hub's: {sample}"),
                time,
                MARK,
            );
            if let Some(requests) = Ratios::of([requests]) {
                let what = format!("requests for each topic: {sample}");
                marks.ratios(what, requests, MARK_REQUESTS);
            }
        } else {
            row.extend([String::new(), String::new()]);
        }
        row.push(format!("{:.0}", figures.median("missing", sample)?));
        table.row(row);
    }
    table.note(
        "The clients are connected before, and ask for their topics at once. The node serves them on \
         raw TCP, in one process with them.",
    );
    Ok(table)
}
