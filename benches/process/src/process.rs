//! A server as a process of its own: started, measured, ended.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use crate::kernel;

/// How long a server may take to start, to come to rest, or to notice that its clients are gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a server at rest may use between two looks at it: a keep-alive or two.
const REST: Duration = Duration::from_micros(40);

/// A server that runs as a process of its own, and is ended when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// The process that does the work.
    worker: u32,
    files_at_rest: usize,
}

impl Process {
    /// Starts this very program again as the server of this name, on a core of its own. Beside it:
    /// where it has its clients, and a socket that sends to where it is told what to do.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or ends before it has told where it listens.
    pub fn start_again(
        name: &str,
        core: Option<usize>,
    ) -> io::Result<(Self, SocketAddr, UdpSocket)> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", name])
            .args(core.map(|core| core.to_string()))
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
        let worker = child.id();
        let process = Self::new(name, child, worker);
        let line = receiver.recv_timeout(PATIENCE).unwrap_or_default();
        let ports = line.split_whitespace().map(str::parse::<u16>);
        let ports: Vec<_> = ports.collect::<Result<_, _>>().unwrap_or_default();
        let [port, order_port] = ports[..] else {
            return Err(io::Error::other(format!("{name} did not start")));
        };
        let orders = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        orders.connect((Ipv4Addr::LOCALHOST, order_port))?;
        Ok((process, (Ipv4Addr::LOCALHOST, port).into(), orders))
    }

    /// A server that was started otherwise, and whose work is done by the process `worker`. It
    /// must end with its standard input.
    #[must_use]
    pub fn new(name: &str, child: Child, worker: u32) -> Self {
        Self {
            name: name.to_owned(),
            child,
            worker,
            files_at_rest: 0,
        }
    }

    /// The process that does the work.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.worker
    }

    /// The CPU time used so far, once the server has come to rest: the kernel charges a running
    /// thread only at its clock's next tick, or when it goes to sleep.
    ///
    /// # Errors
    ///
    /// When the process is gone, or does not come to rest.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        let begun = Instant::now();
        let mut before = kernel::cpu_time(self.worker)?;
        loop {
            thread::sleep(Duration::from_millis(2));
            let now = kernel::cpu_time(self.worker)?;
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
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn cpu_time_so_far(&self) -> io::Result<Duration> {
        kernel::cpu_time(self.worker)
    }

    /// Its memory that is not a file's, in bytes: see [`kernel::anonymous_memory`].
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn anonymous_memory(&self) -> io::Result<u64> {
        kernel::anonymous_memory(self.worker)
    }

    /// Takes the files that are open now as those of a server without clients.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub fn is_at_rest(&mut self) -> io::Result<()> {
        self.files_at_rest = kernel::open_files(self.worker)?;
        Ok(())
    }

    /// Waits until the server has closed all connections.
    ///
    /// # Errors
    ///
    /// When it does not, within a bound.
    pub fn wait_for_rest(&self) -> io::Result<()> {
        let begun = Instant::now();
        while kernel::open_files(self.worker)? > self.files_at_rest {
            if begun.elapsed() > PATIENCE {
                return Err(self.timed_out("does not close its connections"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn timed_out(&self, what: &str) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, format!("{} {what}", self.name))
    }
}

impl Drop for Process {
    /// The server ends with its standard input; so it does if this program is killed.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > PATIENCE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Runs a program that does not look at its standard input, and ends it when that of this process
/// does.
///
/// # Errors
///
/// When it cannot be run.
pub fn guard(program: &mut Command) -> io::Result<()> {
    let mut child = program.stdin(Stdio::null()).spawn()?;
    let _ = io::stdin().read_to_end(&mut Vec::new());
    // In order, so that it ends the processes that it has started.
    kill(kernel::pid(child.id()), Signal::SIGTERM)?;
    child.wait()?;
    Ok(())
}
