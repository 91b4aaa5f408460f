//! Instructions per event and memory per idle stream, counted by valgrind.

use std::env;
use std::process::Command;

use sse_bench_process::Result;
use sse_bench_report::{Marks, Part, Table, Valgrind};

use crate::arguments::Arguments;
use crate::clients::{CLIENTS, Entry, OURS};
use crate::server::{Http, Path, Server};

/// What is counted of each client: events of three runs, and idle streams.
const COUNTED: [Counted; 4] = [
    Counted::new(Path::Burst, "burst", [1_000, 11_000]),
    Counted::new(Path::Chunks, "chunks", [1_000, 11_000]),
    Counted::new(Path::Live, "one at a time", [100, 600]),
    Counted::new(Path::Idle, "memory", [20, 120]),
];

/// Events or streams that are counted: few and many, whose difference is the figure.
struct Counted {
    path: Path,
    head: &'static str,
    repetitions: [u64; 2],
}

impl Counted {
    const fn new(path: Path, head: &'static str, repetitions: [u64; 2]) -> Self {
        Self {
            path,
            head,
            repetitions,
        }
    }

    fn is_memory(&self) -> bool {
        self.path == Path::Idle
    }
}

/// A figure of a client.
struct Count {
    client: &'static Entry,
    http: Http,
    path: Path,
    value: f64,
}

pub(super) fn measure(
    arguments: &Arguments,
    server: Server,
    part: &mut Part,
    marks: &mut Marks,
) -> Result {
    let Some(valgrind) = Valgrind::find() else {
        part.paragraph("Valgrind is not installed: nothing was counted.");
        return Ok(());
    };
    let selected = || COUNTED.iter().filter(|it| arguments.selects(it.path));
    let mut counts = Vec::new();
    for counted in selected() {
        let [few, many] = counted.repetitions;
        for http in Http::ALL {
            for client in CLIENTS.iter().filter(|client| client.speaks(http)) {
                eprintln!("count {}, {}, {}", counted.head, http.name(), client.name);
                let fixed = arguments_of(client, server, http, counted.path);
                let fixed: Vec<_> = fixed.iter().map(String::as_str).collect();
                let value = if counted.is_memory() {
                    valgrind.bytes_at_exit(&fixed, few, many)?
                } else {
                    valgrind.instructions(&fixed, few, many)?
                };
                counts.push(Count {
                    client,
                    http,
                    path: counted.path,
                    value,
                });
            }
        }
    }
    for (title, is_memory, note) in [
        (
            "Instructions per event",
            false,
            "Counted by valgrind, in user mode, whose processor has AVX2 but no AVX-512. How many \
             events a client finds when it wakes depends on the load, so the figures of chunks over \
             HTTP/2 and those of sse-eventsource one at a time differ from run to run, by up to a \
             third.",
        ),
        (
            "Memory of an idle stream, bytes",
            true,
            "What the client has allocated, without the allocator's own share. Over HTTP/2 the \
             streams of a peer share a connection; each of sse-eventsource has its own.",
        ),
    ] {
        let columns = || selected().filter(|it| it.is_memory() == is_memory);
        let columns: Vec<_> = Http::ALL
            .into_iter()
            .flat_map(|http| columns().map(move |counted| (http, counted)))
            .collect();
        if !columns.is_empty() {
            part.table(table(title, &columns, &counts).note(note));
        }
    }
    check_marks(&counts, marks);
    Ok(())
}

fn table(title: &str, columns: &[(Http, &Counted)], counts: &[Count]) -> Table {
    let heads = columns.iter().map(|(http, counted)| {
        if counted.is_memory() {
            http.name().to_owned()
        } else {
            format!("{}, {}", http.name(), counted.head)
        }
    });
    let mut table = Table::new(title, std::iter::once("client".to_owned()).chain(heads));
    for client in &CLIENTS {
        let cells = columns.iter().map(|(http, counted)| {
            let of_client = |count: &&Count| {
                count.client.name == client.name
                    && count.http == *http
                    && count.path == counted.path
            };
            let count = counts.iter().find(of_client);
            count.map_or_else(String::new, |count| format!("{:.0}", count.value))
        });
        table.row(std::iter::once(client.name.to_owned()).chain(cells));
    }
    table
}

/// The marks: instructions as a share of those of the peer that takes the fewest, and bytes.
fn check_marks(counts: &[Count], marks: &mut Marks) {
    for ours in counts.iter().filter(|count| count.client.name == OURS) {
        let http = ours.http.name();
        let percent = match (ours.path, ours.http) {
            (Path::Burst | Path::Chunks, _) => 90.0,
            (Path::Live, _) => 50.0,
            (Path::Idle, Http::One) => {
                let what = format!("memory of an idle stream, {http}, bytes");
                marks.value(what, ours.value, 3.0 * 1024.0);
                continue;
            }
            (Path::Idle, Http::Two) => {
                let what = format!("memory of an idle stream, {http}, bytes");
                marks.value(what, ours.value, 1.5 * 1024.0);
                continue;
            }
        };
        let of_peers = counts.iter().filter(|count| {
            count.client.is_peer() && count.http == ours.http && count.path == ours.path
        });
        let fewest = of_peers.min_by(|a, b| a.value.total_cmp(&b.value));
        if let Some(fewest) = fewest {
            let what = format!(
                "instructions, {}, {http}, percent of {}",
                ours.path.name(),
                fewest.client.name
            );
            marks.value(what, ours.value / fewest.value * 100.0, percent);
        }
    }
}

/// Runs a client in a process of its own, as valgrind does.
pub(super) fn run_once(
    client: &Entry,
    server: Server,
    http: Http,
    path: Path,
    count: u64,
) -> Result {
    let status = Command::new(env::current_exe()?)
        .args(arguments_of(client, server, http, path))
        .arg(count.to_string())
        .status()?;
    if !status.success() {
        return Err(format!("{}, {}, {}", client.name, http.name(), path.name()).into());
    }
    Ok(())
}

/// Returns the arguments of a process that is one client, without the count that follows.
fn arguments_of(client: &Entry, server: Server, http: Http, path: Path) -> [String; 6] {
    [
        "--once".to_owned(),
        client.name.to_owned(),
        http.name().to_owned(),
        path.name().to_owned(),
        server.address.to_string(),
        server.ticks.to_string(),
    ]
}
