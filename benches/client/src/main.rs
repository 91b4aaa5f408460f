//! The client, compared with other clients of event streams.
//!
//! A client runs on one thread, with what it spawns; the server, which is the same for all, runs on
//! another. Compared are the CPU time of the client's thread, as ratios of neighbouring runs, and
//! the instructions and the memory that valgrind counts.
//!
//! ```text
//! cargo run --manifest-path benches/Cargo.toml --release -p sse-bench-client -- \
//!     [--quick] [--rounds N] [--output FOLDER] [RUN…]
//! ```

mod arguments;
mod client;
mod clients;
mod event;
mod limits;
mod reading;
mod runs;
mod server;

use std::process::ExitCode;

use sse_bench_process::Result;

use crate::arguments::Arguments;
use crate::server::Server;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        // Runs under valgrind, which counts. The server is in the process that started this one.
        ["--once", client, http, path, address, ticks, count] => {
            once([client, http, path], [address, ticks], count)
        }
        _ => Arguments::parse(&arguments).and_then(|arguments| runs::run(&arguments)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads `count` events, or holds as many idle streams until the process ends.
fn once([client, http, path]: [&str; 3], [address, ticks]: [&str; 2], count: &str) -> Result {
    let client = clients::named(client)?;
    let http = server::Http::named(http)?;
    let server = Server::at(address.parse()?, ticks.parse()?);
    let count = count.parse()?;
    match server::Path::named(path)? {
        server::Path::Idle => (client.hold)(server, http, count),
        path => (client.drain)(server, http, path, count),
    }
}
