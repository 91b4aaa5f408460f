//! The demo: the same event streams on hyper, actix-web and raw TCP in one process, a page that
//! listens to all three, and a chat across them.
//!
//! This file binds the three listeners, prints their addresses and shuts the servers down. What the
//! servers share is in [`demo`] and [`handlers`]. How each of them is set up is in [`hyper`],
//! [`actix`] and [`tcp`], as an application would do it.

mod actix;
mod arguments;
mod chat;
mod clock;
mod connections;
mod demo;
mod engine;
mod handlers;
mod hyper;
mod tcp;

use std::io::{self, Write as _};
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use sse_hyper::BoxError;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::arguments::{Addresses, Arguments, Engine, Transport};
use crate::clock::Clock;
use crate::demo::{Demo, GRACE_PERIOD, Server};

/// The reconnection times of the chat's clients at shutdown, spread so that they do not all
/// reconnect at once.
const RECONNECTION_TIMES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(4);

#[tokio::main]
async fn main() -> ExitCode {
    let result = match arguments::parse(lexopt::Parser::from_env()) {
        Ok(Arguments::Serve(addresses, engine)) => run(addresses, engine).await,
        Ok(Arguments::Help) => writeln!(io::stdout(), "{}", arguments::HELP).map_err(Into::into),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", demo::with_sources(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(addresses: Addresses, engine: Option<Engine>) -> Result<(), BoxError> {
    // All listeners before the first server, so that either all servers run or none does.
    let (hyper, hyper_server) = bind(Transport::Hyper, &addresses).await?;
    let (actix, actix_server) = bind(Transport::Actix, &addresses).await?;
    let (tcp, tcp_server) = bind(Transport::Tcp, &addresses).await?;
    let servers = [hyper_server, actix_server, tcp_server];

    let (chat, driver) = engine::chat_on(engine).await?;
    // Receives what the other processes publish, until the hub has shut down.
    if let Some(driver) = driver {
        tokio::spawn(driver);
    }
    let stop = CancellationToken::new();
    // Registered before the addresses are printed, after which a signal may arrive.
    let signal = shutdown_signal()?;
    let (hub, stop_servers) = (chat.hub.clone(), stop.clone());
    tokio::spawn(async move {
        signal.await;
        // First the hub, so that the clients of the chat receive their reconnection times. Then the
        // servers, with the remaining streams.
        hub.shutdown(GRACE_PERIOD, RECONNECTION_TIMES).await;
        stop_servers.cancel();
    });

    let clock = Clock::start();
    let demo =
        |transport| Demo::new(transport, chat.clone(), clock, &servers, stop.clone()).map(Arc::new);
    let hyper_demo = demo(Transport::Hyper)?;
    let actix_demo = demo(Transport::Actix)?;
    let tcp_demo = demo(Transport::Tcp)?;
    announce(&servers)?;
    tokio::try_join!(
        hyper::serve(hyper, hyper_demo),
        actix::serve(actix, actix_demo),
        tcp::serve(tcp, tcp_demo),
    )?;
    Ok(())
}

/// Binds the listener of one transport.
async fn bind(
    transport: Transport,
    addresses: &Addresses,
) -> Result<(TcpListener, Server), String> {
    let address = addresses.of(transport);
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok::<_, io::Error>((listener, Server { transport, address }))
    };
    bound.await.map_err(|error| {
        format!(
            "{} cannot listen on {address}: {error}; choose another address with {} ADDR",
            transport.name(),
            transport.flag(),
        )
    })
}

/// Returns a future that completes at Ctrl-C or SIGTERM.
#[cfg(unix)]
fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Returns a future that completes at Ctrl-C.
#[cfg(not(unix))]
fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

/// Prints the addresses of the servers and commands to try.
fn announce(servers: &[Server]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "The same event streams on three transports:\n")?;
    for Server { transport, address } in servers {
        writeln!(out, "  {:<10} http://{address}/", transport.name())?;
    }
    if let [first, ..] = servers {
        let address = first.address;
        writeln!(
            out,
            "\nOpen any of them in a browser, or listen with curl:\n"
        )?;
        writeln!(out, "  curl -N http://{address}/hello")?;
        writeln!(out, "  curl -N http://{address}/ticks")?;
        writeln!(
            out,
            "  curl -N -H 'Last-Event-ID: 0' http://{address}/ticks"
        )?;
        writeln!(out, "\nA chat across all three servers:\n")?;
        writeln!(out, "  http://{address}/chat")?;
    }
    writeln!(out, "\nCtrl-C stops all three.")?;
    out.flush()
}
