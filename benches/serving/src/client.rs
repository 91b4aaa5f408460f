//! The load generator's connections, and what a server must deliver on them.
//!
//! All are driven by one thread on a core of its own.

use std::cell::RefCell;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use futures_util::future;
use tokio::net::TcpStream;

use crate::response::Response;
use crate::workload::{Burst, EARLY_COMMENT, Workload, live_text, on_the_wire};

thread_local! {
    /// One for all connections: each empties it before the next has its turn.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]);
}

/// An open event stream.
#[derive(Debug)]
pub(crate) struct Connection {
    io: TcpStream,
    response: Response,
}

impl Connection {
    /// Connects, asks for `workload` and waits for the head of the response. Of the body, the
    /// last `keep` bytes are kept.
    pub(crate) async fn open(
        address: SocketAddr,
        workload: Workload,
        keep: usize,
    ) -> io::Result<Self> {
        let io = TcpStream::connect(address).await?;
        let request = request(workload);
        // A request fits into any socket's buffer.
        if io.try_write(request.as_bytes())? != request.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let mut connection = Self {
            io,
            response: Response::new(keep),
        };
        connection.read_until(Response::has_head).await?;
        Ok(connection)
    }

    /// Reads until `enough`.
    pub(crate) async fn read_until(
        &mut self,
        enough: impl Fn(&Response) -> bool,
    ) -> io::Result<()> {
        while !enough(&self.response) {
            if !self.try_read()? {
                self.io.readable().await?;
            }
        }
        Ok(())
    }

    /// Reads what is there, if anything is.
    pub(crate) fn try_read(&mut self) -> io::Result<bool> {
        BUFFER.with_borrow_mut(|buffer| match self.io.try_read(buffer) {
            Ok(0) => self.response.close().map(|()| true),
            Ok(len) => self.response.feed(&buffer[..len]).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        })
    }

    /// What has come so far.
    pub(crate) const fn response(&self) -> &Response {
        &self.response
    }

    /// Closes the connection by a reset, which leaves no port behind that waits to be used again.
    pub(crate) fn reset(self) {
        let _ = self.io.set_zero_linger();
    }
}

/// Opens many connections, a few at a time.
pub(crate) async fn open_all(
    address: SocketAddr,
    workload: Workload,
    keep: usize,
    count: usize,
) -> io::Result<Vec<Connection>> {
    /// Well within the backlog of every server.
    const AT_A_TIME: usize = 64;
    let mut connections = Vec::with_capacity(count);
    while connections.len() < count {
        let more = AT_A_TIME.min(count - connections.len());
        let opening = (0..more).map(|_| Connection::open(address, workload, keep));
        connections.extend(future::try_join_all(opening).await?);
    }
    Ok(connections)
}

/// Reads the bursts of all connections to their ends, all at a time.
pub(crate) async fn read_bursts(
    connections: &mut [Connection],
    size: usize,
    count: u64,
) -> io::Result<()> {
    let reading = connections
        .iter_mut()
        .map(|connection| connection.read_until(Response::has_ended));
    future::try_join_all(reading).await?;
    for connection in connections {
        check_burst(connection.response(), size, count)?;
    }
    Ok(())
}

/// How much of a burst to keep for [`check_burst`].
pub(crate) fn last_event_len(size: usize) -> usize {
    on_the_wire(&" ".repeat(size)).len()
}

/// The right number of bytes, and the last event at their end.
fn check_burst(response: &Response, size: usize, count: u64) -> io::Result<()> {
    let received = response.received();
    let last = on_the_wire(Burst::new(size, 1).next().unwrap_or_default());
    let expected = last.len() as u64 * count;
    let comment = EARLY_COMMENT.len() as u64;
    if ![expected, expected + comment].contains(&received.len)
        || !received.tail.ends_with(last.as_bytes())
    {
        return Err(io::Error::other(format!(
            "{} bytes instead of {count} events of {}, ending in {}",
            received.len,
            last.len(),
            received.tail[received.tail.len().saturating_sub(64)..].escape_ascii(),
        )));
    }
    Ok(())
}

/// Waits for the event of `tick` on all connections, which must be of [`Workload::Live`].
pub(crate) async fn read_tick(connections: &mut [Connection], tick: u64) -> io::Result<()> {
    let event = on_the_wire(&live_text(tick));
    // One after the other, for the others' events wait in their sockets.
    for connection in connections {
        connection
            .read_until(|response| response.received().tail == event.as_bytes())
            .await?;
    }
    Ok(())
}

/// How much to keep for [`read_tick`].
pub(crate) fn live_event_len() -> usize {
    on_the_wire(&live_text(0)).len()
}

/// A stream of [`Workload::Live`] read by blocking calls, without a runtime between an event's
/// arrival and the clock.
#[derive(Debug)]
pub(crate) struct LiveConnection {
    io: std::net::TcpStream,
    response: Response,
    buffer: Vec<u8>,
}

impl LiveConnection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let mut io = std::net::TcpStream::connect(address)?;
        io.write_all(request(Workload::Live).as_bytes())?;
        let mut connection = Self {
            io,
            response: Response::new(live_event_len()),
            buffer: vec![0; 4096],
        };
        while !connection.response.has_head() {
            connection.read()?;
        }
        Ok(connection)
    }

    pub(crate) fn read_tick(&mut self, tick: u64) -> io::Result<()> {
        let event = on_the_wire(&live_text(tick));
        while self.response.received().tail != event.as_bytes() {
            self.read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        match self.io.read(&mut self.buffer)? {
            0 => self.response.close(),
            len => self.response.feed(&self.buffer[..len]),
        }
    }
}

fn request(workload: Workload) -> String {
    format!("GET {workload} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n")
}
