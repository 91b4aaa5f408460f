//! The load generator's connections, and the check of what arrives on them.
//!
//! One thread on a core of its own drives all of them and polls without sleeping. Waking a sleeping
//! thread would take CPU time of the server, more often the faster the load generator is, and would be
//! most of what is measured.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use memchr::memmem;
use sse_bench_process::reset;

use crate::process::Process;
use crate::received::{Received, Response};
use crate::servers::Server;
use crate::workload::{Burst, EARLY_COMMENTS, KEEP_ALIVE, Workload, live_text, on_the_wire};

/// How long a server may take for one step, or send nothing while something is expected.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long it may take for a whole burst, of which the largest is a gigabyte.
const BURST_TIMEOUT: Duration = Duration::from_secs(180);

/// The buffer that all connections read into.
#[derive(Debug)]
pub(crate) struct Client {
    buffer: Vec<u8>,
}

/// An open event stream.
#[derive(Debug)]
pub(crate) struct Connection {
    name: Name,
    io: TcpStream,
    response: Response,
}

/// The name of a connection in errors.
#[derive(Clone, Copy, Debug)]
struct Name {
    server: Server,
    workload: Workload,
    number: u64,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; 256 * 1024],
        }
    }

    /// Requests `workload`, and keeps the last `keep` bytes of the body. `number` is for errors.
    pub(crate) fn ask(
        &self,
        process: &Process,
        workload: Workload,
        keep: usize,
        number: u64,
    ) -> io::Result<Connection> {
        let name = Name {
            server: process.server(),
            workload,
            number,
        };
        let connect = || -> io::Result<TcpStream> {
            let mut io = TcpStream::connect_timeout(&process.address(), TIMEOUT)?;
            io.set_write_timeout(Some(TIMEOUT))?;
            write!(
                io,
                "GET {workload} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n"
            )?;
            io.set_nonblocking(true)?;
            Ok(io)
        };
        Ok(Connection {
            name,
            io: connect().map_err(|error| name.failed("connecting", error))?,
            response: Response::new(Received::new(keep)),
        })
    }

    /// As [`ask`](Self::ask), and waits for the head of the response.
    pub(crate) fn open(
        &mut self,
        process: &Process,
        workload: Workload,
        keep: usize,
    ) -> io::Result<Connection> {
        self.open_number(process, workload, keep, 0)
    }

    /// Opens many connections.
    pub(crate) fn open_all(
        &mut self,
        process: &Process,
        workload: Workload,
        keep: usize,
        count: u64,
    ) -> io::Result<Vec<Connection>> {
        (0..count)
            .map(|number| self.open_number(process, workload, keep, number))
            .collect()
    }

    fn open_number(
        &mut self,
        process: &Process,
        workload: Workload,
        keep: usize,
        number: u64,
    ) -> io::Result<Connection> {
        let mut connection = self.ask(process, workload, keep, number)?;
        self.read_until(&mut connection, "the response's head", Response::has_head)?;
        Ok(connection)
    }

    /// Reads until `enough` returns true. `what` is for errors.
    pub(crate) fn read_until(
        &mut self,
        connection: &mut Connection,
        what: &str,
        enough: impl Fn(&Response) -> bool,
    ) -> io::Result<()> {
        let mut deadline = Deadline::new(TIMEOUT);
        while !enough(&connection.response) {
            if connection.response.has_ended() {
                return Err(connection.name.failed(what, io::ErrorKind::UnexpectedEof));
            }
            // From the start, since keep-alives do not count as progress.
            if !self.try_read(connection)? && !deadline.is_ahead() {
                return Err(connection.timed_out(what));
            }
        }
        Ok(())
    }

    /// Reads what has arrived. Returns whether there was anything.
    pub(crate) fn try_read(&mut self, connection: &mut Connection) -> io::Result<bool> {
        if connection.response.has_ended() {
            return Ok(false);
        }
        let read = match connection.io.read(&mut self.buffer) {
            Ok(0) => connection.response.close().map(|()| true),
            Ok(len) => connection.response.feed(&self.buffer[..len]).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => Err(error),
        };
        read.map_err(|error| connection.name.failed("reading", error))
    }

    /// Reads the bursts of all connections to their ends, at the same time.
    pub(crate) fn read_bursts(
        &mut self,
        connections: &mut [Connection],
        size: usize,
        count: u64,
    ) -> io::Result<()> {
        let what = "the burst's end";
        let mut all = Deadline::new(BURST_TIMEOUT);
        let mut silence = Deadline::new(TIMEOUT);
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
            if !silent {
                silence = Deadline::new(TIMEOUT);
            } else if !(silence.is_ahead() && all.is_ahead())
                && let Some(connection) = open.first()
            {
                return Err(connection.timed_out(what));
            }
        }
        for connection in connections {
            check_burst(&connection.response, size, count)
                .map_err(|error| connection.name.failed(what, error))?;
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
        // One by one; the events of the others wait in their sockets.
        for connection in connections {
            self.read_until(connection, "the event of a tick", |response| {
                let tail = &response.body().tail;
                // Only a keep-alive can follow it.
                tail.ends_with(event.as_bytes()) || memmem::find(tail, event.as_bytes()).is_some()
            })?;
        }
        Ok(())
    }
}

impl Connection {
    /// Returns the response so far.
    pub(crate) const fn response(&self) -> &Response {
        &self.response
    }

    /// Closes the connection by a reset, so that its port is not left in TIME-WAIT.
    pub(crate) fn reset(self) {
        reset(&self.io);
    }
}

impl Connection {
    fn timed_out(&self, what: &str) -> io::Error {
        let len = self.response.body().len;
        let error = format!("nothing arrived after {len} bytes of the body");
        let error = io::Error::new(io::ErrorKind::TimedOut, error);
        self.name.failed(what, error)
    }
}

impl Name {
    /// Returns an error with the name of the connection.
    fn failed(self, what: &str, error: impl Into<io::Error>) -> io::Error {
        let error = error.into();
        io::Error::new(error.kind(), format!("{self}: {what}: {error}"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            workload,
            number,
        } = self;
        write!(f, "{}: {workload}: connection {number}", server.name())
    }
}

/// A time limit.
#[derive(Debug)]
struct Deadline {
    limit: Duration,
    /// The time of the first check. Most reads succeed at once, without the cost of reading the clock.
    since: Option<Instant>,
}

impl Deadline {
    const fn new(limit: Duration) -> Self {
        Self { limit, since: None }
    }

    /// Yields to other threads, and returns whether the deadline is ahead.
    fn is_ahead(&mut self) -> bool {
        std::thread::yield_now();
        self.since.get_or_insert_with(Instant::now).elapsed() < self.limit
    }
}

/// Returns how many bytes of a burst to keep.
pub(crate) fn last_event_len(size: usize) -> usize {
    on_the_wire(&" ".repeat(size)).len()
}

/// Returns how many bytes of a live stream to keep: an event, and one or two keep-alives after it.
pub(crate) fn live_tail_len() -> usize {
    on_the_wire(&live_text(0)).len() + 2 * KEEP_ALIVE.len()
}

/// Whether a stream may have this many bytes besides its events.
fn is_early_comment(bytes: u64) -> bool {
    let mut lengths = EARLY_COMMENTS.iter().map(|comment| comment.len() as u64);
    bytes == 0 || lengths.any(|len| len == bytes)
}

/// Checks the number of bytes, and that the last event is at their end.
fn check_burst(response: &Response, size: usize, count: u64) -> io::Result<()> {
    let received = response.body();
    let last = on_the_wire(Burst::new(size, 1).next().unwrap_or_default());
    let expected = last.len() as u64 * count;
    let more = received.len.checked_sub(expected);
    if !more.is_some_and(is_early_comment) || !received.tail.ends_with(last.as_bytes()) {
        return Err(io::Error::other(format!(
            "{} bytes instead of {count} events of {}, ending in {}",
            received.len,
            last.len(),
            received.tail[received.tail.len().saturating_sub(64)..].escape_ascii(),
        )));
    }
    Ok(())
}
