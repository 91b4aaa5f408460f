//! Where connections come from.

use std::future::Future;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

/// Something that accepts connections: a `TcpListener`, a `UnixListener`, or one of them with TLS
/// on top.
pub trait Listener: Send {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Accepts a connection. It must be cancel safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Io>> + Send;

    /// Makes dropping the connection a reset, where it can be one. It is called when a handler
    /// failed and the client has no other way to see it.
    fn reset(_connection: &Self::Io) {}
}

impl Listener for tokio::net::TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        let (connection, _) = tokio::net::TcpListener::accept(self).await?;
        // An event must not wait for the acknowledgement of the one before it. Where it cannot
        // be set, the connection is gone already, which the first read tells.
        let _ = connection.set_nodelay(true);
        Ok(connection)
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
