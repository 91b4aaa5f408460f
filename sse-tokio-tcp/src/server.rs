//! Accepting connections, and stopping to.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sse_session::Shutdown;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::connection;
use crate::limits::Limits;
use crate::listener::Listener;
use crate::service::Service;
use crate::transport::Accepted;

/// How long to wait when no connection can be accepted, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);

/// Serves the connections of `listener`, for ever; see [`Server`] for limits and shutdown.
///
/// # Cancel safety
///
/// Dropping the future ends all connections and drops their handlers.
pub async fn serve(listener: impl Listener, service: impl Service) {
    Server::new().serve(listener, service).await;
}

/// A server of event streams.
///
/// ```no_run
/// use sse_tokio_tcp::{Request, SendError, Server, Sse, with_sse};
/// use tokio::net::TcpListener;
/// use tokio_util::sync::CancellationToken;
///
/// async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
///     sse.send("hello").await
/// }
///
/// # async fn run() -> std::io::Result<()> {
/// let stop = CancellationToken::new();
/// // elsewhere: stop.cancel();
/// let listener = TcpListener::bind("127.0.0.1:3002").await?;
/// Server::new().shutdown(stop.clone()).serve(listener, with_sse(hello)).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a server does nothing until it serves"]
pub struct Server {
    limits: Limits,
    shutdown: Option<Shutdown>,
}

impl Server {
    /// A server with the default limits that runs for ever.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Stops the server when `signal` is given: no more connections are accepted, open event
    /// streams end in order, and what has not ended within [`Limits::grace_period`] is dropped.
    pub fn shutdown(mut self, signal: impl Into<Shutdown>) -> Self {
        self.shutdown = Some(signal.into());
        self
    }

    /// Serves the connections of `listener` until the shutdown signal, or for ever.
    ///
    /// Each connection runs as a task of its own, on the runtime that polls this future. They
    /// are part of it: when it resolves or is dropped, none of them is left.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends all connections and drops their handlers.
    pub async fn serve<L: Listener>(self, mut listener: L, service: impl Service) {
        let Self { limits, shutdown } = self;
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            service,
            limits,
            stop: stop.clone().into(),
        });
        let mut connections = JoinSet::new();
        let signalled = async {
            match &shutdown {
                Some(signal) => signal.wait().await,
                None => std::future::pending().await,
            }
        };
        let mut signalled = std::pin::pin!(signalled);

        loop {
            // Those that have ended are put away when another one comes. To be woken for each of
            // them would cost as much as a tenth of all that there is to do for it.
            while connections.try_join_next().is_some() {}
            let full = connections.len() >= shared.limits.max_connections;
            tokio::select! {
                () = &mut signalled => break,
                Some(_) = connections.join_next(), if full => {}
                accepted = listener.accept(), if !full => match accepted {
                    Ok(io) => spawn::<L>(&mut connections, io, &shared),
                    Err(error) => pause_after(error).await,
                },
            }
        }

        drop(listener);
        stop.cancel();
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(shared.limits.grace_period, all).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "connections dropped: they did not end within the grace period"
            );
            connections.shutdown().await;
        }
    }
}

/// What all connections of a server have in common.
struct Shared<S> {
    service: S,
    limits: Limits,
    stop: Shutdown,
}

fn spawn<L: Listener>(
    connections: &mut JoinSet<()>,
    io: L::Io,
    shared: &Arc<Shared<impl Service>>,
) {
    let shared = Arc::clone(shared);
    connections.spawn(async move {
        let Shared {
            service,
            limits,
            stop,
        } = &*shared;
        let served = connection::serve::<_, _, Accepted<L>>(io, service, limits, stop);
        if let Err(error) = served.await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "connection ended early"
            );
        }
    });
}

/// A connection that was gone before it was accepted is nothing to wait for. Everything else
/// would be met again at once.
async fn pause_after(error: io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    ) {
        return;
    }
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "cannot accept connections"
    );
    sleep(ACCEPT_PAUSE).await;
}
