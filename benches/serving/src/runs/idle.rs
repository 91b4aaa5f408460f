//! Ten thousand streams on which nothing happens: the memory that each holds, and the CPU time
//! of their keep-alives.

use std::io;
use std::time::Duration;

use sse_bench_report::{Part, Samples, micros_each};

use crate::Result;
use crate::client::{Client, Connection};
use crate::field::Field;
use crate::process::Process;
use crate::received::Response;
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
    let before = count_all(client, &mut streams)?;
    let used_before = process.cpu_time_so_far()?;
    std::thread::sleep(keep_alive * INTERVALS);
    // A server that was kept from running has fewer of them by now, and is waited for.
    for (stream, before) in streams.iter_mut().zip(&before) {
        client.read_until(stream, "further keep-alives", |response| {
            comments(response) >= before + u64::from(INTERVALS - 1)
        })?;
    }
    let used = process.cpu_time_so_far()? - used_before;
    let after = count_all(client, &mut streams)?;
    let sent = after.iter().sum::<u64>() - before.iter().sum::<u64>();
    streams.into_iter().for_each(Connection::reset);
    Ok(micros_each(used, sent))
}

/// Reads what is there, and returns how many comments each stream has had so far. There is nothing else.
fn count_all(client: &mut Client, streams: &mut [Connection]) -> io::Result<Vec<u64>> {
    let count = |stream: &mut Connection| {
        while client.try_read(stream)? {}
        if stream.response().body().tail.first() != Some(&b':') {
            return Err(io::Error::other("something else than a comment"));
        }
        Ok(comments(stream.response()))
    };
    streams.iter_mut().map(count).collect()
}

/// Returns how many comments a stream has had so far.
fn comments(response: &Response) -> u64 {
    let lines = response.body().tail.split(|byte| *byte == b'\n');
    lines.filter(|line| line.starts_with(b":")).count() as u64
}
