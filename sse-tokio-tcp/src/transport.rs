//! What can be done with a connection beside polling it.
//!
//! Polling notes who is to be woken, and counts against the turn of the task. An event that is
//! sent to thousands of clients, one at a time, is paid for that with each of them. The sockets of
//! tokio can do without, where it is known who waits for them.

use std::any::Any;
use std::io;
use std::marker::PhantomData;

use tokio::io::Interest;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use crate::listener::Listener;

pub(crate) trait Transport<I> {
    /// Makes dropping the connection a reset, where it can be one.
    fn reset(io: &I);

    /// Writes as much as can be written at once, which may be nothing, without noting that anyone
    /// waits.
    ///
    /// # Errors
    ///
    /// When the connection is gone.
    fn try_write(io: &I, bytes: &[u8]) -> io::Result<usize>;

    /// Whether there is nothing to be read, and whoever was the last to find that by polling is
    /// still the one to be woken when there is.
    fn is_quiet(io: &I) -> bool;
}

/// A connection of which nothing is known, nor whether it is polled by the same task each time.
pub(crate) enum Unknown {}

impl<I> Transport<I> for Unknown {
    fn reset(_io: &I) {}

    fn try_write(_io: &I, _bytes: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn is_quiet(_io: &I) -> bool {
        false
    }
}

/// A connection of a listener's, in a task of its own.
pub(crate) struct Accepted<L>(PhantomData<L>);

impl<L: Listener> Transport<L::Io> for Accepted<L> {
    fn reset(io: &L::Io) {
        L::reset(io);
    }

    #[inline]
    fn try_write(io: &L::Io, bytes: &[u8]) -> io::Result<usize> {
        Socket::of(io).map_or(Ok(0), |socket| socket.try_write(bytes))
    }

    // The readiness is taken back by nobody but who finds nothing when it reads, and then waits:
    // where there is none, nobody was woken since.
    #[inline]
    fn is_quiet(io: &L::Io) -> bool {
        let ready = match Socket::of(io) {
            Some(Socket::Tcp(tcp)) => tcp.try_io(Interest::READABLE, || Ok(())),
            #[cfg(unix)]
            Some(Socket::Unix(unix)) => unix.try_io(Interest::READABLE, || Ok(())),
            None => Ok(()),
        };
        ready.is_err()
    }
}

/// A connection that is one of tokio's own sockets.
pub(crate) enum Socket<'a> {
    Tcp(&'a TcpStream),
    #[cfg(unix)]
    Unix(&'a UnixStream),
}

impl<'a> Socket<'a> {
    /// Which one it is, is known when this is compiled.
    #[inline(always)]
    pub(crate) fn of<I: 'static>(io: &'a I) -> Option<Self> {
        let io: &dyn Any = io;
        if let Some(tcp) = io.downcast_ref() {
            return Some(Self::Tcp(tcp));
        }
        #[cfg(unix)]
        if let Some(unix) = io.downcast_ref() {
            return Some(Self::Unix(unix));
        }
        None
    }

    /// Writes as much as can be written at once, which may be nothing.
    #[inline]
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self {
            Self::Tcp(tcp) => tcp.try_write(bytes),
            #[cfg(unix)]
            Self::Unix(unix) => unix.try_write(bytes),
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
        }
    }
}
