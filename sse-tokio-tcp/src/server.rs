//! Accepts connections until the shutdown.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sse_session::Shutdown;
use sse_session::second_look::within;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::connection;
use crate::limits::Limits;
use crate::listener::Listener;
use crate::service::Service;
use crate::transport::Accepted;

/// The pause after a failed accept, most often because there are no file descriptors left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(250);

/// Serves the connections of `listener` until the future is dropped. [`Server`] adds limits and a
/// shutdown.
///
/// # Cancel safety
///
/// Dropping the future closes all connections and drops their handlers.
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
    with_peer_addr: bool,
}

impl Server {
    /// Returns a server with the default limits and no shutdown signal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the shutdown signal. When it is given, the server accepts no more connections, ends
    /// open event streams in order, and drops what has not ended within
    /// [`Limits::grace_period`].
    pub fn shutdown(mut self, signal: impl Into<Shutdown>) -> Self {
        self.shutdown = Some(signal.into());
        self
    }

    /// Puts the address of the client into the extensions of each request, as a
    /// [`PeerAddr`](crate::PeerAddr), for instance for the limits of a [`Limiter`](crate::Limiter).
    /// Listeners for TCP know it, and others that implement
    /// [`Listener::peer_addr`](crate::Listener::peer_addr).
    ///
    /// A handler that keeps its request takes some 250 bytes more for it.
    ///
    /// ```
    /// use std::net::IpAddr;
    ///
    /// use sse_tokio_tcp::{
    ///     Limiter, PeerAddr, Request, Response, SendError, Server, Sse, SseOptions, refused,
    ///     sse_response_with,
    /// };
    /// use tokio::net::TcpListener;
    ///
    /// async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
    ///     sse.send("hello").await
    /// }
    ///
    /// async fn serve(listener: TcpListener) {
    ///     let streams: Limiter<Option<IpAddr>> = Limiter::new(10_000, 20);
    ///     let service = move |request: Request| {
    ///         let client = request.extensions().get::<PeerAddr>();
    ///         let permit = streams.try_acquire(client.map(|peer| peer.0.ip()));
    ///         async {
    ///             match permit {
    ///                 Ok(permit) => {
    ///                     sse_response_with(&SseOptions::new().permit(permit), request, hello)
    ///                 }
    ///                 Err(error) => refused(&error),
    ///             }
    ///         }
    ///     };
    ///     Server::new().with_peer_addr().serve(listener, service).await;
    /// }
    /// ```
    pub fn with_peer_addr(mut self) -> Self {
        self.with_peer_addr = true;
        self
    }

    /// Serves the connections of `listener` until the shutdown signal is given.
    ///
    /// Each connection runs in a task of its own, on the runtime that polls this future. The tasks
    /// belong to the future: when it completes or is dropped, none of them is left.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes all connections and drops their handlers.
    pub async fn serve<L: Listener>(self, mut listener: L, service: impl Service) {
        let Self {
            mut limits,
            shutdown,
            with_peer_addr,
        } = self;
        limits.with_peer_addr = with_peer_addr;
        listener.set_write_timeout(limits.write_timeout);
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            service,
            limits,
            shutdown: stop.clone().into(),
        });
        let mut connections = JoinSet::new();
        let signal = async {
            match &shutdown {
                Some(signal) => signal.wait().await,
                None => std::future::pending().await,
            }
        };
        let mut signal = std::pin::pin!(signal);

        loop {
            // Finished tasks are removed when the next connection arrives: a wake-up for each of
            // them would cost a tenth of all work for a short connection.
            while connections.try_join_next().is_some() {}
            let is_full = connections.len() >= shared.limits.max_connections;
            tokio::select! {
                () = &mut signal => break,
                Some(_) = connections.join_next(), if is_full => {}
                accepted = listener.accept(), if !is_full => match accepted {
                    Ok(io) => spawn::<L>(&mut connections, io, &shared),
                    Err(error) => wait_after(error).await,
                },
            }
        }

        drop(listener);
        stop.cancel();
        let all = async { while connections.join_next().await.is_some() {} };
        if within(shared.limits.grace_period, all).await.is_none() {
            tracing::warn!(
                connections = connections.len(),
                "dropping connections that did not end within the grace period"
            );
            connections.shutdown().await;
        }
    }
}

/// What all connections of a server share.
struct Shared<S> {
    service: S,
    limits: Limits,
    shutdown: Shutdown,
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
            shutdown,
        } = &*shared;
        let served = connection::serve::<_, _, Accepted<L>>(io, service, limits, shutdown);
        if let Err(error) = served.await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "connection ended early"
            );
        }
    });
}

/// Waits before the next attempt to accept, unless the error is about one connection that ended
/// before it was accepted.
async fn wait_after(error: io::Error) {
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
    sleep(ACCEPT_RETRY_DELAY).await;
}
