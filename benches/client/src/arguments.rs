//! The command line.

use std::path::PathBuf;

use sse_bench_process::Result;

use crate::server::Path;

const USAGE: &str = "\
usage: sse-bench-client [--quick] [--rounds N] [--output FOLDER] [RUN…]

  RUN      burst, chunks, live, idle: only what is named
  --quick  check that all clients work and agree; measure nothing
  --output write the part of the report there
";

pub(crate) struct Arguments {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) output: Option<PathBuf>,
    runs: Vec<Path>,
}

impl Arguments {
    pub(crate) fn parse(arguments: &[&str]) -> Result<Self> {
        let mut parsed = Self {
            quick: false,
            rounds: 7,
            output: None,
            runs: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match *argument {
                "--quick" => parsed.quick = true,
                "--rounds" => parsed.rounds = arguments.next().ok_or(USAGE)?.parse()?,
                "--output" => parsed.output = Some(arguments.next().ok_or(USAGE)?.into()),
                run => parsed.runs.push(Path::named(run).map_err(|_| USAGE)?),
            }
        }
        Ok(parsed)
    }

    /// Returns whether a run is named, or none is.
    pub(crate) fn selects(&self, run: Path) -> bool {
        self.runs.is_empty() || self.runs.contains(&run)
    }
}
