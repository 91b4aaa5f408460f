//! CPU time per event.

use sse_bench_process::Result;
use sse_bench_report::{Marks, Part, Samples, Table, micros_each};

use crate::arguments::Arguments;
use crate::clients::{self, CLIENTS, Entry, OURS};
use crate::server::{Http, Path, Server};

/// The runs, and how many events are read in each.
const RUNS: [(Path, &str, usize); 3] = [
    (Path::Burst, "burst", 100_000),
    (Path::Chunks, "chunks", 100_000),
    (Path::Live, "one at a time", 2_000),
];

pub(super) fn measure(
    arguments: &Arguments,
    server: Server,
    part: &mut Part,
    marks: &mut Marks,
) -> Result {
    for http in Http::ALL {
        let mut columns = Vec::new();
        for (path, head, count) in RUNS {
            if arguments.selects(path) {
                eprintln!("time {head}, {}", http.name());
                let samples = samples(server, http, path, count, arguments.rounds)?;
                if let Some(peer) = samples.cheapest(is_peer) {
                    let what = format!("CPU time, {head}, {}", http.name());
                    marks.ratio(what, &samples, [OURS, peer], limit(path));
                }
                columns.push((head, samples));
            }
        }
        if !columns.is_empty() {
            part.table(&table(http, &columns));
        }
    }
    Ok(())
}

/// The mark: the CPU time as a multiple of the cheapest peer's.
const fn limit(path: Path) -> f64 {
    match path {
        Path::Burst | Path::Chunks => 0.9,
        Path::Live | Path::Idle => 1.0,
    }
}

fn samples(server: Server, http: Http, path: Path, count: usize, rounds: usize) -> Result<Samples> {
    let mut samples = Samples::new();
    for round in 0..=rounds {
        for client in CLIENTS.iter().filter(|client| client.speaks(http)) {
            let used = (client.read)(server, http, path, count)?;
            if round > 0 {
                // The first event is not in the time.
                samples.record(client.name, micros_each(used, count as u64 - 1));
            }
        }
    }
    Ok(samples)
}

fn table(http: Http, columns: &[(&str, Samples)]) -> Table {
    let heads = columns.iter().map(|(head, _)| *head);
    let title = format!(
        "CPU time per event over {}, as multiples of “{OURS}”",
        http.name()
    );
    let mut table = Table::new(title, std::iter::once("client").chain(heads));
    for client in CLIENTS.iter().filter(|client| client.speaks(http)) {
        let cells = columns.iter().map(|(_, samples)| {
            samples
                .cost(client.name, OURS)
                .map_or_else(String::new, |ratios| ratios.to_string())
        });
        table.row(std::iter::once(client.name.to_owned()).chain(cells));
    }
    let orientation = columns
        .iter()
        .filter_map(|(head, samples)| Some(format!("{head} {:.2} µs", samples.median(OURS)?)));
    let orientation: Vec<_> = orientation.collect();
    table.note(format!(
        "For orientation, {OURS}: {}. More than 1 is dearer than {OURS}.",
        orientation.join(", ")
    ));
    table
}

/// Returns whether a client of this name is a peer.
fn is_peer(name: &str) -> bool {
    clients::named(name).is_ok_and(Entry::is_peer)
}
