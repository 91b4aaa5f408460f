//! What the server can do with a connection besides polling it.

use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;

use crate::listener::Listener;
use crate::socket::Socket;

/// The operations on a connection that depend on how much is known about its type.
pub(crate) trait Transport<I> {
    /// Makes dropping the connection a reset, where it can be one.
    fn reset(io: &I);

    /// Returns the address of the client, if it is known.
    fn peer_addr(_io: &I) -> Option<SocketAddr> {
        None
    }

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
pub(crate) enum Unknown {}

impl<I> Transport<I> for Unknown {
    fn reset(_io: &I) {}

    fn try_write(_io: &I, _bytes: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn may_be_readable(_io: &I) -> bool {
        true
    }
}

/// A connection that a [`Listener`] accepted, and that one task polls from then on.
pub(crate) struct Accepted<L>(PhantomData<L>);

impl<L: Listener> Transport<L::Io> for Accepted<L> {
    fn reset(io: &L::Io) {
        L::reset(io);
    }

    fn peer_addr(io: &L::Io) -> Option<SocketAddr> {
        L::peer_addr(io)
    }

    #[inline]
    fn try_write(io: &L::Io, bytes: &[u8]) -> io::Result<usize> {
        Socket::of(io).map_or(Ok(0), |socket| socket.try_write(bytes))
    }

    #[inline]
    fn may_be_readable(io: &L::Io) -> bool {
        Socket::of(io).is_none_or(|socket| socket.may_be_readable())
    }
}
