//! How many system calls an event takes, counted by strace.

use std::io;

use sse_bench_process::strace;
use sse_bench_report::{Part, Table};

use crate::Result;
use crate::client;
use crate::field::Field;
use crate::process::Process;
use crate::runs::burst;
use crate::workload::Workload;

/// The text of an event of the burst.
const SIZE: usize = 16;

#[allow(clippy::cast_precision_loss, reason = "an event is short")]
pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    if !strace::is_there() {
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

/// Calls for each event: those that write, and all.
#[allow(
    clippy::cast_precision_loss,
    reason = "counts of calls are far below 2^52"
)]
fn traced(
    process: &mut Process,
    events: u64,
    load: impl FnOnce(&mut Process) -> io::Result<()>,
) -> io::Result<[f64; 2]> {
    let calls = strace::count(process.id(), || load(process))?;
    Ok([calls.writes, calls.all].map(|count| count as f64 / events as f64))
}
