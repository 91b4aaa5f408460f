//! The cost of an engine for the hub, and of the hub for the engine: CPU time for each event, events
//! per second, latency, reading what was missed, and opening many topics at once.
//!
//! Each sample runs in a process of its own, which is the node, with publishers and subscribers; the
//! engine's servers are others. On a machine with two cores, each has about one. For comparison, the
//! same rounds have a channel and the hub without an engine.
//!
//! ```text
//! cargo run --manifest-path benches/Cargo.toml --release -p sse-bench-engines -- \
//!     [--quick] [--rounds N] [--output FOLDER] [--engine PROGRAM]… [--against PROGRAM] [RUN…]
//! cargo run --manifest-path benches/Cargo.toml --release -p sse-bench-engines -- sample KIND=…
//! ```
//!
//! `--engine` is the program of a server: of Redis, Valkey or NATS, which it says itself. It may be
//! given several times. Without it, `redis-server` and `nats-server` are measured.
//!
//! `sample` takes one sample and prints its figures, one a line.
//!
//! `--against` is another build of this program, for instance of an earlier commit, which takes the
//! same samples in turns with this one: the tables are followed by one of the ratios of the two. To
//! build it, check the earlier commit out into a folder of its own, and copy `benches/engines` to it
//! if it takes no samples yet. What depends on the public interface of the hub is in `connect.rs`.

mod arguments;
mod connect;
mod engine;
mod extent;
mod meter;
mod node;
mod result;
mod runs;
mod sample;
mod taking;
mod turns;

use std::process::ExitCode;

use sse_bench_report::{Machine, Marks, Part};

use crate::arguments::{Arguments, Order};
use crate::result::Result;
use crate::turns::Turns;

fn main() -> ExitCode {
    let done = Order::parse().and_then(|order| match order {
        Order::Sample(sample) => taking::take(&sample),
        Order::Measure(arguments) => measure(&arguments),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result {
    let mut turns = Turns::new(arguments.rounds, arguments.against.clone())?;
    let mut marks = Marks::default();
    let mut part = Part::new("engines", "Engines", &Machine::here());
    part.paragraph(
        "One node with an engine, compared with the same work without one: a channel of tokio, \
         and the embedded hub. The engine is a server of its own on the same machine: \
         Redis and Valkey with nothing kept on disk, NATS with its stream in files.",
    );
    for run in &arguments.runs {
        eprintln!("{} …", run.name());
        run.measure(&arguments.extent, &mut turns, &mut part, &mut marks)?;
        part.print_news();
    }
    for table in turns.comparison().into_iter().chain(marks.table()) {
        part.table(&table);
    }
    part.print_news();
    if let Some(folder) = &arguments.output {
        part.write_to(folder)?;
    }
    Ok(())
}
