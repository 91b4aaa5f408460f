//! The limits of the server.

use std::sync::Arc;
use std::time::Duration;

use crate::cors::Cors;

/// The limits within which connections are served.
///
/// ```
/// use std::time::Duration;
///
/// use sse_tokio_tcp::Limits;
///
/// let limits = Limits::new().head_timeout(Duration::from_secs(3)).max_connections(1_000);
/// ```
#[derive(Clone, Debug)]
#[must_use = "limits do nothing until they are given to a server"]
pub struct Limits {
    pub(crate) max_head_size: usize,
    pub(crate) max_headers: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) max_body_size: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) grace_period: Duration,
    /// No limits, but what the server does with each connection: see `Server::with_peer_addr` and
    /// `Server::cors`.
    pub(crate) with_peer_addr: bool,
    pub(crate) cors: Option<Arc<Cors>>,
}

impl Limits {
    /// Returns the default limits.
    pub const fn new() -> Self {
        Self {
            max_head_size: 16 * 1024,
            max_headers: 100,
            head_timeout: Duration::from_secs(10),
            max_body_size: 64 * 1024,
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
            max_connections: 65_536,
            grace_period: Duration::from_secs(5),
            with_peer_addr: false,
            cors: None,
        }
    }

    /// Sets the maximum size of a request head in bytes, from the method to the blank line. The
    /// default is 16 KiB.
    pub fn max_head_size(mut self, bytes: usize) -> Self {
        self.max_head_size = bytes;
        self
    }

    /// Sets the maximum number of header lines of a request. The default is 100.
    pub fn max_headers(mut self, lines: usize) -> Self {
        self.max_headers = lines;
        self
    }

    /// Sets the time within which a request head must arrive, after the handshake of
    /// [`Server::upgrade`](crate::Server::upgrade), if there is one. The default is 10 seconds.
    pub fn head_timeout(mut self, time: Duration) -> Self {
        self.head_timeout = time;
        self
    }

    /// Sets the maximum size of the body of a request in bytes, for the [methods](crate::Methods)
    /// that have one. The default is 64 KiB.
    ///
    /// A body that states a greater length is rejected before any of it is read, one in chunks with
    /// that which exceeds the limit. While it arrives, up to twice as much memory is reserved.
    pub fn max_body_size(mut self, bytes: usize) -> Self {
        self.max_body_size = bytes;
        self
    }

    /// Sets the time within which the body of a request must arrive after its head. The default is 30
    /// seconds.
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.body_timeout = time;
        self
    }

    /// Sets the time within which a client must accept at least one byte of what is to be sent,
    /// before the connection is closed and the handler dropped. The default is 60 seconds.
    ///
    /// It is also the bound for a client that is gone without a word, such as one whose link is cut.
    /// What is sent to it goes into the system's buffer, so the server cannot see that it is gone, but
    /// the system can: on Linux, `TCP_USER_TIMEOUT` ends a connection on which nothing was
    /// acknowledged for this time. A silent one is probed after half of it, three times within the
    /// other half (`SO_KEEPALIVE`, in whole seconds). So a silent stream ends about this time after
    /// the link was cut, one with events and keep-alives this time after the first of them that did not
    /// arrive.
    ///
    /// A client that is there but does not read, so that its window is closed, also ends after this
    /// time, although the send buffer has room: it acknowledges the probes of its window, but takes
    /// nothing. As an acknowledgement may take some seconds on a healthy link that loses a packet, the
    /// system's limit is at least five seconds, even if this one is shorter.
    ///
    /// Other systems have the probes alone, and so their own, longer time where something was sent.
    /// [`Server`](crate::Server) sets this for TCP listeners, and for others that implement
    /// [`Listener::set_write_timeout`](crate::Listener::set_write_timeout).
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.write_timeout = time;
        self
    }

    /// Sets the maximum number of open connections. While it is reached, no more are accepted. The
    /// default is 65,536, the minimum 1.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// Sets the time within which open connections must end after the shutdown signal, before they
    /// are dropped. The default is 5 seconds.
    pub fn grace_period(mut self, time: Duration) -> Self {
        self.grace_period = time;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
