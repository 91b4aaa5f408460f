//! What is done with a connection before its request is read, such as the handshake of TLS.

use std::fmt;
use std::future::{Future, ready};
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

/// Turns an accepted connection into the one that is served: any function from a connection to a
/// future of an `io::Result`. [`Server::upgrade`](crate::Server::upgrade) takes one.
///
/// It is cloned for each connection.
pub trait Upgrade<I>: Clone + Send + Sync + 'static {
    /// The type of the connection that is served.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Upgrades a connection.
    ///
    /// # Errors
    ///
    /// When the connection cannot be served. It is closed then.
    fn upgrade(self, connection: I) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

impl<U, I, F, O> Upgrade<I> for U
where
    U: FnOnce(I) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = io::Result<O>> + Send,
    O: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Io = O;

    fn upgrade(self, connection: I) -> impl Future<Output = io::Result<O>> + Send {
        self(connection)
    }
}

/// No upgrade: connections are served as they are accepted.
#[derive(Clone, Copy, Default)]
pub struct Unchanged(());

impl<I> Upgrade<I> for Unchanged
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Io = I;

    fn upgrade(self, connection: I) -> impl Future<Output = io::Result<I>> + Send {
        ready(Ok(connection))
    }
}

impl fmt::Debug for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unchanged")
    }
}
