//! The arguments of the command line.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;
use sse_hyper::BoxError;
use sse_soak::{ATTACKS, Allocator, Attack, SUBJECTS, Subject};

const HELP: &str = "\
usage: cargo xtask soak [OPTION…] [NAME…]
       cargo xtask soak attacks [OPTION…] [NAME…]

Lets clients come, go, stall, reset and resume, and checks what they receive and what is left
of them; or attacks servers while honest clients read. NAME is hyper, hyper-http2, actix, tcp, redis, nats, or
an attack; by default it is all of them.

  --minutes N    how long each soak lasts; 3 by default
  --seconds N    the same in seconds; or how long a round of an attack lasts
  --clients N    how many clients there are at a time; by default 10000, and 200 honest ones
  --pace N       how many times as fast as usual everything happens; 1 by default
  --seed N       what the randomness of the clients begins with
  --jemalloc     the servers have jemalloc instead of the system's allocator
  --report FILE  the file whose tables get the figures, if nothing is wrong
";

/// The arguments.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) subjects: Vec<Subject>,
    /// None for a soak.
    pub(crate) attacks: Vec<&'static Attack>,
    pub(crate) time: Option<Duration>,
    pub(crate) clients: Option<usize>,
    pub(crate) pace: u32,
    pub(crate) seed: u64,
    pub(crate) allocator: Allocator,
    pub(crate) report: Option<PathBuf>,
}

impl Arguments {
    /// Reads those of this process.
    pub(crate) fn parse() -> Result<Self, BoxError> {
        let mut arguments = Self {
            subjects: Vec::new(),
            attacks: Vec::new(),
            time: None,
            clients: None,
            pace: 1,
            seed: fastrand::u64(..),
            allocator: Allocator::System,
            report: None,
        };
        let mut are_attacks = false;
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("minutes") => {
                    let minutes: u64 = parser.value()?.parse()?;
                    arguments.time = Some(Duration::from_secs(60 * minutes));
                }
                Long("seconds") => {
                    arguments.time = Some(Duration::from_secs(parser.value()?.parse()?));
                }
                Long("clients") => arguments.clients = Some(parser.value()?.parse()?),
                Long("pace") => arguments.pace = parser.value()?.parse()?,
                Long("seed") => arguments.seed = parser.value()?.parse()?,
                Long("jemalloc") => arguments.allocator = Allocator::Jemalloc,
                Long("report") => arguments.report = Some(parser.value()?.into()),
                Value(name) if name == "attacks" && !are_attacks => are_attacks = true,
                Value(name) => arguments.add(&name.string()?, are_attacks)?,
                _ => return Err(HELP.into()),
            }
        }
        if arguments.subjects.is_empty() {
            arguments.subjects.extend(SUBJECTS);
        }
        if arguments.attacks.is_empty() && are_attacks {
            arguments.attacks.extend(ATTACKS);
        }
        if arguments.clients == Some(0) || arguments.pace == 0 {
            return Err(HELP.into());
        }
        Ok(arguments)
    }

    /// Adds what has this name.
    fn add(&mut self, name: &str, are_attacks: bool) -> Result<(), BoxError> {
        let subject = SUBJECTS.into_iter().find(|subject| subject.name == name);
        let attacks = ATTACKS
            .iter()
            .filter(|attack| are_attacks && attack.name == name);
        let known = self.attacks.len();
        self.attacks.extend(attacks);
        match subject {
            Some(subject) => self.subjects.push(subject),
            None if self.attacks.len() > known => {}
            None => return Err(format!("{name} is unknown\n\n{HELP}").into()),
        }
        Ok(())
    }
}
