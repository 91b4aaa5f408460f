//! Where connections come from.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::tcp_timeout;

/// A source of connections: a `TcpListener`, a `UnixListener`, or an implementation of your own. TLS
/// does not belong here: [`Server::upgrade`](crate::Server::upgrade) takes the handshake.
pub trait Listener: Send {
    /// The type of a connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Accepts a connection. While this waits, no other is accepted.
    ///
    /// # Errors
    ///
    /// None of them ends the server, see [`Server`](crate::Server#when-accept-fails).
    ///
    /// # Cancel safety
    ///
    /// Implementations must be cancel safe: a future that is dropped must not lose a connection.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Io>> + Send;

    /// Has the system end the connections that are accepted from now on when the client takes nothing
    /// for `time`, or does not answer for that long.
    ///
    /// The server calls this once, with [`Limits::write_timeout`](crate::Limits::write_timeout). It
    /// cannot see by itself that a link is cut: what it writes goes into the system's buffer. An
    /// implementation around a `TcpListener` calls this method of that listener.
    fn set_write_timeout(&mut self, _time: Duration) {}

    /// Returns the address of the client, where the transport has one. The server calls this for
    /// [`Server::with_peer_addr`](crate::Server::with_peer_addr).
    fn peer_addr(_connection: &Self::Io) -> Option<SocketAddr> {
        None
    }

    /// Makes dropping the connection a reset, where the transport has one. The server calls this
    /// when a handler failed and an HTTP/1.0 client cannot see that in any other way.
    fn reset(_connection: &Self::Io) {}
}

impl Listener for tokio::net::TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        let (connection, _) = tokio::net::TcpListener::accept(self).await?;
        // An event must not wait for the acknowledgement of the one before it. This fails only on a
        // connection that is gone, which the first read shows.
        let _ = connection.set_nodelay(true);
        Ok(connection)
    }

    fn set_write_timeout(&mut self, time: Duration) {
        if let Err(error) = tcp_timeout::set_timeout(self, time) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the system refused the write timeout or keep-alive probes of connections, so clients that are gone without a word are noticed late"
            );
        }
    }

    fn peer_addr(connection: &Self::Io) -> Option<SocketAddr> {
        connection.peer_addr().ok()
    }

    fn reset(connection: &Self::Io) {
        let _ = connection.set_zero_linger();
    }
}

#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        let (connection, _) = tokio::net::UnixListener::accept(self).await?;
        Ok(connection)
    }
}
