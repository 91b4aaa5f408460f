//! The load generator's connections, and what a server must deliver on them.
//!
//! All are driven by one thread on a core of its own, and that thread never sleeps: it looks
//! whether something has come, and looks again. A thread that sleeps must be woken, which the
//! kernel does on the server's time, and how often depends on which of them is faster; it would
//! be the larger part of what is measured.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use memchr::memmem;
use nix::sys::socket::{setsockopt, sockopt};

use crate::response::Response;
use crate::workload::{Burst, EARLY_COMMENT, Workload, live_text, on_the_wire};

/// How long a server may keep silent where it has something to say.
const PATIENCE: Duration = Duration::from_secs(30);

/// What connections read into; one for all of them.
#[derive(Debug)]
pub(crate) struct Client {
    buffer: Vec<u8>,
}

/// An open event stream.
#[derive(Debug)]
pub(crate) struct Connection {
    io: TcpStream,
    response: Response,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; 256 * 1024],
        }
    }

    /// Asks for `workload`. Of the body, the last `keep` bytes are kept.
    pub(crate) fn ask(
        &self,
        address: SocketAddr,
        workload: Workload,
        keep: usize,
    ) -> io::Result<Connection> {
        let mut io = TcpStream::connect(address)?;
        write!(
            io,
            "GET {workload} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n"
        )?;
        io.set_nonblocking(true)?;
        Ok(Connection {
            io,
            response: Response::new(keep),
        })
    }

    /// [`ask`](Self::ask), and waits for the head of the response.
    pub(crate) fn open(
        &mut self,
        address: SocketAddr,
        workload: Workload,
        keep: usize,
    ) -> io::Result<Connection> {
        let mut connection = self.ask(address, workload, keep)?;
        self.read_until(&mut connection, Response::has_head)?;
        Ok(connection)
    }

    /// Opens many connections.
    pub(crate) fn open_all(
        &mut self,
        address: SocketAddr,
        workload: Workload,
        keep: usize,
        count: u64,
    ) -> io::Result<Vec<Connection>> {
        (0..count)
            .map(|_| self.open(address, workload, keep))
            .collect()
    }

    /// Reads until `enough`.
    pub(crate) fn read_until(
        &mut self,
        connection: &mut Connection,
        enough: impl Fn(&Response) -> bool,
    ) -> io::Result<()> {
        // Counted from the start: keep-alives come all the while, and are not what is waited for.
        let mut waiting_since = None;
        while !enough(&connection.response) {
            if !self.try_read(connection)? {
                be_patient(&mut waiting_since)?;
            }
        }
        Ok(())
    }

    /// Reads what is there, if anything is.
    pub(crate) fn try_read(&mut self, connection: &mut Connection) -> io::Result<bool> {
        match connection.io.read(&mut self.buffer) {
            Ok(0) => connection.response.close().map(|()| true),
            Ok(len) => connection.response.feed(&self.buffer[..len]).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads the bursts of all connections to their ends, all at a time.
    pub(crate) fn read_bursts(
        &mut self,
        connections: &mut [Connection],
        size: usize,
        count: u64,
    ) -> io::Result<()> {
        let mut silent_since = None;
        let mut open: Vec<_> = connections.iter_mut().collect();
        while !open.is_empty() {
            let mut silent = true;
            let mut failed = None;
            open.retain_mut(|connection| {
                match self.try_read(connection) {
                    Ok(read) => silent &= !read,
                    Err(error) => failed = Some(error),
                }
                !connection.response.has_ended()
            });
            if let Some(error) = failed {
                return Err(error);
            }
            if silent {
                be_patient(&mut silent_since)?;
            } else {
                silent_since = None;
            }
        }
        for connection in connections {
            check_burst(&connection.response, size, count)?;
        }
        Ok(())
    }

    /// Waits for the event of `tick` on all connections, which must be of [`Workload::Live`].
    pub(crate) fn read_tick(
        &mut self,
        connections: &mut [Connection],
        tick: u64,
    ) -> io::Result<()> {
        let event = on_the_wire(&live_text(tick));
        // One after the other, for the others' events wait in their sockets.
        for connection in connections {
            self.read_until(connection, |response| {
                let tail = &response.received().tail;
                // Only a keep-alive can come behind it.
                tail.ends_with(event.as_bytes()) || memmem::find(tail, event.as_bytes()).is_some()
            })?;
        }
        Ok(())
    }
}

impl Connection {
    /// What has come so far.
    pub(crate) const fn response(&self) -> &Response {
        &self.response
    }

    /// Closes the connection by a reset, which leaves no port behind that waits to be used again.
    pub(crate) fn reset(self) {
        let linger = nix::libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        let _ = setsockopt(&self.io, sockopt::Linger, &linger);
    }
}

/// Lets others run, if there are any, but not for ever.
fn be_patient(since: &mut Option<Instant>) -> io::Result<()> {
    if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "nothing comes"));
    }
    std::thread::yield_now();
    Ok(())
}

/// How much of a burst to keep.
pub(crate) fn last_event_len(size: usize) -> usize {
    on_the_wire(&" ".repeat(size)).len()
}

/// How much of a live stream to keep: an event, and a keep-alive or two behind it.
pub(crate) fn live_tail_len() -> usize {
    on_the_wire(&live_text(0)).len() + 2 * EARLY_COMMENT.len()
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
