//! The adapters, compared with other servers of event streams.
//!
//! Every server is a process of its own on one core, with the load generator on the other. Compared
//! are the CPU time that the kernel charges to the server, its memory, and the latency of events,
//! always as ratios of neighbouring runs.
//!
//! ```text
//! cargo run --manifest-path benches/Cargo.toml --release -p sse-bench-serving -- \
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

use std::process::ExitCode;

use sse_bench_process::{Result, kernel};
use sse_bench_report::{Machine, Part};

use crate::field::Field;
use crate::runs::Run;
use crate::servers::Server;

type Arguments = sse_bench_process::Arguments<Server, Run>;

fn main() -> ExitCode {
    sse_bench_process::main(&Server::ALL, Server::run, |arguments| {
        measure(&parse(arguments)?)
    })
}

fn parse(arguments: &[&str]) -> Result<Arguments> {
    let mut parsed = Arguments::new(&Server::ALL, &Run::ALL);
    let mut arguments = arguments.iter().copied();
    while let Some(argument) = arguments.next() {
        let value = || arguments.next().ok_or_else(|| no_value(argument));
        if !parsed.take(argument, value)? {
            return Err(usage().into());
        }
    }
    Ok(parsed)
}

fn no_value(option: &str) -> String {
    let what = match option {
        "--rounds" => "a number",
        "--output" => "a folder",
        _ => "a name",
    };
    format!("{option} needs {what}")
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
    // Before this process is pinned to one of its cores.
    let machine = Machine::here();
    let core = kernel::share_cores()?;
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut field = Field::new(arguments, core);
    runs::check(&mut field)?;

    let mut part = Part::new("serving", "Serving", &machine);
    part.paragraph(&field.description());
    for run in arguments.runs() {
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
    if let Some(folder) = arguments.output() {
        part.write_to(folder)?;
    }
    Ok(())
}
