//! One event at a time: its latency, and its cost for the server.
//!
//! The latency includes the datagram with the tick, which is the same for all servers.

use std::io;
use std::time::{Duration, Instant};

use sse_bench_report::{Part, Samples, micros_each};

use crate::Result;
use crate::client::{self, Client, Connection};
use crate::field::Field;
use crate::process::Process;
use crate::servers::Server;
use crate::workload::Workload;

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let events = field.at_most(1_000, 20);
    let mut processes = field.start(&field.different_servers())?;
    let mut p50 = Samples::new();
    let mut p99 = Samples::new();
    let mut cpu = Samples::new();
    let mut streams = Vec::new();
    for process in &processes {
        let keep = client::live_tail_len();
        let client = field.client();
        streams.push(client.open(process, Workload::Live, keep)?);
    }
    for round in field.rounds(25) {
        for (process, stream) in processes.iter_mut().zip(&mut streams) {
            let (latencies, used) = ping(field.client(), process, stream, events)?;
            if round > 0 {
                let name = process.server().name();
                p50.record(name, at(&latencies, 50).as_secs_f64());
                p99.record(name, at(&latencies, 99).as_secs_f64());
                cpu.record(name, micros_each(used, events));
            }
        }
    }
    let columns = [
        ("latency, p50".to_owned(), &p50),
        ("latency, p99".to_owned(), &p99),
        ("CPU time per event".to_owned(), &cpu),
    ];
    let mut table = field.ratio_table("One event at a time", Server::Axum, &columns);
    if let (Some(p50), Some(cpu)) = (
        p50.median(Server::Axum.name()),
        cpu.median(Server::Axum.name()),
    ) {
        table.note(format!(
            "For orientation, axum: {:.1} µs at the median, {cpu:.1} µs of CPU time.",
            p50 * 1e6
        ));
    }
    part.table(&table);
    let ours = [
        Server::SseHyper,
        Server::SseAxum,
        Server::SseActix,
        Server::SseTokioTcp,
    ];
    for server in ours {
        let marks = field.marks();
        marks.ratio("live, p50", &p50, [server, Server::Axum], 1.0);
        marks.ratio("live, CPU time", &cpu, [server, Server::Axum], 1.0);
    }
    Ok(())
}

/// The latencies in ascending order, and the server's CPU time.
fn ping(
    client: &mut Client,
    process: &mut Process,
    stream: &mut Connection,
    events: u64,
) -> io::Result<(Vec<Duration>, Duration)> {
    let mut latencies = Vec::new();
    let before = process.cpu_time()?;
    for _ in 0..events {
        let begun = Instant::now();
        let tick = process.tick()?;
        client.read_tick(std::slice::from_mut(stream), tick)?;
        latencies.push(begun.elapsed());
    }
    let used = process.cpu_time()? - before;
    latencies.sort();
    Ok((latencies, used))
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    let index = sorted.len() * percent / 100;
    sorted.get(index).copied().unwrap_or_default()
}
