//! Fan-out over HTTP/2: many streams on each of a few connections.

use std::io;

use sse_bench_report::{Part, Samples, micros_each};

use crate::Result;
use crate::field::Field;
use crate::http2::Streams;
use crate::process::Process;
use crate::servers::Server;

const CONNECTIONS: u64 = 10;
const STREAMS: u64 = 100;
const SERVERS: [Server; 3] = [Server::Axum, Server::SseAxum, Server::SseCoalesced];

/// How many events there are one at a time, and how many bursts.
const ALONE: u64 = 150;
const BURSTS: u64 = 40;
const BURST: u64 = 10;

/// At most this much of axum's CPU time, one event at a time.
const MARK: f64 = 0.25;

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let mut shapes = Vec::new();
    let (connections, streams) = (field.at_most(CONNECTIONS, 2), field.at_most(STREAMS, 10));
    for (name, connections, streams) in [
        ("one stream", 1, 1),
        ("1 x 100", 1, streams),
        ("10 x 100", connections, streams),
    ] {
        let (mut alone, mut burst) = (Samples::new(), Samples::new());
        for _ in 0..field.rounds(5) {
            for server in field.those_of(&SERVERS) {
                let mut process = field.start(server)?;
                let all = Streams::open(&process, connections, streams)?;
                let deliveries = connections * streams;
                // One stream is measured for as long as a hundred.
                let times = field.at_most(ALONE * (100 / streams.min(100)), 3);
                publish(&mut process, &all, 3, 1)?;
                let used = publish(&mut process, &all, times, 1)?;
                alone.record(server.name(), micros_each(used, times * deliveries));
                let times = field.at_most(BURSTS, 3);
                publish(&mut process, &all, 1, BURST)?;
                let used = publish(&mut process, &all, times, BURST)?;
                burst.record(server.name(), micros_each(used, times * BURST * deliveries));
            }
        }
        let pair = [Server::SseCoalesced, Server::Axum];
        let mark = if streams > 1 { MARK } else { 1.0 };
        field
            .marks()
            .ratio(format!("HTTP/2, one at a time, {name}"), &alone, pair, mark);
        shapes.push((name.to_owned(), alone, burst));
    }
    for (title, of) in [
        (
            "HTTP/2, one event at a time: CPU time per delivery, by connections and streams",
            (|shape: &(String, Samples, Samples)| &shape.1) as fn(&_) -> &Samples,
        ),
        ("HTTP/2, bursts of ten: CPU time per delivery", |shape| {
            &shape.2
        }),
    ] {
        let columns: Vec<_> = shapes
            .iter()
            .map(|shape| (shape.0.clone(), of(shape)))
            .collect();
        part.table(&field.ratio_table(title, &columns, Samples::cost));
        let mut table = field.median_table(&format!("{title}, in microseconds"), &columns, 2);
        table.note("Medians, for orientation.");
        part.table(&table);
    }
    Ok(())
}

fn publish(
    process: &mut Process,
    streams: &Streams,
    times: u64,
    burst: u64,
) -> io::Result<std::time::Duration> {
    let before = process.cpu_time()?;
    for _ in 0..times {
        let number = process.published() + burst;
        streams.wait_for(number, || process.publish(burst).map(drop))?;
    }
    Ok(process.cpu_time()? - before)
}
