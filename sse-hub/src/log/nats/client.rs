//! Making the client's connection, whose events are logged and noted.

use std::future::{Ready, ready};
use std::sync::Arc;

use async_nats::{Client, ConnectOptions, Event, ServerAddr, ToServerAddrs};
use sse_session::BoxError;

use crate::log::nats::error::ConnectError;
use crate::log::nats::signal::Signal;

/// Makes a connection whose events are noted in the signals.
pub(super) async fn connect(
    client: ConnectOptions,
    servers: impl ToServerAddrs,
    signals: Vec<Arc<Signal>>,
) -> Result<Client, ConnectError> {
    let failed = |error: BoxError| ConnectError::Connection(error);
    let servers = servers
        .to_server_addrs()
        .map_err(|error| failed(error.into()))?;
    let servers: Vec<ServerAddr> = servers.collect();
    // Without users and passwords.
    let address = |server: &ServerAddr| format!("{}:{}", server.host(), server.port());
    let addresses: Vec<_> = servers.iter().map(address).collect();
    let client = client.event_callback(note_in(signals, addresses.join(", ")));
    let client = client.connect(servers).await;
    client.map_err(|error| failed(error.into()))
}

/// Returns the callback for the events of a client with these servers, which several streams may use.
fn note_in(
    signals: Vec<Arc<Signal>>,
    servers: String,
) -> impl Fn(Event) -> Ready<()> + Send + Sync + 'static {
    move |event| {
        log(&event, &servers);
        for signal in &signals {
            signal.note(&event);
            if matches!(event, Event::LameDuckMode) {
                // One stream leaves the server, for all.
                break;
            }
        }
        ready(())
    }
}

/// Logs an event of the client that uses these servers.
fn log(event: &Event, servers: &str) {
    match event {
        Event::Disconnected => tracing::warn!(servers, "connection to NATS lost"),
        Event::LameDuckMode => tracing::info!(servers, "server of NATS is about to end"),
        Event::Connected => tracing::info!(servers, "connected to NATS"),
        other => tracing::debug!(servers, %other, "event of the NATS client"),
    }
}
