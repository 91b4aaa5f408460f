//! The hub, compared with other ways to send the same events to many subscribers.
//!
//! Every server is a process of its own on one core, with the load generator on the other. Compared
//! are the CPU time that the kernel charges to the server per delivery, the time until the last
//! subscriber has an event, and the memory of the server, always as ratios of neighbouring runs.
//!
//! ```text
//! cargo run --manifest-path benches/Cargo.toml --release -p sse-bench-fanout -- \
//!     [--quick] [--rounds N] [--output FOLDER] [--server NAME]… [--subscribers N]… [RUN…]
//! ```

mod events;
mod field;
mod http2;
mod nginx;
mod orders;
mod process;
mod runs;
mod servers;
mod subscribers;

use std::process::ExitCode;

use sse_bench_process::{Result, kernel};
use sse_bench_report::{Machine, Part};

use crate::field::Field;
use crate::runs::Run;
use crate::servers::Server;

/// What the command line asks for.
struct Arguments {
    /// The arguments of all benchmarks of servers.
    general: sse_bench_process::Arguments<Server, Run>,
    /// Numbers of subscribers.
    subscribers: Vec<u64>,
}

fn main() -> ExitCode {
    sse_bench_process::main(&Server::ALL, Server::run, |arguments| match arguments {
        ["guard-nginx", folder] => Ok(nginx::guard(folder)?),
        _ => measure(&parse(arguments)?),
    })
}

fn parse(arguments: &[&str]) -> Result<Arguments> {
    let mut general = sse_bench_process::Arguments::new(&Server::ALL, &Run::ALL);
    let mut subscribers = Vec::new();
    let mut arguments = arguments.iter().copied();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(usage);
        if argument == "--subscribers" {
            subscribers.push(value()?.parse()?);
        } else if !general.take(argument, value)? {
            return Err(usage().into());
        }
    }
    Ok(Arguments {
        general,
        subscribers,
    })
}

fn usage() -> String {
    let runs = Run::ALL.map(Run::name).join(", ");
    let servers = Server::ALL.map(Server::name).join("; ");
    format!(
        "usage: sse-bench-fanout [--quick] [--rounds N] [--output FOLDER] [--server NAME]… \
         [--subscribers N]… [RUN…]\nruns: {runs}\nservers: {servers}"
    )
}

fn measure(arguments: &Arguments) -> Result {
    // Before this process is pinned to one of its cores.
    let machine = Machine::here();
    let core = kernel::share_cores()?;
    rlimit::increase_nofile_limit(u64::MAX)?;
    let mut field = Field::new(&arguments.general, &arguments.subscribers, core);
    let mut part = Part::new("fanout", "Fan-out", &machine);
    part.paragraph(&field.description());
    for run in arguments.general.runs() {
        eprintln!("{} …", run.name());
        run.measure(&mut field, &mut part)?;
        part.print_news();
    }
    if let Some(marks) = field.marks().table() {
        part.table(&marks);
    }
    part.paragraph(include_str!("tried.md").trim_end());
    part.print_news();
    if let Some(folder) = arguments.general.output() {
        part.write_to(folder)?;
    }
    Ok(())
}
