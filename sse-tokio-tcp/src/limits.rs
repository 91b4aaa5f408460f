//! The bounds of the server.

use std::time::Duration;

/// The bounds within which connections are served.
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
    pub(crate) write_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) grace_period: Duration,
}

impl Limits {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            max_head_size: 16 * 1024,
            max_headers: 100,
            head_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(60),
            max_connections: 65_536,
            grace_period: Duration::from_secs(5),
        }
    }

    /// The largest head of a request, from its method to the blank line, in bytes: 16 KiB by
    /// default.
    pub const fn max_head_size(mut self, bytes: usize) -> Self {
        self.max_head_size = bytes;
        self
    }

    /// The most header lines of a request: 100 by default.
    pub const fn max_headers(mut self, lines: usize) -> Self {
        self.max_headers = lines;
        self
    }

    /// How long a connection may take to send the head of its request: 10 seconds by default.
    pub const fn head_timeout(mut self, time: Duration) -> Self {
        self.head_timeout = time;
        self
    }

    /// How long a client may go without taking a single byte of what there is to send: 60 seconds
    /// by default. Then the connection is given up, and the handler dropped.
    pub const fn write_timeout(mut self, time: Duration) -> Self {
        self.write_timeout = time;
        self
    }

    /// The most connections at a time: 65,536 by default. While there are so many, no new one is
    /// accepted.
    pub const fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// How long open connections have to end when the server is told to stop: 5 seconds by
    /// default. Those that have not ended by then are dropped.
    pub const fn grace_period(mut self, time: Duration) -> Self {
        self.grace_period = time;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}
