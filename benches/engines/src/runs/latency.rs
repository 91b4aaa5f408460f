//! The latency from publishing to the subscriber, at a thousand events a second.

use sse_bench_report::{Marks, Table};

use crate::engine::Engine;
use crate::extent::Extent;
use crate::result::Result;
use crate::sample::{Kind, Sample};
use crate::turns::Turns;

/// The mark, in microseconds for the median.
const MARK: f64 = 1_000.0;

pub(super) fn measure(extent: &Extent, turns: &mut Turns, marks: &mut Marks) -> Result<Table> {
    let sample = |engine| Sample {
        events: extent.size(3_000, 200),
        ..Sample::new(Kind::Latency, engine)
    };
    let mut samples = vec![sample(Engine::Embedded)];
    samples.extend(extent.engines().map(sample));
    let figures = turns.take("latency", &samples)?;
    let mut table = Table::new(
        "The time from publishing to the subscriber, at 1,000 events a second",
        ["", "median, of the mark of 1 ms", "99 of 100, of the mark"],
    );
    for sample in &samples[1..] {
        let added = |figure| {
            let added = figures.median(figure, sample)? - figures.median(figure, &samples[0])?;
            Ok::<_, Box<dyn std::error::Error>>(format!("{:.2}", added / MARK))
        };
        table.row([
            format!("added by {}", sample.engine),
            added("p50")?,
            added("p99")?,
        ]);
        if let Some(ratios) = figures.of_other("p50", sample) {
            let what = format!("the median latency, of the other build's: {sample}");
            marks.ratios(what, ratios, 1.0);
        }
    }
    table.note("What the embedded hub takes for the same is subtracted.");
    Ok(table)
}
