//! A server in a process of its own.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use crate::kernel;

/// How long a server may take to start, to become idle, or to close its connections.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The CPU time that an idle server may use between two readings: that of a keep-alive or two.
const REST: Duration = Duration::from_micros(40);

/// A server in a process of its own. Dropping it ends the process.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// The process that does the work.
    worker: u32,
    files_at_rest: usize,
}

impl Process {
    /// Starts this program again as the server of this name, on a core of its own. Also returns the
    /// address for clients, and a socket that sends commands to the server.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or ends before it has printed its ports.
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
        // Read by a thread, so that waiting for the line can time out.
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
        let line = receiver.recv_timeout(TIMEOUT).unwrap_or_default();
        let ports = line.split_whitespace().map(str::parse::<u16>);
        let ports: Vec<_> = ports.collect::<Result<_, _>>().unwrap_or_default();
        let [port, order_port] = ports[..] else {
            return Err(io::Error::other(format!("{name} did not start")));
        };
        let orders = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        orders.connect((Ipv4Addr::LOCALHOST, order_port))?;
        Ok((process, (Ipv4Addr::LOCALHOST, port).into(), orders))
    }

    /// Takes over a server that was started otherwise, with the process `worker` doing its work. It
    /// must end when its standard input ends.
    #[must_use]
    pub fn new(name: &str, child: Child, worker: u32) -> Self {
        Self {
            name: name.to_owned(),
            child,
            worker,
            files_at_rest: 0,
        }
    }

    /// Returns the process that does the work.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.worker
    }

    /// Waits until the server is idle, and returns its CPU time so far. The kernel updates the time
    /// of a running thread only at the next tick of its clock, or when the thread sleeps.
    ///
    /// # Errors
    ///
    /// When the process has ended, or does not become idle.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        let begun = Instant::now();
        let mut before = kernel::cpu_time(self.worker)?;
        loop {
            thread::sleep(Duration::from_millis(2));
            let now = kernel::cpu_time(self.worker)?;
            if now.saturating_sub(before) <= REST {
                return Ok(now);
            }
            if begun.elapsed() > TIMEOUT {
                return Err(self.timed_out("does not become idle"));
            }
            before = now;
        }
    }

    /// Returns the CPU time so far of a server that does not become idle.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn cpu_time_so_far(&self) -> io::Result<Duration> {
        kernel::cpu_time(self.worker)
    }

    /// Returns its anonymous memory in bytes: see [`kernel::anonymous_memory`].
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn anonymous_memory(&self) -> io::Result<u64> {
        kernel::anonymous_memory(self.worker)
    }

    /// Records the files that are open now as those of a server without clients.
    ///
    /// # Errors
    ///
    /// When the process has ended.
    pub fn is_at_rest(&mut self) -> io::Result<()> {
        self.files_at_rest = kernel::open_files(self.worker)?;
        Ok(())
    }

    /// Waits until the server has closed all connections.
    ///
    /// # Errors
    ///
    /// When it does not within a time limit.
    pub fn wait_for_rest(&self) -> io::Result<()> {
        let begun = Instant::now();
        while kernel::open_files(self.worker)? > self.files_at_rest {
            if begun.elapsed() > TIMEOUT {
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
    /// Closes the standard input of the server, which ends it. So does killing this program.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > TIMEOUT {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Runs a program that does not read its standard input, and ends it when that of this process ends.
///
/// # Errors
///
/// When it cannot be run.
pub fn guard(program: &mut Command) -> io::Result<()> {
    let mut child = program.stdin(Stdio::null()).spawn()?;
    let _ = io::stdin().read_to_end(&mut Vec::new());
    // SIGTERM, so that it ends its own child processes.
    kill(kernel::pid(child.id()), Signal::SIGTERM)?;
    child.wait()?;
    Ok(())
}
