//! The cost of an engine for the hub: events per second, and latency.
//!
//! One process is the node, with publishers and subscribers; the engine's server is another. On a
//! machine with two cores, each has about one. For comparison, the same rounds have a channel and the
//! hub without an engine.
//!
//! ```text
//! cargo run --manifest-path benches/Cargo.toml --release -p sse-bench-engines -- \
//!     [--quick] [--rounds N] [--output FOLDER] [RUN…]
//! ```

mod arguments;
mod latency;
mod subject;
mod throughput;
mod topics;

use std::process::ExitCode;

use sse_bench_report::{Machine, Part};

use crate::arguments::{Arguments, Result, Run};

fn main() -> ExitCode {
    match Arguments::parse().and_then(|arguments| measure(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut part = Part::new("engines", "Engines", &Machine::here());
    part.paragraph(
        "One node with an engine, compared with the same work without one: a channel of tokio, \
         and the embedded hub. The engine is a server of its own on the same machine: \
         Redis with nothing kept on disk, NATS with its stream in files.",
    );
    for run in &arguments.runs {
        eprintln!("{} …", run.name());
        match run {
            Run::Throughput => throughput::measure(&runtime, arguments, &mut part)?,
            Run::Latency => latency::measure(&runtime, arguments, &mut part)?,
            Run::Topics => topics::measure(&runtime, arguments, &mut part)?,
        }
        part.print_news();
    }
    if let Some(folder) = &arguments.output {
        part.write_to(folder)?;
    }
    Ok(())
}
