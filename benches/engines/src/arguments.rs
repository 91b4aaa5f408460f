//! The command line.

use std::path::PathBuf;

/// The result of a run. An error ends the program.
pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What the command line asks for.
pub(crate) struct Arguments {
    /// Whether to check only that everything works.
    pub(crate) quick: bool,
    /// How often each measurement is repeated.
    pub(crate) rounds: usize,
    /// The folder that the report is written to.
    pub(crate) output: Option<PathBuf>,
    pub(crate) runs: Vec<Run>,
}

/// A subset of the benchmark.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Throughput,
    Latency,
    Topics,
}

impl Run {
    const ALL: [Self; 3] = [Self::Throughput, Self::Latency, Self::Topics];

    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Latency => "latency",
            Self::Topics => "topics",
        }
    }
}

impl Arguments {
    /// Reads the arguments of this process.
    pub(crate) fn parse() -> Result<Self> {
        let mut parsed = Self {
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
}

fn usage() -> String {
    let runs = Run::ALL.map(Run::name).join(", ");
    format!(
        "usage: sse-bench-engines [--quick] [--rounds N] [--output FOLDER] [RUN…]\nruns: {runs}"
    )
}
