//! Accepts connections until the shutdown.

use std::fmt;
use std::sync::Arc;

use sse_session::Shutdown;
use sse_session::second_look::within;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::connection;
use crate::cors::Cors;
use crate::limits::Limits;
use crate::listener::Listener;
use crate::retry::Retry;
use crate::service::Service;
use crate::transport::Accepted;
use crate::upgrade::{Unchanged, Upgrade};

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
///
/// # When `accept` fails
///
/// No error ends the server. One that is about a single connection, which was reset or became
/// unreachable before it was accepted, is logged at debug level, and the next connection is
/// accepted at once. Any other, most often that there are no file descriptors left, is logged as
/// an error, and the server waits for 250 ms before it tries again, as it does after 16 errors in a row
/// of the first kind. Meanwhile, open connections are served, and a shutdown is noticed.
///
/// A listener of your own that does more than to accept, such as a handshake, holds up all others
/// with it, and its failures are counted here: that belongs into [`Server::upgrade`].
#[derive(Clone)]
#[must_use = "a server does nothing until it serves"]
pub struct Server<U = Unchanged> {
    limits: Limits,
    shutdown: Option<Shutdown>,
    with_peer_addr: bool,
    cors: Option<Arc<Cors>>,
    upgrade: U,
}

impl<U> fmt::Debug for Server<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("limits", &self.limits)
            .field("shutdown", &self.shutdown)
            .field("with_peer_addr", &self.with_peer_addr)
            .field("cors", &self.cors)
            .finish_non_exhaustive()
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            limits: Limits::new(),
            shutdown: None,
            with_peer_addr: false,
            cors: None,
            upgrade: Unchanged::default(),
        }
    }
}

impl Server {
    /// Returns a server with the default limits and no shutdown signal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what is done with each connection before its request is read: the handshake of TLS, or the
    /// reading of a header of the PROXY protocol.
    ///
    /// It runs in the task of the connection, so that a client that is slow with it holds up no other.
    /// The connection counts against [`Limits::max_connections`] from the time at which it was accepted,
    /// and [`Limits::head_timeout`] is the limit for the upgrade and the head of the request together. A
    /// failure closes the connection, and is logged at debug level.
    ///
    /// With rustls, whose `TlsAcceptor` is in the crate `tokio-rustls`:
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use sse_tokio_tcp::{Request, SendError, Server, Sse, with_sse};
    /// use tokio::net::{TcpListener, TcpStream};
    /// use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
    ///
    /// async fn hello(_request: Request, sse: Sse) -> Result<(), SendError> {
    ///     sse.send("hello").await
    /// }
    ///
    /// async fn serve(listener: TcpListener, config: ServerConfig) {
    ///     let tls = TlsAcceptor::from(Arc::new(config));
    ///     Server::new()
    ///         .upgrade(move |tcp: TcpStream| tls.accept(tcp))
    ///         .serve(listener, with_sse(hello))
    ///         .await;
    /// }
    /// ```
    ///
    /// The rest is the library's own: certificates, versions, and ALPN, for which `http/1.1` is the only
    /// protocol to offer. A stream that is cut, because its handler failed, ends without
    /// `close_notify`, which clients of HTTP/1.0 need to see it.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when its time is over, at the shutdown, and with the server.
    pub fn upgrade<U>(self, upgrade: U) -> Server<U> {
        Server {
            limits: self.limits,
            shutdown: self.shutdown,
            with_peer_addr: self.with_peer_addr,
            cors: self.cors,
            upgrade,
        }
    }
}

impl<U> Server<U> {
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

    /// Lets pages of other origins read the responses: see [`Cors`].
    ///
    /// It concerns all responses, those of errors included. Without it, nothing is checked or added.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = Some(Arc::new(cors));
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
    pub async fn serve<L: Listener>(self, mut listener: L, service: impl Service)
    where
        U: Upgrade<L::Io>,
    {
        let Self {
            mut limits,
            shutdown,
            with_peer_addr,
            cors,
            upgrade,
        } = self;
        limits.with_peer_addr = with_peer_addr;
        limits.cors = cors;
        listener.set_write_timeout(limits.write_timeout);
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            service,
            limits,
            shutdown: stop.clone().into(),
            upgrade,
        });
        let mut retry = Retry::default();
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
                accepted = retry.then(listener.accept()), if !is_full => match accepted {
                    Ok(io) => spawn::<L, _>(&mut connections, io, &shared),
                    Err(error) => retry.failed(&error),
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
struct Shared<S, U> {
    service: S,
    limits: Limits,
    shutdown: Shutdown,
    upgrade: U,
}

fn spawn<L: Listener, U: Upgrade<L::Io>>(
    connections: &mut JoinSet<()>,
    io: L::Io,
    shared: &Arc<Shared<impl Service, U>>,
) {
    let shared = Arc::clone(shared);
    connections.spawn(async move {
        let Shared {
            service,
            limits,
            shutdown,
            upgrade,
        } = &*shared;
        let upgrade = upgrade.clone();
        let upgrade = move |io| upgrade.upgrade(io);
        let served =
            connection::serve::<_, _, _, _, Accepted<L>>(io, upgrade, service, limits, shutdown);
        if let Err(error) = served.await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "connection ended early"
            );
        }
    });
}
