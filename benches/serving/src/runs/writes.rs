//! How many system calls an event takes, counted by strace.

use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sse_bench_report::{Part, Table};

use crate::Result;
use crate::client;
use crate::field::Field;
use crate::process::Process;
use crate::runs::burst;
use crate::workload::Workload;

/// The system calls that write to a socket.
const WRITES: [&str; 6] = ["write", "writev", "send", "sendto", "sendmsg", "sendmmsg"];

/// How long strace may take to come to an end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The text of an event of the burst.
const SIZE: usize = 16;

/// Calls for each event: those that write, and all.
type Calls = [f64; 2];

#[allow(clippy::cast_precision_loss, reason = "an event is short")]
pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let found = Command::new("strace").arg("-V").output();
    if !found.is_ok_and(|output| output.status.success()) {
        part.paragraph("System calls were not counted: there is no strace.");
        return Ok(());
    }
    let burst_events = field.at_most(100_000, 2_000);
    let live_events = field.at_most(1_000, 20);
    let mut table = Table::new(
        "System calls per event",
        [
            "server",
            "burst of 16 B: writes",
            "bytes per write",
            "all calls",
            "one at a time: writes",
            "all calls",
        ],
    );
    for server in field.servers().to_vec() {
        let mut process = field.start_one(server)?;
        let in_burst = traced(&mut process, burst_events, |process| {
            burst::burst(field.client(), process, 1, SIZE, burst_events).map(drop)
        })?;
        let client = field.client();
        let keep = client::live_tail_len();
        let live = client.open(&process, Workload::Live, keep)?;
        let mut live = [live];
        let alone = traced(&mut process, live_events, |process| {
            for _ in 0..live_events {
                let tick = process.tick()?;
                client.read_tick(&mut live, tick)?;
            }
            Ok(())
        })?;
        let calls = |calls: f64| format!("{calls:.4}");
        table.row([
            server.name().to_owned(),
            calls(in_burst[0]),
            format!("{:.0}", client::last_event_len(SIZE) as f64 / in_burst[0]),
            calls(in_burst[1]),
            calls(alone[0]),
            calls(alone[1]),
        ]);
    }
    part.table(&table);
    Ok(())
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts of calls are far below 2^52"
)]
fn traced(
    process: &mut Process,
    events: u64,
    load: impl FnOnce(&mut Process) -> io::Result<()>,
) -> io::Result<Calls> {
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-p"])
        .arg(process.id().to_string())
        .stderr(Stdio::piped())
        .spawn()?;
    // It tells that it has attached by a line for each thread; they are there at once.
    thread::sleep(Duration::from_millis(500));
    let done = load(process);
    kill(Pid::from_raw(strace.id().cast_signed()), Signal::SIGINT)?;
    let begun = Instant::now();
    while strace.try_wait()?.is_none() {
        if begun.elapsed() > PATIENCE {
            strace.kill()?;
        }
        thread::sleep(Duration::from_millis(5));
    }
    // All is there by now, and it is less than a pipe holds.
    let mut summary = String::new();
    if let Some(mut errors) = strace.stderr.take() {
        errors.read_to_string(&mut summary)?;
    }
    done?;

    let mut calls = [0_u64; 2];
    for line in summary.lines() {
        let mut words = line.split_whitespace();
        let (Some(Ok(count)), Some(name)) = (words.next().map(str::parse::<u64>), words.next())
        else {
            continue;
        };
        if name == "total" {
            calls[1] = count;
        } else if WRITES.contains(&name) {
            calls[0] += count;
        }
    }
    Ok(calls.map(|count| count as f64 / events as f64))
}
