//! Streams that are compressed: once for all, by the hub, or each by a compressor of its own.

use std::io;
use std::time::Duration;

use sse_bench_report::{Part, Samples, Table, micros_each};

use crate::Result;
use crate::events::Kind;
use crate::field::{Field, deliver};
use crate::process::Process;
use crate::servers::Server;
use crate::subscribers::Subscribers;

const SERVERS: [Server; 4] = [
    Server::SseAxum,
    Server::SseGzip,
    Server::SseLayer,
    Server::AxumLayer,
];

const SUBSCRIBERS: u64 = 1_000;
const BURST: u64 = 10;

/// How many events there are one at a time, and how many bursts.
const ALONE: u64 = 100;
const BURSTS: u64 = 40;

/// What is sent, and how many times less the hub's CPU time may be than with a compressor for each stream: one
/// at a time, and in tens.
const KINDS: [(Kind, &str, f64, f64); 3] = [
    (Kind::Llm, "LLM", 2.0, 4.0),
    (Kind::Tick, "ticks", 5.0, 15.0),
    (Kind::Html, "HTML", 10.0, 25.0),
];

/// What was measured with one kind of events.
#[derive(Default)]
struct Costs {
    alone: Samples,
    burst: Samples,
    bytes: Samples,
    burst_bytes: Samples,
    memory: Samples,
}

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let mut all = Vec::new();
    for (kind, name, alone_times, burst_times) in KINDS {
        let mut costs = Costs::default();
        for _ in 0..field.rounds(5) {
            for server in field.those_of(&SERVERS) {
                visit(field, server, kind, &mut costs)?;
            }
        }
        let marks = field.marks();
        for (what, samples, times) in [
            ("one at a time", &costs.alone, alone_times),
            ("in tens", &costs.burst, burst_times),
        ] {
            let plain = [Server::SseGzip, Server::SseAxum];
            marks.ratio(
                format!("gzip to plain, {name}, {what}"),
                samples,
                plain,
                1.1,
            );
            for layer in [Server::SseLayer, Server::AxumLayer] {
                let pair = [Server::SseGzip, layer];
                marks.ratio(format!("gzip, {name}, {what}"), samples, pair, 1.0 / times);
            }
        }
        for (what, samples) in [
            ("one at a time", &costs.bytes),
            ("in tens", &costs.burst_bytes),
        ] {
            let pair = [Server::SseGzip, Server::SseLayer];
            marks.ratio(format!("bytes, {name}, {what}"), samples, pair, 1.25);
        }
        all.push((name, costs));
    }
    for (title, of, digits) in TABLES {
        let columns: Vec<_> = all
            .iter()
            .map(|(name, costs)| ((*name).to_owned(), of(costs)))
            .collect();
        part.table(&field.median_table(title, &columns, digits));
    }
    part.table(&against_layers(field, &all));
    Ok(())
}

type Of = fn(&Costs) -> &Samples;

const TABLES: [(&str, Of, usize); 5] = [
    (
        "Compressed, one event at a time: microseconds of CPU time per delivery, 1,000 subscribers",
        |costs| &costs.alone,
        2,
    ),
    (
        "Compressed, bursts of ten: microseconds of CPU time per delivery",
        |costs| &costs.burst,
        2,
    ),
    (
        "Bytes of the stream per event, one at a time",
        |costs| &costs.bytes,
        0,
    ),
    (
        "Bytes of the stream per event, bursts of ten",
        |costs| &costs.burst_bytes,
        0,
    ),
    ("Memory per subscriber, in bytes", |costs| &costs.memory, 0),
];

fn against_layers(field: &Field, all: &[(&str, Costs)]) -> Table {
    let heads = all.iter().map(|(name, _)| (*name).to_owned());
    let mut table = Table::new(
        "CPU time of gzip by the hub, as multiples of",
        std::iter::once(String::new()).chain(heads),
    );
    for (what, of) in [
        ("one at a time", TABLES[0].1),
        ("bursts of ten", TABLES[1].1),
    ] {
        for other in field.those_of(&SERVERS) {
            let cells = all.iter().map(|(_, costs)| {
                let ratios = of(costs).cost(Server::SseGzip.name(), other.name());
                ratios.map_or_else(String::new, |ratios| ratios.to_string())
            });
            let head = format!("{}, {what}", other.name());
            table.row(std::iter::once(head).chain(cells));
        }
    }
    table
}

fn visit(field: &Field, server: Server, kind: Kind, costs: &mut Costs) -> io::Result<()> {
    let count = field.at_most(SUBSCRIBERS, 20);
    let name = server.name();
    let mut process = field.start(server)?;
    process.set_kind(kind);
    let mut subscribers = Subscribers::of(&process);
    let first = count.min(16);
    subscribers.add(&process, first)?;
    deliver(&mut process, &mut subscribers, BURST)?;
    let before = process.anonymous_memory()?;
    subscribers.add(&process, count - first)?;
    // More than the history that a piece refers to, and all that is allocated once.
    for burst in [1, BURST, 1, BURST, 1] {
        deliver(&mut process, &mut subscribers, burst)?;
    }
    std::thread::sleep(Duration::from_millis(100));
    let after = process.anonymous_memory()?;
    let each = |total: u64, count: u64| total as f64 / count.max(1) as f64;
    costs
        .memory
        .record(name, each(after.saturating_sub(before), count - first));

    for (times, burst, cost, bytes) in [
        (ALONE, 1, &mut costs.alone, &mut costs.bytes),
        (BURSTS, BURST, &mut costs.burst, &mut costs.burst_bytes),
    ] {
        let times = field.at_most(times, 3);
        let received = subscribers.received();
        let used = publish(&mut process, &mut subscribers, times, burst)?;
        let deliveries = times * burst * count;
        cost.record(name, micros_each(used, deliveries));
        bytes.record(name, each(subscribers.received() - received, deliveries));
    }
    subscribers.reset();
    Ok(())
}

/// Returns the CPU time of the server.
fn publish(
    process: &mut Process,
    subscribers: &mut Subscribers,
    times: u64,
    burst: u64,
) -> io::Result<Duration> {
    let before = process.cpu_time()?;
    for _ in 0..times {
        deliver(process, subscribers, burst)?;
    }
    Ok(process.cpu_time()? - before)
}
