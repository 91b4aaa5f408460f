//! Our hub beside other ways to send the same events to many.
//!
//! Every server runs as a process of its own on one core, the load generator on the other. What
//! is compared is the CPU time that the kernel charges to the server for each delivery, the time
//! until the last subscriber has an event, and the memory that the server holds; always as ratios
//! of neighbouring runs.
//!
//! ```text
//! cargo run --release -p sse-bench-fanout -- \
//!     [--quick] [--rounds N] [--output FOLDER] [--server NAME]… [--subscribers N]… [RUN…]
//! ```

mod events;
mod field;
mod nginx;
mod orders;
mod process;
mod runs;
mod servers;
mod subscribers;

use std::path::PathBuf;
use std::process::ExitCode;

use sse_bench_process::kernel;
use sse_bench_report::{Machine, Part};

use crate::field::Field;
use crate::runs::Run;
use crate::servers::Server;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What the command line asks for.
#[derive(Default)]
struct Arguments {
    quick: bool,
    /// How often each measurement is repeated; without it, as often as each of them needs.
    rounds: Option<usize>,
    output: Option<PathBuf>,
    servers: Vec<Server>,
    /// Numbers of subscribers.
    subscribers: Vec<u64>,
    runs: Vec<Run>,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", server] => serve(server, None),
        ["guard-nginx", folder] => nginx::guard(folder).map_err(Into::into),
        ["serve", server, core] => serve(server, Some(core)),
        _ => parse(arguments).and_then(measure),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The other half of this program: one of the servers.
fn serve(server: &str, core: Option<&str>) -> Result {
    let server = Server::from_name(server).ok_or_else(|| format!("no server {server}"))?;
    if let Some(core) = core {
        kernel::pin_to(core.parse()?)?;
    }
    Ok(server.run()?)
}

fn parse(arguments: Vec<String>) -> Result<Arguments> {
    let mut parsed = Arguments::default();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(usage);
        match argument.as_str() {
            "--quick" => parsed.quick = true,
            "--rounds" => parsed.rounds = Some(value()?.parse()?),
            "--output" => parsed.output = Some(value()?.into()),
            "--server" => {
                let server = Server::from_name(&value()?).ok_or_else(usage)?;
                parsed.servers.push(server);
            }
            "--subscribers" => parsed.subscribers.push(value()?.parse()?),
            name => parsed.runs.push(Run::from_name(name).ok_or_else(usage)?),
        }
    }
    if parsed.servers.is_empty() {
        parsed.servers = Server::ALL.into();
    }
    if parsed.runs.is_empty() {
        parsed.runs = Run::ALL.into();
    }
    Ok(parsed)
}

fn usage() -> String {
    let runs = Run::ALL.map(Run::name).join(", ");
    let servers = Server::ALL.map(Server::name).join("; ");
    format!(
        "usage: sse-bench-fanout [--quick] [--rounds N] [--output FOLDER] [--server NAME]… \
         [--subscribers N]… [RUN…]\nruns: {runs}\nservers: {servers}"
    )
}

fn measure(arguments: Arguments) -> Result {
    // Before this process is kept on one of its cores.
    let machine = Machine::here();
    let cores = kernel::two_cores()?;
    if let Some([ours, _]) = cores {
        kernel::pin_to(ours)?;
    }
    rlimit::increase_nofile_limit(u64::MAX)?;
    let runs = arguments.runs.clone();
    let output = arguments.output.clone();
    let mut field = Field::new(arguments, cores);
    let mut part = Part::new("fanout", "Fan-out", &machine);
    part.paragraph(&field.description());
    for run in runs {
        eprintln!("{} …", run.name());
        run.measure(&mut field, &mut part)?;
        part.print_news();
    }
    if let Some(marks) = field.marks().table() {
        part.table(&marks);
    }
    part.paragraph(include_str!("tried.md").trim_end());
    part.print_news();
    if let Some(folder) = &output {
        part.write_to(folder)?;
    }
    Ok(())
}
