//! The load generator's connections: many subscribers to one server.
//!
//! One thread on a core of its own drives all of them and polls without sleeping: waking a sleeping
//! thread would take CPU time of the server.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use sse_bench_process::{Response, reset};

use crate::events::Deliveries;
use crate::process::Process;

/// How long nothing may arrive while an event is expected.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long nothing may arrive before another event is published.
const PAUSE: Duration = Duration::from_secs(1);

/// How many such events are published at most.
const PROMPTS: usize = 30;

/// Subscribers to one server.
#[derive(Debug)]
pub(crate) struct Subscribers {
    name: &'static str,
    all: Vec<Subscriber>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Subscriber {
    io: TcpStream,
    response: Response<Deliveries>,
    is_cut: bool,
}

/// What a read from a connection brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Events,
    /// Part of an event, or something else.
    Other,
    Nothing,
}

/// The losses of subscribers that continue to read after a pause.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Losses {
    /// The number of lost events of all subscribers.
    pub(crate) lost: u64,
    /// The number of subscribers that lost events and received a gap.
    pub(crate) informed: u64,
    /// The number of subscribers that lost events.
    pub(crate) concerned: u64,
    /// The number of connections that were cut.
    pub(crate) cut: u64,
}

impl Subscribers {
    /// Creates an empty set of subscribers.
    pub(crate) fn of(process: &Process) -> Self {
        Self {
            name: process.server().name(),
            all: Vec::new(),
            buffer: vec![0; 64 * 1024],
        }
    }

    /// Adds subscribers one by one, each after the previous one has the head of its response.
    pub(crate) fn add(&mut self, process: &Process, count: u64) -> io::Result<()> {
        for _ in 0..count {
            let mut subscriber = Subscriber::ask(process)?;
            let mut silence = Silence::new(TIMEOUT);
            while !subscriber.response.has_head() {
                if subscriber.try_read(&mut self.buffer)? == Progress::Nothing {
                    silence.check(|| {
                        format!("{}: the head of response {}", self.name, self.all.len() + 1)
                    })?;
                }
            }
            self.all.push(subscriber);
        }
        Ok(())
    }

    /// Waits until all have the event with this number.
    pub(crate) fn wait_for(&mut self, number: u64) -> io::Result<()> {
        self.wait_at_most(TIMEOUT, number)
    }

    /// As [`wait_for`](Self::wait_for), with another timeout.
    pub(crate) fn wait_at_most(&mut self, timeout: Duration, number: u64) -> io::Result<()> {
        let Self { name, all, buffer } = self;
        let mut waiting: Vec<_> = all.iter_mut().collect();
        let mut silence = Silence::new(timeout);
        loop {
            let mut silent = true;
            let mut failed = Ok(());
            waiting.retain_mut(|subscriber| {
                match subscriber.try_read(buffer) {
                    Ok(Progress::Events) => silent = false,
                    Ok(Progress::Other | Progress::Nothing) => {}
                    Err(error) => failed = Err(error),
                }
                !subscriber.response.body().has(number)
            });
            failed.map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
            if waiting.is_empty() {
                return Ok(());
            }
            if silent {
                let left = waiting.len();
                silence.check(|| format!("{name}: event {number} on {left} connections"))?;
            } else {
                silence = Silence::new(timeout);
            }
        }
    }

    /// Continues to read after a pause, until all have an event published now or are cut. After a gap,
    /// a subscriber continues with the next event, so it may take several.
    pub(crate) fn catch_up(&mut self, process: &mut Process) -> io::Result<Losses> {
        for _ in 0..PROMPTS {
            let number = process.publish(1)?;
            let all_have = self.read_on(number)?;
            process.take_answers()?;
            if all_have {
                return Ok(self.losses());
            }
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "{}: none of {PROMPTS} events arrived on all idle connections",
                self.name
            ),
        ))
    }

    /// Reads until all have the event with this number or are cut, or nothing arrives.
    fn read_on(&mut self, number: u64) -> io::Result<bool> {
        let mut silent_since = Instant::now();
        loop {
            let mut all_have = true;
            for subscriber in &mut self.all {
                if subscriber.is_cut || subscriber.response.body().has(number) {
                    continue;
                }
                all_have = false;
                match subscriber.try_read(&mut self.buffer) {
                    Ok(Progress::Events) => silent_since = Instant::now(),
                    Ok(Progress::Other | Progress::Nothing) => {}
                    Err(error) if is_cut(&error) => subscriber.is_cut = true,
                    Err(error) => return Err(error),
                }
            }
            if all_have || silent_since.elapsed() > PAUSE {
                return Ok(all_have);
            }
        }
    }

    fn losses(&self) -> Losses {
        let mut losses = Losses::default();
        for subscriber in &self.all {
            let deliveries = subscriber.response.body();
            losses.cut += u64::from(subscriber.is_cut);
            losses.lost += deliveries.lost();
            if deliveries.lost() > 0 {
                losses.concerned += 1;
                losses.informed += u64::from(deliveries.gaps() > 0);
            }
        }
        losses
    }

    /// Returns how many bytes of streams have come, compressed or not.
    pub(crate) fn received(&self) -> u64 {
        let all = self.all.iter();
        all.map(|subscriber| subscriber.response.body().received())
            .sum()
    }

    /// Returns the number of lost events of all subscribers.
    pub(crate) fn lost(&self) -> u64 {
        let all = self.all.iter();
        all.map(|subscriber| subscriber.response.body().lost())
            .sum()
    }

    /// Closes all connections by a reset.
    pub(crate) fn reset(self) {
        for subscriber in &self.all {
            reset(&subscriber.io);
        }
    }
}

impl Subscriber {
    fn ask(process: &Process) -> io::Result<Self> {
        let mut io = TcpStream::connect(process.address())?;
        let is_compressed = process.server().is_compressed();
        let accepted = if is_compressed {
            "accept-encoding: gzip\r\n"
        } else {
            ""
        };
        let request = format!(
            "GET /events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n{accepted}\r\n"
        );
        io.write_all(request.as_bytes())?;
        io.set_nonblocking(true)?;
        Ok(Self {
            io,
            response: Response::new(
                Deliveries::after(process.published()).of(process.kind(), is_compressed),
            ),
            is_cut: false,
        })
    }

    /// Reads what has arrived, if anything.
    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<Progress> {
        let before = self.response.body().next();
        match self.io.read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => {
                self.response.feed(&buffer[..len])?;
                let is_new = self.response.body().next() > before;
                Ok(if is_new {
                    Progress::Events
                } else {
                    Progress::Other
                })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Progress::Nothing),
            Err(error) => Err(error),
        }
    }
}

fn is_cut(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
    )
}

/// The time in which nothing arrived.
struct Silence {
    since: Option<Instant>,
    timeout: Duration,
}

impl Silence {
    const fn new(timeout: Duration) -> Self {
        Self {
            since: None,
            timeout,
        }
    }

    /// Yields to other threads.
    ///
    /// # Errors
    ///
    /// After the timeout.
    fn check(&mut self, what: impl FnOnce() -> String) -> io::Result<()> {
        if self.since.get_or_insert_with(Instant::now).elapsed() > self.timeout {
            let seconds = self.timeout.as_secs();
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("nothing arrived for {seconds} s, waiting for {}", what()),
            ));
        }
        thread::yield_now();
        Ok(())
    }
}
