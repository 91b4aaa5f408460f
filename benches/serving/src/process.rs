//! A server as a process of its own: started, told the time, measured, ended.

use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::kernel;
use crate::servers::Server;

/// How long a server may take to notice that its clients are gone.
const TEARDOWN: Duration = Duration::from_secs(20);

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
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
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
            std::thread::sleep(Duration::from_millis(2));
            let now = kernel::cpu_time(self.id())?;
            if now == before || begun.elapsed() > TEARDOWN {
                return Ok(now);
            }
            before = now;
        }
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
            if begun.elapsed() > TEARDOWN {
                return Err(io::Error::other(format!(
                    "{} does not close its connections",
                    self.server.name()
                )));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
