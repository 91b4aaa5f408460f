//! Many events at once, on one connection and over a hundred: CPU time for each event.

use std::io;

use sse_bench_report::{Chart, Part, Samples, micros_each};

use crate::Result;
use crate::client::{self, Client, Connection};
use crate::field::Field;
use crate::process::Process;
use crate::servers::Server;
use crate::workload::Workload;

/// Sizes of the texts, and how many events there are of each.
const CASES: [(usize, u64); 3] = [(16, 1_000_000), (200, 1_000_000), (4096, 200_000)];

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let mut processes = field.start(field.servers())?;
    let mut charted = Vec::new();
    for connections in [1, 100] {
        let mut columns = Vec::new();
        for (size, count) in CASES {
            let count = field.at_most(count, 2_000);
            let mut samples = Samples::new();
            for round in field.rounds(5) {
                for process in &mut processes {
                    let cost = burst(field.client(), process, connections, size, count)?;
                    if round > 0 {
                        samples.record(process.server().name(), cost);
                    }
                }
            }
            marks(field, connections, size, &samples);
            columns.push((size, samples));
        }
        let over = match connections {
            1 => "on one connection".to_owned(),
            many => format!("over {many} connections"),
        };
        let shown: Vec<_> = columns
            .iter()
            .map(|(size, samples)| (format!("{size} B"), samples))
            .collect();
        let title = format!("Burst {over}: CPU time per event");
        let mut table = field.ratio_table(&title, Server::Floor, &shown);
        let floor: Vec<_> = columns
            .iter()
            .filter_map(|(size, samples)| {
                let micros = samples.median(Server::Floor.name())?;
                Some(format!("{micros:.3} µs at {size} B"))
            })
            .collect();
        table.note(format!("For orientation, the floor: {}.", floor.join(", ")));
        part.table(&table);
        if connections == 1 {
            charted = columns;
        }
    }
    chart(field, part, &charted)?;
    Ok(())
}

/// Microseconds of CPU time for each of `count` events, all connections taken together.
pub(super) fn burst(
    client: &mut Client,
    process: &mut Process,
    connections: u64,
    size: usize,
    count: u64,
) -> io::Result<f64> {
    let each = (count / connections).max(1);
    let workload = Workload::Burst { size, count: each };
    let keep = client::last_event_len(size);
    let mut streams = client.open_all(process, workload, keep, connections)?;
    let before = process.cpu_time()?;
    process.tick()?;
    client.read_bursts(&mut streams, size, each)?;
    let used = process.cpu_time()? - before;
    streams.into_iter().for_each(Connection::reset);
    Ok(micros_each(used, each * connections))
}

fn marks(field: &mut Field, connections: u64, size: usize, samples: &Samples) {
    let what = format!("burst, {size} B, connections: {connections}");
    let marks = field.marks();
    // By `send` to axum, by `send_all` to axum, by `send` to actix-web-lab, by `send_all` to the
    // floor.
    let (send, send_all, actix, floor) = match size {
        16 => (0.04, 0.014, Some(0.25), 1.1),
        200 => (0.12, 0.06, Some(0.5), 0.9),
        _ => (2.0 / 3.0, 2.0 / 3.0, None, 1.3),
    };
    for server in [Server::SseHyper, Server::SseAxum] {
        marks.ratio(&what, samples, [server, Server::Axum], send);
    }
    let all = [Server::SseHyperAll, Server::Axum];
    marks.ratio(&what, samples, all, send_all);
    if let Some(limit) = actix {
        let actix = [Server::SseActix, Server::ActixWebLab];
        marks.ratio(&what, samples, actix, limit);
    }
    let all = [Server::SseTokioTcpAll, Server::Floor];
    marks.ratio(&what, samples, all, floor);
    let frames = [Server::SseTokioTcpFrames, Server::Floor];
    marks.ratio(&what, samples, frames, 1.3);
}

fn chart(field: &Field, part: &mut Part, columns: &[(usize, Samples)]) -> Result {
    let groups = columns.iter().map(|(size, _)| format!("{size} B"));
    let mut chart = Chart::new(
        "CPU time of the server per event, in a burst on one connection",
        "microseconds",
        groups,
    );
    for server in field.servers() {
        let costs = columns.iter();
        chart.series(
            server.name(),
            costs.map(|(_, samples)| samples.median(server.name())),
        );
    }
    part.chart("burst", &chart)?;
    Ok(())
}
