//! Whether the cost of an event depends on the number of streams, or on what was sent before.

use std::io;

use sse_bench_report::{Part, Samples, Table, micros_each};

use super::burst;
use crate::Result;
use crate::client::{self, Client, Connection};
use crate::field::Field;
use crate::process::Process;
use crate::servers::Server;
use crate::ticks::GROUP;
use crate::workload::{Workload, on_the_wire};

/// Numbers of streams.
const STREAMS: [u64; 4] = [1, 100, 1_000, 10_000];

/// How many events are sent in all, at the least.
const EVENTS: u64 = 20_000;

/// Bytes that are sent on one stream.
const BYTES: [(&str, u64); 6] = [
    ("1 KiB", 1 << 10),
    ("32 KiB", 1 << 15),
    ("1 MiB", 1 << 20),
    ("32 MiB", 1 << 25),
    ("256 MiB", 1 << 28),
    ("1 GiB", 1 << 30),
];

/// The text of an event of those.
const SIZE: usize = 200;

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    streams(field, part)?;
    bytes(field, part)
}

/// A tick brings one event on each of a hundred streams, and then it is the next hundred's turn.
/// So each time that a server is woken it has as much to do, however many streams there are.
fn streams(field: &mut Field, part: &mut Part) -> Result {
    let mut columns = Vec::new();
    for streams in STREAMS {
        let streams = field.at_most(streams, 20);
        let ticks = field.at_most(EVENTS / streams, 3).max(3);
        let mut samples = Samples::new();
        for round in field.rounds(2) {
            for server in field.different_servers() {
                let mut process = field.start_one(server)?;
                let cost = live_cost(field.client(), &mut process, streams, ticks)?;
                if round > 0 {
                    samples.record(server.name(), cost);
                }
            }
        }
        let head = match streams {
            1 => "1 stream".to_owned(),
            many => format!("{many} streams"),
        };
        columns.push((head, samples));
    }
    part.table(&table(
        field,
        "Growth with the number of streams: microseconds of CPU time per event, \
         one event at a time on each stream, a hundred streams in turn",
        &columns,
    ));
    if let (Some(many), Some(few)) = (
        columns[3].1.median(Server::Floor.name()),
        columns[1].1.median(Server::Floor.name()),
    ) {
        part.paragraph(&format!(
            "With 10,000 streams, an event of the floor costs {:.0} % of what it costs with 100.",
            many / few * 100.0
        ));
    }
    flat(field, "10,000 streams to 100", &columns[3].1, &columns[1].1);
    Ok(())
}

fn live_cost(
    client: &mut Client,
    process: &mut Process,
    streams: u64,
    ticks: u64,
) -> io::Result<f64> {
    let keep = client::live_tail_len();
    let mut connections = client.open_all(process, Workload::Live, keep, streams)?;
    let tick = process.tick()?;
    client.read_tick(&mut connections, tick)?;
    let before = process.cpu_time()?;
    for _ in 0..ticks {
        for (group, streams) in connections.chunks_mut(GROUP).enumerate() {
            let tick = process.tick_group(group)?;
            client.read_tick(streams, tick)?;
        }
    }
    let used = process.cpu_time()? - before;
    connections.into_iter().for_each(Connection::reset);
    Ok(micros_each(used, streams * ticks))
}

/// Bursts of a growing length.
fn bytes(field: &mut Field, part: &mut Part) -> Result {
    let event = on_the_wire(&" ".repeat(SIZE)).len() as u64;
    let mut processes = field.start(&field.different_servers())?;
    let mut columns = Vec::new();
    for (head, bytes) in BYTES {
        let events = field.at_most(bytes.div_ceil(event), 100);
        // Little is sent over several streams, or the tick would be most of what is measured.
        let streams = field.at_most(100, 3).min((1 << 20) / bytes).max(1);
        let mut samples = Samples::new();
        for round in field.rounds(2) {
            for process in &mut processes {
                let client = field.client();
                let cost = burst::burst(client, process, streams, SIZE, events * streams)?;
                if round > 0 {
                    samples.record(process.server().name(), cost);
                }
            }
        }
        columns.push((head.to_owned(), samples));
    }
    part.table(&table(
        field,
        "Growth with what a stream has sent: microseconds of CPU time per event of 200 B",
        &columns,
    ));
    flat(field, "1 GiB to 1 MiB", &columns[5].1, &columns[2].1);
    Ok(())
}

/// Checks that the costs of our servers do not grow by more than 10 %, which is what rounds differ by.
fn flat(field: &mut Field, what: &str, large: &Samples, small: &Samples) {
    for server in [Server::SseHyper, Server::SseActix, Server::SseTokioTcp] {
        let name = server.name();
        if let (Some(large), Some(small)) = (large.median(name), small.median(name)) {
            field.marks().value(
                format!("growth of {name}, {what}, percent"),
                large / small * 100.0,
                110.0,
            );
        }
    }
}

/// The costs themselves, for the question is how a row goes on and not how it compares.
fn table(field: &Field, title: &str, columns: &[(String, Samples)]) -> Table {
    let heads = columns.iter().map(|(head, _)| head.as_str());
    let mut table = Table::new(title, std::iter::once("server").chain(heads));
    for server in field.servers() {
        let costs = columns.iter().map(|(_, samples)| {
            let micros = samples.median(server.name());
            micros.map_or_else(String::new, |micros| format!("{micros:.3}"))
        });
        let costs: Vec<_> = costs.collect();
        if costs.iter().all(String::is_empty) {
            continue;
        }
        table.row(std::iter::once(server.name().to_owned()).chain(costs));
    }
    table.note("Medians, for orientation; each row is to be read from left to right.");
    table
}
