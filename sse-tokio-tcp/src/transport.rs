//! What the server can do with a connection besides polling it.

use std::any::Any;
use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;

use crate::listener::Listener;
use crate::socket::Socket;

/// The operations on a connection that depend on how much is known about its type.
pub(crate) trait Transport<I> {
    /// The connection before it is upgraded.
    type Accepted;

    /// Returns the address of the client, if it is known.
    fn peer_addr(_accepted: &Self::Accepted) -> Option<SocketAddr> {
        None
    }

    /// Makes dropping the connection a reset, where it can be one.
    fn reset(io: &I);

    /// Writes as many bytes as are accepted at once, which may be none, and registers no wake-up.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    fn try_write(io: &I, bytes: &[u8]) -> io::Result<usize>;

    /// Whether polling for reading may find something. If it returns `false`, the task that was
    /// the last to poll for reading is woken when that changes.
    fn may_be_readable(io: &I) -> bool;
}

/// A connection of unknown type, which may be polled by another task each time.
pub(crate) struct Unknown<I>(PhantomData<I>);

impl<I> Transport<I> for Unknown<I> {
    type Accepted = I;

    fn reset(_io: &I) {}

    fn try_write(_io: &I, _bytes: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn may_be_readable(_io: &I) -> bool {
        true
    }
}

/// A connection that a [`Listener`] accepted, perhaps upgraded, and that one task polls from then on.
pub(crate) struct Accepted<L>(PhantomData<L>);

impl<L: Listener, I: 'static> Transport<I> for Accepted<L> {
    type Accepted = L::Io;

    fn peer_addr(accepted: &L::Io) -> Option<SocketAddr> {
        L::peer_addr(accepted)
    }

    fn reset(io: &I) {
        // The listener knows nothing of another type, such as a TLS stream. There, an end without
        // `close_notify` shows the client that something is missing.
        let io: &dyn Any = io;
        if let Some(accepted) = io.downcast_ref() {
            L::reset(accepted);
        }
    }

    #[inline]
    fn try_write(io: &I, bytes: &[u8]) -> io::Result<usize> {
        Socket::of(io).map_or(Ok(0), |socket| socket.try_write(bytes))
    }

    #[inline]
    fn may_be_readable(io: &I) -> bool {
        Socket::of(io).is_none_or(|socket| socket.may_be_readable())
    }
}
