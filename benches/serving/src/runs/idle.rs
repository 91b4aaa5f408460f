//! Ten thousand streams on which nothing happens: the memory that each holds, and the CPU time
//! of their keep-alives.

use std::io;
use std::time::Duration;

use sse_bench_report::{Part, Samples, micros_each};

use crate::Result;
use crate::client::{Client, Connection};
use crate::field::Field;
use crate::process::Process;
use crate::servers::Server;
use crate::workload::{OPENING_COMMENT, Workload};

/// For the memory: long enough that no keep-alive comes in between.
const QUIET: Duration = Duration::from_secs(600);

/// For the CPU time, in milliseconds: the usual 15 seconds would only make it take longer.
const OFTEN: u64 = 1_000;

/// How often the keep-alive is waited for.
const INTERVALS: u32 = 3;

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let connections = field.at_most(10_000, 50);
    memory(field, part, connections)?;
    keep_alives(field, part, connections)
}

fn memory(field: &mut Field, part: &mut Part, connections: u64) -> Result {
    let mut samples = Samples::new();
    // Memory differs from round to round by a few bytes.
    for round in field.rounds(1) {
        for server in field.different_servers() {
            // A server that has had its clients before keeps memory for the next ones.
            let process = field.start_one(server)?;
            let cost = memory_each(field.client(), &process, connections)?;
            if round > 0 {
                samples.record(server.name(), cost);
            }
        }
    }
    let title = format!("Memory of {connections} idle streams");
    let columns = [("memory".to_owned(), &samples)];
    let mut table = field.ratio_table(&title, Server::Axum, &columns);
    let each = field.servers().iter().filter_map(|server| {
        let bytes = samples.median(server.name())?;
        Some(format!("{} {bytes:.0}", server.name()))
    });
    table.note(format!(
        "Growth of the server's anonymous memory. Bytes per stream: {}.",
        each.collect::<Vec<_>>().join(", ")
    ));
    part.table(&table);

    field.marks().ratio(
        "idle memory",
        &samples,
        [Server::SseHyper, Server::Axum],
        0.65,
    );
    if let Some(bytes) = samples.median(Server::SseTokioTcp.name()) {
        field.marks().value(
            "idle memory of sse-tokio-tcp, bytes per stream".to_owned(),
            bytes,
            2048.0,
        );
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "gigabytes are far below 2^52")]
fn memory_each(client: &mut Client, process: &Process, connections: u64) -> io::Result<f64> {
    let workload = Workload::Idle { keep_alive: QUIET };
    let mut open = |count| client.open_all(process, workload, 0, count);
    // The first few bring in what every server has but once.
    let first = open(16)?;
    settle();
    let before = process.anonymous_memory()?;
    let rest = open(connections)?;
    settle();
    let after = process.anonymous_memory()?;
    first.into_iter().chain(rest).for_each(Connection::reset);
    Ok(after.saturating_sub(before) as f64 / connections as f64)
}

/// The client has the heads of all responses; this is for what the server does after them.
fn settle() {
    std::thread::sleep(Duration::from_millis(200));
}

fn keep_alives(field: &mut Field, part: &mut Part, connections: u64) -> Result {
    let interval = Duration::from_millis(field.at_most(OFTEN, 50));
    let mut samples = Samples::new();
    for round in field.rounds(2) {
        for server in field.different_servers() {
            let process = field.start_one(server)?;
            let cost = keep_alive_cost(field.client(), &process, connections, interval)?;
            if round > 0 {
                samples.record(server.name(), cost);
            }
        }
    }
    let title = format!("Keep-alives of {connections} streams: CPU time per keep-alive");
    let columns = [("CPU time".to_owned(), &samples)];
    let mut table = field.ratio_table(&title, Server::Axum, &columns);
    if let Some(micros) = samples.median(Server::Axum.name()) {
        table.note(format!("For orientation, axum: {micros:.2} µs."));
    }
    part.table(&table);
    Ok(())
}

fn keep_alive_cost(
    client: &mut Client,
    process: &Process,
    connections: u64,
    keep_alive: Duration,
) -> io::Result<f64> {
    let workload = Workload::Idle { keep_alive };
    let mut streams = client.open_all(process, workload, 4096, connections)?;
    // Every stream is in its rhythm once it has had its first keep-alive.
    let opening = OPENING_COMMENT.len() as u64;
    for stream in &mut streams {
        client.read_until(stream, "a keep-alive", |response| {
            response.body().len > opening
        })?;
    }
    let before = (comments(client, &mut streams)?, process.cpu_time_so_far()?);
    std::thread::sleep(keep_alive * INTERVALS);
    let used = process.cpu_time_so_far()? - before.1;
    let sent = comments(client, &mut streams)? - before.0;
    streams.into_iter().for_each(Connection::reset);
    if sent < connections * u64::from(INTERVALS - 1) {
        return Err(io::Error::other(format!(
            "only {sent} keep-alives of {}",
            process.server().name()
        )));
    }
    Ok(micros_each(used, sent))
}

/// Reads what is there, and counts the comments that have come so far. There is nothing else.
fn comments(client: &mut Client, streams: &mut [Connection]) -> io::Result<u64> {
    let mut count = 0;
    for stream in streams {
        while client.try_read(stream)? {}
        let received = &stream.response().body().tail;
        if received.first() != Some(&b':') {
            return Err(io::Error::other("something else than a comment"));
        }
        let lines = received.split(|byte| *byte == b'\n');
        count += lines.filter(|line| line.starts_with(b":")).count() as u64;
    }
    Ok(count)
}
