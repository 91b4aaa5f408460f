//! Counting the system calls of a running process.

use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The system calls that write to a socket.
const WRITES: [&str; 6] = ["write", "writev", "send", "sendto", "sendmsg", "sendmmsg"];

/// How long strace may take to end.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Numbers of system calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls {
    /// The calls that write to a socket.
    pub writes: u64,
    /// All calls.
    pub all: u64,
}

/// Returns whether strace can be run.
#[must_use]
pub fn is_there() -> bool {
    let found = Command::new("strace").arg("-V").output();
    found.is_ok_and(|output| output.status.success())
}

/// Counts the system calls of `process` and its threads while `load` runs.
///
/// # Errors
///
/// When strace cannot be run, or `load` fails.
pub fn count(process: u32, load: impl FnOnce() -> io::Result<()>) -> io::Result<Calls> {
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-p"])
        .arg(process.to_string())
        .stderr(Stdio::piped())
        .spawn()?;
    // strace prints a line for each thread that it attaches to, within milliseconds.
    thread::sleep(Duration::from_millis(500));
    let done = load();
    kill(Pid::from_raw(strace.id().cast_signed()), Signal::SIGINT)?;
    let begun = Instant::now();
    while strace.try_wait()?.is_none() {
        if begun.elapsed() > TIMEOUT {
            strace.kill()?;
        }
        thread::sleep(Duration::from_millis(5));
    }
    // The summary is complete, and shorter than the buffer of a pipe.
    let mut summary = String::new();
    if let Some(mut errors) = strace.stderr.take() {
        errors.read_to_string(&mut summary)?;
    }
    done?;

    let mut calls = Calls::default();
    for line in summary.lines() {
        let mut words = line.split_whitespace();
        let (Some(Ok(count)), Some(name)) = (words.next().map(str::parse::<u64>), words.next())
        else {
            continue;
        };
        if name == "total" {
            calls.all = count;
        } else if WRITES.contains(&name) {
            calls.writes += count;
        }
    }
    Ok(calls)
}
