//! The command line.

use std::path::PathBuf;

use crate::engine::Program;
use crate::extent::Extent;
use crate::result::Result;
use crate::runs::Run;
use crate::sample::Sample;

/// What the command line asks for.
pub(crate) enum Order {
    /// One sample, in this process.
    Sample(Sample),
    /// Whole runs, each sample of which is taken by a process of its own.
    Measure(Arguments),
}

/// What is measured, and how.
pub(crate) struct Arguments {
    pub(crate) extent: Extent,
    /// How often each measurement is repeated.
    pub(crate) rounds: usize,
    /// The folder that the report is written to.
    pub(crate) output: Option<PathBuf>,
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
            extent: Extent {
                is_quick: false,
                programs: Vec::new(),
            },
            rounds: 5,
            output: None,
            against: None,
            runs: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(usage);
            match argument.as_str() {
                "--quick" => parsed.extent.is_quick = true,
                "--rounds" => parsed.rounds = value()?.parse()?,
                "--output" => parsed.output = Some(value()?.into()),
                "--engine" => parsed.extent.programs.push(Program::find(&value()?)?),
                "--against" => parsed.against = Some(value()?.into()),
                name => {
                    let run = Run::ALL.into_iter().find(|run| run.name() == name);
                    parsed.runs.push(run.ok_or_else(usage)?);
                }
            }
        }
        if parsed.extent.is_quick {
            parsed.rounds = 1;
        }
        if parsed.extent.programs.is_empty() {
            for program in ["redis-server", "nats-server"] {
                parsed.extent.programs.push(Program::find(program)?);
            }
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
