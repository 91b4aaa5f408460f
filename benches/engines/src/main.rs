//! What the hub loses behind an engine: events a second, and the time that each is on its way.
//!
//! One process is the node; the engine's server is another. On a machine with two cores each has
//! one to itself, more or less, so publishers, subscribers and the node share theirs. Beside it, in
//! the same rounds: a channel and the embedded hub, which are the same work without an engine.
//!
//! ```text
//! cargo run --manifest-path benches/Cargo.toml --release -p sse-bench-engines -- [--quick] [--rounds N] [--output FOLDER] [RUN…]
//! ```

mod latency;
mod subject;
mod throughput;
mod topics;

use std::path::PathBuf;
use std::process::ExitCode;

use sse_bench_report::{Machine, Part};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What the command line asks for.
struct Arguments {
    quick: bool,
    rounds: usize,
    output: Option<PathBuf>,
    runs: Vec<Run>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Throughput,
    Latency,
    Topics,
}

impl Run {
    const ALL: [Self; 3] = [Self::Throughput, Self::Latency, Self::Topics];

    const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Latency => "latency",
            Self::Topics => "topics",
        }
    }
}

fn main() -> ExitCode {
    match parse().and_then(|arguments| measure(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Arguments> {
    let mut parsed = Arguments {
        quick: false,
        rounds: 5,
        output: None,
        runs: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(usage);
        match argument.as_str() {
            "--quick" => parsed.quick = true,
            "--rounds" => parsed.rounds = value()?.parse()?,
            "--output" => parsed.output = Some(value()?.into()),
            name => {
                let run = Run::ALL.into_iter().find(|run| run.name() == name);
                parsed.runs.push(run.ok_or_else(usage)?);
            }
        }
    }
    if parsed.quick {
        parsed.rounds = 1;
    }
    if parsed.runs.is_empty() {
        parsed.runs = Run::ALL.into();
    }
    Ok(parsed)
}

fn usage() -> String {
    let runs = Run::ALL.map(Run::name).join(", ");
    format!(
        "usage: sse-bench-engines [--quick] [--rounds N] [--output FOLDER] [RUN…]\nruns: {runs}"
    )
}

fn measure(arguments: &Arguments) -> Result {
    let runtime = tokio::runtime::Runtime::new()?;
    let mut part = Part::new("engines", "Engines", &Machine::here());
    part.paragraph(
        "One node with an engine behind it, beside the same work without one: a channel of \
         tokio's, and the embedded hub. The engine is a server of its own on the same machine: \
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
