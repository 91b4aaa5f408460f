//! Our adapters beside other servers of event streams.
//!
//! Every server runs as a process of its own on one core, the load generator on the other. What
//! is compared is the CPU time that the kernel charges to the server, the memory that it holds,
//! and the time that an event is on its way; always as ratios of neighbouring runs.
//!
//! ```text
//! cargo run --release -p sse-bench-serving -- \
//!     [--quick] [--rounds N] [--output FOLDER] [--server NAME]… [RUN…]
//! ```

mod client;
mod field;
mod limits;
mod process;
mod received;
mod runs;
mod servers;
mod ticks;
mod workload;

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
    runs: Vec<Run>,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", server] => serve(server, None),
        ["serve", server, core] => serve(server, Some(core)),
        _ => parse(arguments).and_then(|arguments| measure(&arguments)),
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
        match argument.as_str() {
            "--quick" => parsed.quick = true,
            "--rounds" => {
                let rounds = arguments.next().ok_or("--rounds needs a number")?;
                parsed.rounds = Some(rounds.parse()?);
            }
            "--output" => {
                let folder = arguments.next().ok_or("--output needs a folder")?;
                parsed.output = Some(folder.into());
            }
            "--server" => {
                let name = arguments.next().ok_or("--server needs a name")?;
                let server = Server::from_name(&name).ok_or_else(usage)?;
                parsed.servers.push(server);
            }
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
    let servers = Server::ALL.map(Server::name).join(", ");
    format!(
        "usage: sse-bench-serving [--quick] [--rounds N] [--output FOLDER] \
         [--server NAME]… [RUN…]\n\
         runs: {runs}\nservers: {servers}"
    )
}

fn measure(arguments: &Arguments) -> Result {
    // Before this process is kept on one of its cores.
    let machine = Machine::here();
    let cores = kernel::two_cores()?;
    if let Some([ours, _]) = cores {
        kernel::pin_to(ours)?;
    }
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut field = Field::new(arguments, cores);
    runs::check(&mut field)?;

    let mut part = Part::new("serving", "Serving", &machine);
    part.paragraph(&field.description());
    for run in &arguments.runs {
        eprintln!("{} …", run.name());
        run.measure(&mut field, &mut part)
            .map_err(|error| format!("{}: {error}", run.name()))?;
        part.print_news();
    }
    if let Some(marks) = field.marks().table() {
        part.table(&marks);
        part.paragraph(limits::LIMITS);
        part.print_news();
    }
    if let Some(folder) = &arguments.output {
        part.write_to(folder)?;
    }
    Ok(())
}
