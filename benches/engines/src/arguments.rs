//! The command line.

use std::path::PathBuf;

use crate::engine::Program;
use crate::runs::Run;
use crate::sample::Sample;

/// The result of a run. An error ends the program.
pub(crate) type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What the command line asks for.
pub(crate) enum Order {
    /// One sample, in this process.
    Sample(Sample),
    /// Whole runs, each sample of which is taken by a process of its own.
    Measure(Arguments),
}

/// What is measured, and how.
pub(crate) struct Arguments {
    /// Whether to check only that everything works.
    pub(crate) quick: bool,
    /// How often each measurement is repeated.
    pub(crate) rounds: usize,
    /// The folder that the report is written to.
    pub(crate) output: Option<PathBuf>,
    /// The servers' programs.
    pub(crate) engines: Vec<Program>,
    /// Another build of this program to compare with.
    pub(crate) against: Option<PathBuf>,
    pub(crate) runs: Vec<Run>,
}

impl Order {
    /// Reads the arguments of this process.
    pub(crate) fn parse() -> Result<Self> {
        let mut arguments = std::env::args().skip(1).peekable();
        if arguments.next_if(|first| first == "sample").is_some() {
            return Ok(Self::Sample(Sample::parse(arguments)?));
        }
        Arguments::parse(arguments).map(Self::Measure)
    }
}

impl Arguments {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut parsed = Self {
            quick: false,
            rounds: 5,
            output: None,
            engines: Vec::new(),
            against: None,
            runs: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(usage);
            match argument.as_str() {
                "--quick" => parsed.quick = true,
                "--rounds" => parsed.rounds = value()?.parse()?,
                "--output" => parsed.output = Some(value()?.into()),
                "--engine" => parsed.engines.push(Program::find(&value()?)?),
                "--against" => parsed.against = Some(value()?.into()),
                name => {
                    let run = Run::ALL.into_iter().find(|run| run.name() == name);
                    parsed.runs.push(run.ok_or_else(usage)?);
                }
            }
        }
        if parsed.quick {
            parsed.rounds = 1;
        }
        if parsed.engines.is_empty() {
            for program in ["redis-server", "nats-server"] {
                parsed.engines.push(Program::find(program)?);
            }
        }
        if parsed.runs.is_empty() {
            parsed.runs = Run::ALL.into();
        }
        Ok(parsed)
    }

    /// Returns the size of a sample: the second if it is only to be checked that everything works.
    pub(crate) const fn size(&self, whole: usize, quick: usize) -> usize {
        if self.quick { quick } else { whole }
    }
}

fn usage() -> String {
    let runs = Run::ALL.map(Run::name).join(", ");
    format!(
        "usage: sse-bench-engines [--quick] [--rounds N] [--output FOLDER] [--engine PROGRAM]…\n\
         \x20                        [--against PROGRAM] [RUN…]\n\
         runs: {runs}\n\
         --engine is the program of a server: Redis, Valkey or NATS. By default, redis-server and\n\
         nats-server are measured.\n\
         --against is another build of this program, as of an earlier commit: it takes the same\n\
         samples in turns, and the ratios are reported.\n\
         usage: sse-bench-engines sample KIND [NAME=VALUE]…\n\
         {}",
        Sample::USAGE
    )
}
