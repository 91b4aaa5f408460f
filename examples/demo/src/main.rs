//! The demo: the same event streams on hyper, actix-web and raw TCP, in one process, a page that
//! listens to all three, and a chat across them.
//!
//! This file binds the three listeners, says where they are, and stops the servers in order. What
//! the servers have in common is in [`demo`] and [`handlers`]; how each of them is wired is in
//! [`hyper`], [`actix`] and [`tcp`], the way an application of yours would do it.

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
use crate::demo::{Demo, Server};

/// How long the chat, and then the other open connections, have to end when the demo is stopped.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// When the clients of the chat are told to come back then: not all at once.
const COME_BACK: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(4);

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
    // All listeners before the first server: either everything runs, or nothing does.
    let (hyper, hyper_server) = bind(Transport::Hyper, &addresses).await?;
    let (actix, actix_server) = bind(Transport::Actix, &addresses).await?;
    let (tcp, tcp_server) = bind(Transport::Tcp, &addresses).await?;
    let servers = [hyper_server, actix_server, tcp_server];

    let (chat, driver) = engine::chat_on(engine).await?;
    // Brings what the other processes publish, until the hub has shut down.
    if let Some(driver) = driver {
        tokio::spawn(driver);
    }
    let stop = CancellationToken::new();
    // Listened to before the addresses are told: whoever knows them may stop the demo.
    let signalled = signalled()?;
    let (hub, stop_servers) = (chat.hub.clone(), stop.clone());
    tokio::spawn(async move {
        signalled.await;
        // First the hub, so that the clients of the chat are told when to come back; then the
        // servers, with the streams that are left.
        hub.shutdown(GRACE_PERIOD, COME_BACK).await;
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

/// Resolves at Ctrl-C, or when the process is asked to end.
#[cfg(unix)]
fn signalled() -> io::Result<impl Future<Output = ()>> {
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

/// Resolves at Ctrl-C.
#[cfg(not(unix))]
fn signalled() -> io::Result<impl Future<Output = ()>> {
    Ok(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

/// Prints where the servers are and what to try.
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
        writeln!(out, "\nThere is a chat across all three, too:\n")?;
        writeln!(out, "  http://{address}/chat")?;
    }
    writeln!(out, "\nCtrl-C stops all three.")?;
    out.flush()
}
