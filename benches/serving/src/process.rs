//! A server as a process of its own: started, told the time, measured, ended.

use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::kernel;
use crate::servers::Server;

/// How long a server may take to start, to come to rest, or to notice that its clients are gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server at rest may use between two looks at it: a keep-alive or two.
const REST: Duration = Duration::from_micros(40);

#[derive(Debug)]
pub(crate) struct Process {
    server: Server,
    child: Child,
    address: SocketAddr,
    ticks: UdpSocket,
    tick: u64,
    files_at_rest: usize,
}

impl Process {
    /// Starts this program again, as a server on a core of its own.
    pub(crate) fn start(server: Server, core: Option<usize>) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", server.name()]);
        if let Some(core) = core {
            command.arg(core.to_string());
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        // Read by a thread, which can be left to itself when nothing comes.
        let (sender, receiver) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                let mut line = String::new();
                let _ = BufReader::new(output).read_line(&mut line);
                sender.send(line)
            });
        }
        let line = receiver.recv_timeout(PATIENCE).unwrap_or_default();
        let mut ports = line.split_whitespace().map(str::parse);
        let (Some(Ok(port)), Some(Ok(tick_port))) = (ports.next(), ports.next()) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(io::Error::other(format!("{} did not start", server.name())));
        };
        let ticks = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        ticks.connect((Ipv4Addr::LOCALHOST, tick_port))?;
        Ok(Self {
            server,
            child,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            ticks,
            tick: 0,
            files_at_rest: 0,
        })
    }

    pub(crate) const fn server(&self) -> Server {
        self.server
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives the next tick, and tells its number.
    pub(crate) fn tick(&mut self) -> io::Result<u64> {
        self.tick += 1;
        self.ticks.send(&self.tick.to_be_bytes())?;
        Ok(self.tick)
    }

    /// The CPU time used so far, once the server has come to rest: the kernel charges a running
    /// thread only at its clock's next tick, or when it goes to sleep.
    pub(crate) fn cpu_time(&self) -> io::Result<Duration> {
        let begun = Instant::now();
        let mut before = kernel::cpu_time(self.id())?;
        loop {
            thread::sleep(Duration::from_millis(2));
            let now = kernel::cpu_time(self.id())?;
            if now.saturating_sub(before) <= REST {
                return Ok(now);
            }
            if begun.elapsed() > PATIENCE {
                return Err(self.timed_out("does not come to rest"));
            }
            before = now;
        }
    }

    /// The CPU time used so far by a server that does not come to rest.
    pub(crate) fn cpu_time_so_far(&self) -> io::Result<Duration> {
        kernel::cpu_time(self.id())
    }

    pub(crate) fn anonymous_memory(&self) -> io::Result<u64> {
        kernel::anonymous_memory(self.id())
    }

    /// Takes the files that are open now as those of a server without clients.
    pub(crate) fn is_at_rest(&mut self) -> io::Result<()> {
        self.files_at_rest = kernel::open_files(self.id())?;
        Ok(())
    }

    /// Waits until the server has closed all connections.
    pub(crate) fn wait_for_rest(&self) -> io::Result<()> {
        let begun = Instant::now();
        while kernel::open_files(self.id())? > self.files_at_rest {
            if begun.elapsed() > PATIENCE {
                return Err(self.timed_out("does not close its connections"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn timed_out(&self, what: &str) -> io::Error {
        let error = format!("{} {what}", self.server.name());
        io::Error::new(io::ErrorKind::TimedOut, error)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
