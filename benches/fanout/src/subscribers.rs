//! The load generator's connections: many subscribers to one server.
//!
//! All are driven by one thread on a core of its own, and that thread never sleeps: it looks
//! whether something has come, and looks again. A thread that sleeps must be woken, which the
//! kernel does on the server's time.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use sse_bench_process::{Response, reset};

use crate::events::Deliveries;
use crate::process::Process;

/// How long a server may keep silent where it has something to say.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may be silent before it is given something new to say, and how often that is done.
const PAUSE: Duration = Duration::from_secs(1);
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

/// What has come on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Events,
    /// A part of an event, or something else, which is not what is waited for.
    Other,
    Nothing,
}

/// What has become of subscribers that read on after a pause.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Losses {
    /// Events that were lost, of all subscribers.
    pub(crate) lost: u64,
    /// How many subscribers have lost some and were told so.
    pub(crate) told: u64,
    /// How many have lost some.
    pub(crate) concerned: u64,
    /// How many connections were cut.
    pub(crate) cut: u64,
}

impl Subscribers {
    /// None yet.
    pub(crate) fn of(process: &Process) -> Self {
        Self {
            name: process.server().name(),
            all: Vec::new(),
            buffer: vec![0; 64 * 1024],
        }
    }

    /// Adds subscribers one after the other, each when the one before has the head of its
    /// response.
    pub(crate) fn add(&mut self, process: &Process, count: u64) -> io::Result<()> {
        for _ in 0..count {
            let mut subscriber = Subscriber::ask(process.address(), process.published())?;
            let mut silence = Silence::new(PATIENCE);
            while !subscriber.response.has_head() {
                if subscriber.try_read(&mut self.buffer)? == Came::Nothing {
                    silence.bear(|| {
                        format!("{}: the head of response {}", self.name, self.all.len() + 1)
                    })?;
                }
            }
            self.all.push(subscriber);
        }
        Ok(())
    }

    /// Waits until all have the event of this number.
    pub(crate) fn wait_for(&mut self, number: u64) -> io::Result<()> {
        self.wait_at_most(PATIENCE, number)
    }

    /// [`wait_for`](Self::wait_for) with another bound on the silence.
    pub(crate) fn wait_at_most(&mut self, patience: Duration, number: u64) -> io::Result<()> {
        let Self { name, all, buffer } = self;
        let mut waiting: Vec<_> = all.iter_mut().collect();
        let mut silence = Silence::new(patience);
        loop {
            let mut silent = true;
            let mut failed = Ok(());
            waiting.retain_mut(|subscriber| {
                match subscriber.try_read(buffer) {
                    Ok(Came::Events) => silent = false,
                    Ok(Came::Other | Came::Nothing) => {}
                    Err(error) => failed = Err(error),
                }
                !subscriber.response.body().have(number)
            });
            failed.map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
            if waiting.is_empty() {
                return Ok(());
            }
            if silent {
                let left = waiting.len();
                silence.bear(|| format!("{name}: event {number} on {left} connections"))?;
            } else {
                silence = Silence::new(patience);
            }
        }
    }

    /// Reads on after a pause: until all have what is published now or are cut off. Who was told
    /// of a gap goes on behind what was published last, so it may take several events.
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
                "{}: one of {PROMPTS} events did not come on connections that were idle",
                self.name
            ),
        ))
    }

    /// Reads until all have the event of this number or are cut off, or nothing comes.
    fn read_on(&mut self, number: u64) -> io::Result<bool> {
        let mut silent_since = Instant::now();
        loop {
            let mut all_have = true;
            for subscriber in &mut self.all {
                if subscriber.is_cut || subscriber.response.body().have(number) {
                    continue;
                }
                all_have = false;
                match subscriber.try_read(&mut self.buffer) {
                    Ok(Came::Events) => silent_since = Instant::now(),
                    Ok(Came::Other | Came::Nothing) => {}
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
                losses.told += u64::from(deliveries.gaps() > 0);
            }
        }
        losses
    }

    /// How many events were lost, all subscribers taken together.
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
    fn ask(address: SocketAddr, published: u64) -> io::Result<Self> {
        let mut io = TcpStream::connect(address)?;
        io.write_all(
            b"GET /events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n",
        )?;
        io.set_nonblocking(true)?;
        Ok(Self {
            io,
            response: Response::new(Deliveries::after(published)),
            is_cut: false,
        })
    }

    /// Reads what is there, if anything is.
    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<Came> {
        let before = self.response.body().next();
        match self.io.read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => {
                self.response.feed(&buffer[..len])?;
                let is_new = self.response.body().next() > before;
                Ok(if is_new { Came::Events } else { Came::Other })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Came::Nothing),
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

/// How long nothing has come.
struct Silence {
    since: Option<Instant>,
    patience: Duration,
}

impl Silence {
    const fn new(patience: Duration) -> Self {
        Self {
            since: None,
            patience,
        }
    }

    /// Lets others run, if there are any, but not for ever.
    fn bear(&mut self, what: impl FnOnce() -> String) -> io::Result<()> {
        if self.since.get_or_insert_with(Instant::now).elapsed() > self.patience {
            let seconds = self.patience.as_secs();
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("waited {seconds} s in vain for {}", what()),
            ));
        }
        thread::yield_now();
        Ok(())
    }
}
