//! What tokio's own sockets can do without being polled.
//!
//! A poll registers the task for a wake-up and counts against its cooperative budget. Where one
//! event goes to thousands of clients, that cost is paid for each of them.

use std::any::Any;
use std::io;

use tokio::io::Interest;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// A connection that is one of tokio's own sockets.
pub(crate) enum Socket<'a> {
    Tcp(&'a TcpStream),
    #[cfg(unix)]
    Unix(&'a UnixStream),
}

impl<'a> Socket<'a> {
    /// Returns `io` as a socket, if it is one. The type is known at compile time, so that the
    /// compiler removes the casts.
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

    /// Writes as many bytes as the kernel accepts at once, which may be none.
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

    /// Whether there may be something to read.
    ///
    /// tokio clears readiness only when a read returned `WouldBlock`. So a task that has polled for
    /// reading is still registered for the next wake-up while this returns `false`.
    #[inline]
    pub(crate) fn may_be_readable(&self) -> bool {
        let ready = match self {
            Self::Tcp(tcp) => tcp.try_io(Interest::READABLE, || Ok(())),
            #[cfg(unix)]
            Self::Unix(unix) => unix.try_io(Interest::READABLE, || Ok(())),
        };
        ready.is_ok()
    }
}
