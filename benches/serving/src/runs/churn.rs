//! Streams that come and go: CPU time for accepting one, sending one event, and tearing it down.

use std::io;
use std::time::Duration;

use memchr::memmem;
use sse_bench_report::{Part, Samples, micros_each};

use crate::Result;
use crate::client::Client;
use crate::field::Field;
use crate::process::Process;
use crate::received::Response;
use crate::servers::Server;
use crate::workload::{GREETING, Workload, on_the_wire};

/// How many streams are open at a time.
const AT_A_TIME: u64 = 16;

pub(super) fn measure(field: &mut Field, part: &mut Part) -> Result {
    let streams = field.at_most(2_000, 32);
    let mut processes = field.start(&field.different_servers())?;
    // Once for what every server opens but once, and time to close the rest.
    for process in &processes {
        let client = field.client();
        client.open(process, Workload::Brief, 64)?.reset();
    }
    std::thread::sleep(Duration::from_secs(1));
    for process in &mut processes {
        process.is_at_rest()?;
    }
    let cases = [
        ("the client disconnects", Workload::One),
        ("the server ends it", Workload::Brief),
    ];
    let mut columns = Vec::new();
    for (name, workload) in cases {
        let mut samples = Samples::new();
        for round in field.rounds(7) {
            for process in &mut processes {
                let cost = churn(field.client(), process, workload, streams)?;
                if round > 0 {
                    samples.record(process.server().name(), cost);
                }
            }
        }
        columns.push((name.to_owned(), samples));
    }
    let shown: Vec<_> = columns
        .iter()
        .map(|(name, samples)| (name.clone(), samples))
        .collect();
    let mut table = field.ratio_table(
        "Accepting and tearing down: CPU time per stream",
        Server::Axum,
        &shown,
    );
    let rates: Vec<_> = columns
        .iter()
        .filter_map(|(name, samples)| {
            let micros = samples.median(Server::Axum.name())?;
            Some(format!("{:.0} if {name}", 1e6 / micros))
        })
        .collect();
    table.note(format!(
        "For orientation, streams per second that a core can take with axum: {}.",
        rates.join(", ")
    ));
    part.table(&table);
    Ok(())
}

/// Microseconds of CPU time for each stream, until the server has closed the last one.
fn churn(
    client: &mut Client,
    process: &Process,
    workload: Workload,
    streams: u64,
) -> io::Result<f64> {
    let event = on_the_wire(GREETING);
    // A comment may come before or after it.
    let has_event = |response: &Response| {
        let received = &response.body().tail;
        memmem::find(received, event.as_bytes()).is_some()
            && (response.has_ended() || workload != Workload::Brief)
    };
    let before = process.cpu_time()?;
    for _ in 0..streams / AT_A_TIME {
        let mut open = (0..AT_A_TIME)
            .map(|number| client.ask(process, workload, 64, number))
            .collect::<io::Result<Vec<_>>>()?;
        for stream in &mut open {
            client.read_until(stream, GREETING, has_event)?;
        }
        // Dropped in an orderly way, as a browser does it.
    }
    process.wait_for_rest()?;
    Ok(micros_each(
        process.cpu_time()? - before,
        streams / AT_A_TIME * AT_A_TIME,
    ))
}
