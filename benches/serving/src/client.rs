//! The load generator's connections, and what a server must deliver on them.
//!
//! All are driven by one thread on a core of its own, and that thread never sleeps: it looks
//! whether something has come, and looks again. A thread that sleeps must be woken, which the
//! kernel does on the server's time, and how often depends on which of them is faster; it would
//! be the larger part of what is measured.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use memchr::memmem;
use sse_bench_process::reset;

use crate::process::Process;
use crate::received::{Received, Response};
use crate::servers::Server;
use crate::workload::{Burst, EARLY_COMMENT, Workload, live_text, on_the_wire};

/// How long a server may take for one step, or keep silent where it has something to say.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take for all of a burst, of which the largest is a gigabyte.
const BURST_PATIENCE: Duration = Duration::from_secs(180);

/// What connections read into; one for all of them.
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

/// Which connection it is, for errors.
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

    /// Asks for `workload`. Of the body, the last `keep` bytes are kept; `number` is the
    /// connection's, for errors.
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
            let mut io = TcpStream::connect_timeout(&process.address(), PATIENCE)?;
            io.set_write_timeout(Some(PATIENCE))?;
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

    /// [`ask`](Self::ask), and waits for the head of the response.
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

    /// Reads until `enough`, which means that `what` has come.
    pub(crate) fn read_until(
        &mut self,
        connection: &mut Connection,
        what: &str,
        enough: impl Fn(&Response) -> bool,
    ) -> io::Result<()> {
        let mut patience = Patience::new(PATIENCE);
        while !enough(&connection.response) {
            if connection.response.has_ended() {
                return Err(connection.name.failed(what, io::ErrorKind::UnexpectedEof));
            }
            // Counted from the start: keep-alives come all the while, and are not waited for.
            if !self.try_read(connection)? && !patience.is_left() {
                return Err(connection.timed_out(what));
            }
        }
        Ok(())
    }

    /// Reads what is there, and says whether anything was.
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

    /// Reads the bursts of all connections to their ends, all at a time.
    pub(crate) fn read_bursts(
        &mut self,
        connections: &mut [Connection],
        size: usize,
        count: u64,
    ) -> io::Result<()> {
        let what = "the burst's end";
        let mut all = Patience::new(BURST_PATIENCE);
        let mut silence = Patience::new(PATIENCE);
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
                silence = Patience::new(PATIENCE);
            } else if !(silence.is_left() && all.is_left())
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
        // One after the other, for the others' events wait in their sockets.
        for connection in connections {
            self.read_until(connection, "the event of a tick", |response| {
                let tail = &response.body().tail;
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
        reset(&self.io);
    }
}

impl Connection {
    fn timed_out(&self, what: &str) -> io::Error {
        let len = self.response.body().len;
        let error = format!("nothing comes any more after {len} bytes of the body");
        let error = io::Error::new(io::ErrorKind::TimedOut, error);
        self.name.failed(what, error)
    }
}

impl Name {
    /// What failed, and for whom.
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

/// How long it is still waited for something.
#[derive(Debug)]
struct Patience {
    limit: Duration,
    /// When it was first asked: to look at the clock costs more than what mostly comes at once.
    since: Option<Instant>,
}

impl Patience {
    const fn new(limit: Duration) -> Self {
        Self { limit, since: None }
    }

    /// Lets others run, if there are any.
    fn is_left(&mut self) -> bool {
        std::thread::yield_now();
        self.since.get_or_insert_with(Instant::now).elapsed() < self.limit
    }
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
    let received = response.body();
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
