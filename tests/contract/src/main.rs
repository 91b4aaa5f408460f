//! The service that runs the public contract tests for Server-Sent Events against
//! `sse-eventsource`; see the README.
//!
//! It starts a client for each request of the tests, and reports what the client receives.

mod callbacks;
mod client;
mod protocol;
mod service;

use std::error::Error;

use tokio::net::TcpListener;

const PORT: u16 = 8000;

const HELP: &str = "\
usage: sse-contract-service [--port PORT]

  --port PORT   listen on this port of the loopback interface, by default 8000;
                0 chooses a free port
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(port) = port()? else {
        print!("{HELP}");
        return Ok(());
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(service::serve(listener).await?)
}

/// Parses the port of the command line. Returns `None` if it asks for help.
fn port() -> Result<Option<u16>, lexopt::Error> {
    use lexopt::prelude::{Long, Short, ValueExt as _};

    let mut arguments = lexopt::Parser::from_env();
    let mut port = PORT;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("port") => port = arguments.value()?.parse()?,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(port))
}
