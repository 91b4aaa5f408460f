//! Subscribers that stop reading while publishing continues: whether the server's memory grows, and
//! what they receive when they read again.

use std::io;
use std::time::{Duration, Instant};

use sse_bench_report::{Part, Table};

use crate::Result;
use crate::field::{Field, deliver};
use crate::servers::Server;
use crate::subscribers::{Losses, Subscribers};

const STALLED: u64 = 100;
const READING: u64 = 10;

/// How many events are published at a time.
const BURST: u64 = 80;

/// How many bursts are published. By the third quarter, the kernel's buffers of each connection are
/// full, and the server keeps as much as it will.
const BURSTS: u64 = 400;

/// How many times the memory is read.
const STEPS: u64 = 4;

/// How long a reading subscriber waits for an event before the server counts as stopped.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How long a server may take for all bursts. With work that grows with the backlog of each stalled
/// subscriber, it would take hours.
const BOUND: Duration = Duration::from_secs(45);

/// How many bytes memory may grow in the last quarter and still count as flat: less than three events
/// per stalled subscriber.
const FLAT: u64 = 64 * 1024;

/// The result of one server.
struct Outcome {
    /// The growth of memory since the start, after each step.
    growth: Vec<u64>,
    /// The number of the event that did not arrive, if the server stopped.
    stopped: Option<u64>,
    /// The number of events within the time limit, and the growth of memory, if it was exceeded.
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
        heads.chain(["when they read again".to_owned()]),
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
        cells.push(summary(&outcome));
        table.row(cells);
        if Server::OURS.contains(&server) {
            mark(field, server, &outcome);
        }
    }
    table.note(format!(
        "{READING} other subscribers continue to read, and have every event before the next are \
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
        match reading.wait_at_most(TIMEOUT, number) {
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

/// Describes what the stalled subscribers received.
fn summary(outcome: &Outcome) -> String {
    let Losses {
        lost,
        informed,
        concerned,
        cut,
    } = outcome.losses;
    if let Some(number) = outcome.stopped {
        return format!("event {number} did not arrive");
    }
    if let Some((number, grown)) = outcome.given_up {
        let (seconds, kib) = (BOUND.as_secs(), grown / 1024);
        return format!("stopped after {seconds} s and {number} events, at {kib} KiB");
    }
    if cut > 0 {
        return format!("{cut} were cut");
    }
    match (concerned, informed) {
        (0, _) => "nothing is lost".to_owned(),
        (_, 0) => format!("{} events lost each, without a gap", lost / concerned),
        _ => format!(
            "{} events lost each, {informed} of {concerned} received a gap",
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
