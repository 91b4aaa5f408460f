//! The command line.

use std::path::PathBuf;

use crate::result::Result;

const USAGE: &str =
    "usage: sse-bench-hub [--quick] [--rounds N] [--output FOLDER] [refusals] [members]";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Run {
    Refusals,
    Members,
}

pub(crate) struct Arguments {
    /// Whether to check only that everything works.
    pub(crate) is_quick: bool,
    pub(crate) rounds: usize,
    /// The folder that the report is written to.
    pub(crate) output: Option<PathBuf>,
    /// Those that were named, or all.
    pub(crate) runs: Vec<Run>,
}

impl Arguments {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut parsed = Self {
            is_quick: false,
            rounds: 15,
            output: None,
            runs: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(USAGE);
            match argument.as_str() {
                "--quick" => parsed.is_quick = true,
                "--rounds" => parsed.rounds = value()?.parse()?,
                "--output" => parsed.output = Some(value()?.into()),
                "refusals" => parsed.runs.push(Run::Refusals),
                "members" => parsed.runs.push(Run::Members),
                _ => return Err(USAGE.into()),
            }
        }
        if parsed.runs.is_empty() {
            parsed.runs = vec![Run::Refusals, Run::Members];
        }
        if parsed.is_quick {
            parsed.rounds = 1;
        }
        Ok(parsed)
    }
}
