//! Fewer, larger wake-ups: the cost of a delivery if more events are published together.
//!
//! That is the gain of a server that publishes in ticks of some milliseconds instead of at once. The
//! gain of a server that writes without system calls is estimated from the cost of such a call.

use std::hint::black_box;
use std::time::Instant;

use sse_bench_report::{Part, Samples, micros_each};

use crate::Result;
use crate::field::{Field, deliver};
use crate::servers::Server;

const SUBSCRIBERS: u64 = 1_000;

/// Events that come together.
const BATCHES: [u64; 6] = [1, 2, 5, 10, 20, 50];

const SERVERS: [Server; 4] = [
    Server::Floor,
    Server::SseTokioTcp,
    Server::SseHyper,
    Server::Axum,
];

/// How many deliveries are measured at a time.
const DELIVERIES: u64 = 100_000;

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let count = field.at_most(SUBSCRIBERS, 20);
    let mut running = Vec::new();
    for server in field.those_of(&SERVERS) {
        running.push(field.start_with(server, count)?);
    }
    let mut columns = Vec::new();
    for batch in BATCHES {
        let times = field.at_most((DELIVERIES / count / batch).max(5), 2);
        let mut samples = Samples::new();
        for _ in 0..field.rounds(5) {
            for (process, subscribers) in &mut running {
                let before = process.cpu_time()?;
                for _ in 0..times {
                    deliver(process, subscribers, batch)?;
                }
                let used = process.cpu_time()? - before;
                let cost = micros_each(used, times * batch * count);
                samples.record(process.server().name(), cost);
            }
        }
        columns.push((batch.to_string(), samples));
    }
    let columns: Vec<_> = columns
        .iter()
        .map(|(head, samples)| (head.clone(), samples))
        .collect();
    let title = format!(
        "Larger wake-ups: microseconds of CPU time per delivery to {count} subscribers, by the \
         events that are published together"
    );
    let mut table = field.median_table(&title, &columns, 2);
    table.note("Medians; each row is to be read from left to right.");
    if let Some((_, alone)) = columns.first()
        && let Some(floor) = alone.median(Server::Floor.name())
    {
        let call = empty_call();
        table.note(format!(
            "An empty system call takes {call:.3} µs on this machine. A delivery is one system \
             call, so io_uring, which would save entering the kernel for each of them but not \
             what the kernel does there, could save {:.0} % of the floor’s CPU time at the most.",
            call / floor * 100.0
        ));
    }
    part.table(&table);
    Ok(())
}

/// Microseconds that it takes to enter the kernel and to leave it again.
fn empty_call() -> f64 {
    const CALLS: u64 = 1_000_000;
    let round = || {
        let begun = Instant::now();
        for _ in 0..CALLS {
            black_box(std::os::unix::process::parent_id());
        }
        micros_each(begun.elapsed(), CALLS)
    };
    (0..3).map(|_| round()).fold(f64::MAX, f64::min)
}
