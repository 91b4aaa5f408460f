//! What a hub does besides delivering: `refusals` is how long publishing takes at the limit of topics, with and
//! without 1,000 refused subscriptions a second; `members` is what a set of 10,000 members over two nodes costs.
//!
//! Where other work is done as well, the scheduler takes longer than what is measured, unless the program
//! is run in real time, as by `chrt --fifo 1`.
//!
//! ```text
//! cargo run --manifest-path benches/Cargo.toml --release -p sse-bench-hub -- \
//!     [--quick] [--rounds N] [--output FOLDER] [RUN…]
//! ```

mod arguments;
mod members;
mod publisher;
mod refusals;
mod result;

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use sse_bench_report::{Machine, Marks, Part, Samples, Table};
use sse_hub::Hub;

use crate::arguments::{Arguments, Run};
use crate::members::Extent;
use crate::refusals::Refusals;
use crate::result::Result;

/// How long one sample takes, and how long nothing is done before the next one. A process that is
/// scheduled in real time may take 95 of 100 of each second.
const WINDOW: Duration = Duration::from_millis(750);
const PAUSE: Duration = Duration::from_millis(250);

const WITH: &str = "with refusals";
const WITHOUT: &str = "without";

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| measure(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result {
    let mut part = Part::new("hub", "Hub", &Machine::here());
    let mut marks = Marks::default();
    if arguments.runs.contains(&Run::Refusals) {
        measure_refusals(arguments, &mut part, &mut marks)?;
    }
    if arguments.runs.contains(&Run::Members) {
        let extent = if arguments.is_quick {
            Extent::QUICK
        } else {
            Extent::WHOLE
        };
        members::measure(&extent, &mut part, &mut marks)?;
    }
    if let Some(marks) = marks.table() {
        part.table(&marks);
    }
    part.print_news();
    if let Some(folder) = &arguments.output {
        part.write_to(folder)?;
    }
    Ok(())
}

fn measure_refusals(arguments: &Arguments, part: &mut Part, marks: &mut Marks) -> Result {
    let mut table = Table::new(
        "Publishing at the limit of topics, with 1,000 refused subscriptions a second, of without",
        ["topics", "median", "99 of 100"],
    );
    let (sizes, window): (&[usize], _) = if arguments.is_quick {
        (&[100], Duration::from_millis(50))
    } else {
        (&[10_000, 100_000], WINDOW)
    };
    for topics in sizes {
        let [median, p99] = sample(*topics, window, arguments.rounds)?;
        let mut row = vec![topics.to_string()];
        for (what, samples) in [("median", &median), ("99 of 100", &p99)] {
            let ratios = samples.cost(WITH, WITHOUT).ok_or("no rounds")?;
            row.push(ratios.to_string());
            marks.ratios(format!("{what}, {topics} topics"), ratios, 1.2);
            for name in [WITHOUT, WITH] {
                let micros = samples.median(name).unwrap_or_default();
                eprintln!("{topics} topics, {what}, {name}: {micros:.2} µs");
            }
        }
        table.row(row);
    }
    table.note(
        "One thread publishes 10,000 events a second to random topics, at fixed times; how long it takes is \
         counted from these. Another thread subscribes to topics for which there is no room.",
    );
    part.table(&table);
    Ok(())
}

/// Measures in turns with and without refused subscriptions. Returns the medians, and what 99 of 100
/// publishes take, both in microseconds.
fn sample(topics: usize, window: Duration, rounds: usize) -> Result<[Samples; 2]> {
    let hub = Hub::builder().max_topics(topics).build();
    let names: Vec<_> = (0..topics).map(|number| format!("room:{number}")).collect();
    for name in &names {
        hub.publish_now(name, "full")?;
    }
    let mut samples = [Samples::new(), Samples::new()];
    for round in 0..=rounds {
        for is_refusing in [false, true] {
            thread::sleep(PAUSE);
            let refusals = is_refusing.then(|| Refusals::start(hub.clone()));
            let mut times = publisher::times(&hub, &names, window)?;
            if let Some(refusals) = refusals {
                let refused = refusals.stop()?;
                eprintln!("{topics} topics, round {round}: {refused} refused");
            }
            // The first round does not count.
            if round > 0 {
                times.sort_unstable();
                for (samples, percent) in samples.iter_mut().zip([50, 99]) {
                    let time = times[times.len() * percent / 100];
                    let name = if is_refusing { WITH } else { WITHOUT };
                    samples.record(name, time.as_secs_f64() * 1e6);
                }
            }
        }
    }
    Ok(samples)
}
