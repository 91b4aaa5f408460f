//! The service by which the public contract tests for Server-Sent Events are run against
//! `sse-eventsource`. How to do that is in the README beside it.
//!
//! It makes a client for each request of the tests, and reports to them what that receives.

mod callbacks;
mod client;
mod protocol;
mod service;

use std::error::Error;

use tokio::net::TcpListener;

const PORT: u16 = 8000;

const HELP: &str = "\
usage: sse-contract-service [--port PORT]

  --port PORT   listen on this port of the loopback interface instead of 8000; 0 is any
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

/// The port of the command line, or `None` if that asks for help.
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
