//! Subscribers that stop reading while publishing goes on: whether the server's memory grows with
//! what they have not taken, and what they find when they read on.

use std::io;
use std::time::{Duration, Instant};

use sse_bench_report::{Part, Table};

use crate::Result;
use crate::field::{Field, deliver};
use crate::servers::Server;
use crate::subscribers::{Losses, Subscribers};

const STALLED: u64 = 100;
const READING: u64 = 10;

/// Events that are published at a time, and how often in all: by the third quarter, the kernel's
/// buffers for each connection are full, and its server has what it keeps then.
const BURST: u64 = 80;
const BURSTS: u64 = 400;

/// The parts of it after each of which the memory is looked at.
const STEPS: u64 = 4;

/// How long those who read wait for an event before the server is taken to have stopped.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a server may take for all of it. One that goes through all that is kept for each of
/// those who have stalled, with every event, would take for hours.
const BOUND: Duration = Duration::from_secs(45);

/// How much memory may grow in the last quarter and still be called flat, in bytes: less than three
/// events for each of those who have stalled.
const FLAT: u64 = 64 * 1024;

/// What became of one server.
struct Outcome {
    /// Memory after each step, less that before the first.
    growth: Vec<u64>,
    /// After how many events nothing came any more.
    stopped: Option<u64>,
    /// After how many events the time was up, and how much memory had grown by then.
    given_up: Option<(u64, u64)>,
    losses: Losses,
}

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let steps = (1..=STEPS).map(|step| format!("after {step}/{STEPS}"));
    let heads = ["server".to_owned()].into_iter().chain(steps);
    let bursts = field.at_most(BURSTS, 8);
    let mut table = Table::new(
        format!(
            "Memory with {STALLED} stalled readers: growth in KiB while {} events are published",
            bursts * BURST
        ),
        heads.chain(["when they read on".to_owned()]),
    );
    for server in field.servers().to_vec() {
        eprintln!("  {}", server.name());
        let outcome = stall(field, server, bursts)?;
        let growth = outcome
            .growth
            .iter()
            .map(|bytes| (bytes / 1024).to_string());
        let mut cells: Vec<_> = std::iter::once(server.name().to_owned())
            .chain(growth)
            .collect();
        cells.resize(1 + usize::try_from(STEPS)?, "–".to_owned());
        cells.push(said(&outcome));
        table.row(cells);
        if Server::OURS.contains(&server) {
            mark(field, server, &outcome);
        }
    }
    table.note(format!(
        "Beside them, {READING} subscribers read on and have every event before the next are \
         published."
    ));
    part.table(&table);
    Ok(())
}

fn stall(field: &Field, server: Server, bursts: u64) -> io::Result<Outcome> {
    let (mut process, mut reading) = field.start_with(server, READING)?;
    let mut stalled = Subscribers::of(&process);
    stalled.add(&process, STALLED)?;
    deliver(&mut process, &mut reading, BURST)?;
    let before = process.anonymous_memory()?;
    let mut outcome = Outcome {
        growth: Vec::new(),
        stopped: None,
        given_up: None,
        losses: Losses::default(),
    };
    let begun = Instant::now();
    for burst in 1..=bursts {
        if begun.elapsed() > BOUND {
            let now = process.anonymous_memory()?;
            outcome.given_up = Some(((burst - 1) * BURST, now.saturating_sub(before)));
            return Ok(outcome);
        }
        let number = process.publish(BURST)?;
        match reading.wait_at_most(PATIENCE, number) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                outcome.stopped = Some(number);
                return Ok(outcome);
            }
            done => done?,
        }
        process.take_answers()?;
        if burst % (bursts / STEPS) == 0 {
            let now = process.anonymous_memory()?;
            outcome.growth.push(now.saturating_sub(before));
        }
    }
    outcome.losses = stalled.catch_up(&mut process)?;
    Ok(outcome)
}

/// What those who had stalled have found.
fn said(outcome: &Outcome) -> String {
    let Losses {
        lost,
        told,
        concerned,
        cut,
    } = outcome.losses;
    if let Some(number) = outcome.stopped {
        return format!("nobody got event {number}");
    }
    if let Some((number, grown)) = outcome.given_up {
        let (seconds, kib) = (BOUND.as_secs(), grown / 1024);
        return format!("given up after {seconds} s and {number} events, at {kib} KiB");
    }
    if cut > 0 {
        return format!("{cut} were cut off");
    }
    match (concerned, told) {
        (0, _) => "nothing is lost".to_owned(),
        (_, 0) => format!("{} events lost each, without a word", lost / concerned),
        _ => format!(
            "{} events lost each, {told} of {concerned} told",
            lost / concerned
        ),
    }
}

fn mark(field: &mut Field, server: Server, outcome: &Outcome) {
    let name = server.name();
    if let ([.., before, last], None) = (&outcome.growth[..], outcome.stopped) {
        let kib = last.saturating_sub(*before) / 1024;
        let kib = u32::try_from(kib).map_or(f64::MAX, f64::from);
        field.marks().value(
            format!("stalled readers: growth of {name} in the last quarter, KiB"),
            kib,
            f64::from(u32::try_from(FLAT / 1024).unwrap_or_default()),
        );
    }
}
