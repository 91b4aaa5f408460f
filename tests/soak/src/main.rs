//! The program: soaks or attacks that are named, or one of its own processes.

mod arguments;

use std::alloc::System;
use std::fmt::Display;
use std::fs;
use std::io::{IsTerminal as _, stderr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sse_hyper::BoxError;
use sse_soak::{Plan, SiegePlan, besiege, report, run, run_if_named};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use crate::arguments::Arguments;

/// Counts what is allocated.
#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The time between two lines, where the last one cannot be written over.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    // A connection is a descriptor.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let done = match run_if_named(&arguments) {
        Some(done) => done,
        None => Arguments::parse().and_then(|arguments| {
            if arguments.attacks.is_empty() {
                soak(&arguments)
            } else {
                attack(&arguments)
            }
        }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn soak(arguments: &Arguments) -> Result<(), BoxError> {
    let runtime = tokio::runtime::Runtime::new()?;
    let program = std::env::current_exe()?;
    let mut outcomes = Vec::new();
    let mut all = Vec::new();
    for subject in &arguments.subjects {
        let plan = Plan {
            subject: *subject,
            clients: arguments.clients.unwrap_or(10_000),
            time: arguments.time.unwrap_or(Duration::from_secs(180)),
            pace: arguments.pace,
            allocator: arguments.allocator,
            seed: arguments.seed,
        };
        let allocator = plan.allocator.title();
        eprintln!("-- {}, {allocator}, seed {}", subject.title, plan.seed);
        let mut show = show();
        let outcome = runtime.block_on(run(&program, &plan, |progress| show(progress)))?;
        eprintln!("\n{outcome}");
        if complain(&mut all, subject.name, outcome.complaints()) {
            outcomes.push(outcome);
        }
    }
    finish(arguments, &all, |text| report::with_soaks(text, &outcomes))
}

fn attack(arguments: &Arguments) -> Result<(), BoxError> {
    let runtime = tokio::runtime::Runtime::new()?;
    let program = std::env::current_exe()?;
    let mut outcomes = Vec::new();
    let mut all = Vec::new();
    for attack in &arguments.attacks {
        let is_attacked = |name: &str| attack.on.contains(&name);
        for subject in arguments.subjects.iter().filter(|it| is_attacked(it.name)) {
            let plan = SiegePlan {
                attack,
                subject: *subject,
                honest: arguments.clients.unwrap_or(200),
                rounds: 3,
                time: arguments.time,
            };
            let mut show = show();
            let outcome = runtime.block_on(besiege(&program, plan, |outcome| show(outcome)))?;
            eprintln!("\n{outcome}");
            if complain(&mut all, attack.name, outcome.complaints()) {
                outcomes.push(outcome);
            }
        }
    }
    finish(arguments, &all, |text| {
        report::with_attacks(text, &outcomes)
    })
}

/// Shows what is wrong, and adds it to all that is. Returns whether nothing is.
fn complain(all: &mut Vec<String>, of: &str, complaints: Vec<String>) -> bool {
    let is_right = complaints.is_empty();
    for complaint in complaints {
        eprintln!("WRONG: {complaint}");
        all.push(format!("{of}: {complaint}"));
    }
    is_right
}

/// Writes the figures of what has passed into the documentation. Fails if something has not.
fn finish(
    arguments: &Arguments,
    complaints: &[String],
    updated: impl FnOnce(&str) -> Result<String, String>,
) -> Result<(), BoxError> {
    if let Some(path) = &arguments.report {
        let text = fs::read_to_string(path)?;
        fs::write(path, updated(&text)?)?;
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n").into())
    }
}

/// Returns what shows the progress: on a terminal in one line, elsewhere in a line from time to time.
fn show() -> impl FnMut(&dyn Display) {
    let is_terminal = stderr().is_terminal();
    let mut shown = None::<Instant>;
    move |progress| {
        if is_terminal {
            eprint!("\r{progress}\x1b[K");
        } else if shown.is_none_or(|shown| shown.elapsed() >= LINE_INTERVAL) {
            eprintln!("{progress}");
            shown = Some(Instant::now());
        }
    }
}
