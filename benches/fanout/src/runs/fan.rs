//! Fan-out to more and more subscribers: the cost of a delivery, the time until the last subscriber
//! has it, and the memory per subscriber.

use std::io;
use std::time::{Duration, Instant};

use sse_bench_report::{Part, Samples, micros_each};

use crate::Result;
use crate::field::{Field, deliver};
use crate::process::Process;
use crate::servers::Server;
use crate::subscribers::Subscribers;

const SUBSCRIBERS: [u64; 5] = [1, 100, 1_000, 5_000, 10_000];

/// How many events a burst has.
const BURST: u64 = 10;

/// From so many on, a round takes its time.
const MANY: u64 = 5_000;

/// About how many deliveries are measured in each visit.
const ALONE: u64 = 150_000;
const IN_BURSTS: u64 = 400_000;

/// How many events there are at the most, and at the least, for the percentiles.
const EVENTS: std::ops::RangeInclusive<u64> = 30..=2_000;

/// Subscribers that are there before the memory is measured, for what a server allocates once.
const FIRST: u64 = 16;

/// With fewer subscribers, the memory of each cannot be distinguished from the rest.
const ENOUGH_FOR_MEMORY: u64 = 1_000;

/// What was measured with one number of subscribers.
#[derive(Default)]
struct Costs {
    alone: Samples,
    burst: Samples,
    p50: Samples,
    p99: Samples,
    memory: Samples,
}

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let mut all = Vec::new();
    let mut lost = Vec::new();
    for count in field.subscribers(&SUBSCRIBERS) {
        let mut costs = Costs::default();
        let begun = Instant::now();
        let usual = if count < MANY { 4 } else { 3 };
        for _ in 0..field.rounds(usual) {
            for server in field.servers().to_vec() {
                let missed = visit(field, server, count, &mut costs)?;
                if missed > 0 {
                    lost.push(format!("{} lost {missed} at {count}", server.name()));
                }
            }
        }
        eprintln!("  {count} subscribers: {} s", begun.elapsed().as_secs());
        marks(field, count, &costs);
        all.push((count, costs));
    }
    tables(field, part, &all);
    part.paragraph(&if lost.is_empty() {
        "No event was lost by any of them.".to_owned()
    } else {
        format!("Events were lost: {}.", lost.join(", "))
    });
    without_subscribers(field, part)
}

fn tables(field: &Field, part: &mut Part, all: &[(u64, Costs)]) {
    let columns = |of: fn(&Costs) -> &Samples| -> Vec<_> {
        let columns = all.iter();
        columns
            .map(|(count, costs)| (count.to_string(), of(costs)))
            .collect()
    };
    let alone = columns(|costs| &costs.alone);
    let burst = columns(|costs| &costs.burst);
    let speed = Samples::speed;
    part.table(&field.ratio_table(
        "One event at a time: deliveries per CPU second, by the number of subscribers",
        &alone,
        speed,
    ));
    part.table(&field.ratio_table(
        "Bursts of ten: deliveries per CPU second, by the number of subscribers",
        &burst,
        speed,
    ));
    for (title, columns) in [
        (
            "One event at a time: microseconds of CPU time per delivery",
            &alone,
        ),
        (
            "Bursts of ten: microseconds of CPU time per delivery",
            &burst,
        ),
    ] {
        let mut table = field.median_table(title, columns, 2);
        table.note("Medians, for orientation; a million by it is the deliveries per CPU second.");
        part.table(&table);
    }
    for (title, of) in [
        (
            "From the order to publish to the last delivery, p50",
            (|costs: &Costs| &costs.p50) as fn(&Costs) -> &Samples,
        ),
        (
            "From the order to publish to the last delivery, p99",
            |costs: &Costs| &costs.p99,
        ),
    ] {
        let mut table = field.ratio_table(title, &columns(of), Samples::cost);
        let medians: Vec<_> = all
            .iter()
            .filter_map(|(count, costs)| {
                let micros = of(costs).median(Server::Axum.name())?;
                Some(format!("{:.2} ms with {count}", micros / 1e3))
            })
            .collect();
        table.note(format!("For orientation, axum: {}.", medians.join(", ")));
        part.table(&table);
    }
    let memory: Vec<_> = columns(|costs| &costs.memory)
        .into_iter()
        .filter(|(_, samples)| samples.names().next().is_some())
        .collect();
    if !memory.is_empty() {
        let mut table = field.median_table(
            "Memory per subscriber, in bytes, by the number of subscribers",
            &memory,
            0,
        );
        table.note(
            "Growth of the server’s memory that is not a file’s, shared memory included, once \
             each subscriber has had a few events and a burst.",
        );
        part.table(&table);
    }
}

fn marks(field: &mut Field, count: u64, costs: &Costs) {
    // With a single one, publishing is what costs.
    if count < 100 {
        return;
    }
    let marks = field.marks();
    let alone = format!("one at a time, {count}");
    let burst = format!("bursts of ten, {count}");
    let pair = [Server::SseTokioTcp, Server::Floor];
    marks.ratio(&alone, &costs.alone, pair, 1.1);
    for ours in [Server::SseHyper, Server::SseAxum] {
        marks.ratio(&alone, &costs.alone, [ours, Server::Axum], 1.0);
    }
    for ours in [Server::SseTokioTcp, Server::SseHyper, Server::SseAxum] {
        marks.ratio(&burst, &costs.burst, [ours, Server::Axum], 1.0 / 2.5);
    }
    for ours in Server::OURS {
        marks.ratio(&alone, &costs.alone, [ours, Server::Nchan], 1.0);
        marks.ratio(&burst, &costs.burst, [ours, Server::Nchan], 1.0);
    }
}

/// Starts a server and publishes to `count` subscribers. Returns the number of lost events.
fn visit(field: &Field, server: Server, count: u64, costs: &mut Costs) -> io::Result<u64> {
    let name = server.name();
    let first = FIRST.min(count);
    let (mut process, mut subscribers) = field.start_with(server, first)?;
    deliver(&mut process, &mut subscribers, BURST)?;
    settle();
    let before = process.anonymous_memory()?;
    subscribers.add(&process, count - first)?;
    for burst in [1, 1, 1, BURST] {
        deliver(&mut process, &mut subscribers, burst)?;
    }
    settle();
    let after = process.anonymous_memory()?;
    if count >= ENOUGH_FOR_MEMORY {
        costs
            .memory
            .record(name, each(after.saturating_sub(before), count - first));
    }

    let events = (ALONE / count).clamp(*EVENTS.start(), *EVENTS.end());
    let events = field.at_most(events, 5);
    let (latencies, used) = publish(&mut process, &mut subscribers, events, 1)?;
    costs.alone.record(name, micros_each(used, events * count));
    costs.p50.record(name, micros_each(at(&latencies, 50), 1));
    costs.p99.record(name, micros_each(at(&latencies, 99), 1));

    let bursts = (IN_BURSTS / BURST / count).clamp(5, 300);
    let bursts = field.at_most(bursts, 3);
    let (_, used) = publish(&mut process, &mut subscribers, bursts, BURST)?;
    costs
        .burst
        .record(name, micros_each(used, bursts * BURST * count));

    let lost = subscribers.lost();
    subscribers.reset();
    Ok(lost)
}

/// The times until the last subscriber had what was published, in ascending order, and the
/// server's CPU time.
fn publish(
    process: &mut Process,
    subscribers: &mut Subscribers,
    times: u64,
    burst: u64,
) -> io::Result<(Vec<Duration>, Duration)> {
    let mut latencies = Vec::new();
    let before = process.cpu_time()?;
    for _ in 0..times {
        let begun = Instant::now();
        let number = process.publish(burst)?;
        subscribers.wait_for(number)?;
        latencies.push(begun.elapsed());
        process.take_answers()?;
    }
    let used = process.cpu_time()? - before;
    latencies.sort();
    Ok((latencies, used))
}

/// Measures publishing without subscribers.
fn without_subscribers(field: &Field, part: &mut Part) -> Result {
    let events = field.at_most(1_000, 10);
    let mut samples = Samples::new();
    for _ in 0..field.rounds(5) {
        for server in field.servers().to_vec() {
            let mut process = field.start(server)?;
            let before = process.cpu_time()?;
            for event in 0..events {
                process.publish(1)?;
                process.take_answers()?;
                if event % 100 == 99 {
                    // Not more datagrams than the socket holds.
                    process.cpu_time()?;
                }
            }
            let used = process.cpu_time()? - before;
            samples.record(server.name(), micros_each(used, events));
        }
    }
    let columns = [("CPU time per event".to_owned(), &samples)];
    let mut table = field.median_table(
        "Publishing without subscribers: microseconds of CPU time",
        &columns,
        1,
    );
    table.note(
        "This is in all figures above, divided by the number of subscribers. With nchan it is a \
         request over HTTP, so its figure for a single subscriber is mostly that.",
    );
    part.table(&table);
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "gigabytes are far below 2^52")]
fn each(bytes: u64, count: u64) -> f64 {
    bytes as f64 / count as f64
}

/// The load generator has all events; this is for what the server does after them.
fn settle() {
    std::thread::sleep(Duration::from_millis(100));
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    let index = sorted.len() * percent / 100;
    sorted.get(index).copied().unwrap_or_default()
}
