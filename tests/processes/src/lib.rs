//! Programs that tests start.
//!
//! Many of them start others, which outlive a program that is killed: the workers of a proxy, the
//! browser of its driver, the server of a package manager. A [`Process`] is a process group of its own,
//! which is killed as a whole: when it is dropped, and also when the process that started it ends
//! without dropping it, for instance by Ctrl-C or SIGKILL.

#![cfg(unix)]

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// What the first process of a group does: it waits for the end of its standard input, and kills the
/// group.
///
/// The only writer of that input is in the process that started it, and the kernel closes it with that
/// process, however it ends. Some programs send signals to their group, which are ignored here; the output
/// says that they are.
const KILL_AT_THE_END_OF_INPUT: &str =
    "trap '' HUP INT QUIT TERM USR1 USR2; echo; read -r line; kill -s KILL 0";

/// A running program. Dropping it kills it and what it has started.
#[derive(Debug)]
pub struct Process {
    program: Child,
    /// The first process of the group, whose id is that of the group.
    guard: Guard,
}

impl Process {
    /// Starts `command` in a process group of its own.
    ///
    /// # Errors
    ///
    /// Those of starting a process.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let guard = Guard::start()?;
        let group = i32::try_from(guard.0.id()).map_err(io::Error::other)?;
        let program = command.process_group(group).spawn()?;
        Ok(Self { program, guard })
    }

    /// Returns the id of the program's process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// Returns how the program has ended, if it has ended by itself.
    ///
    /// # Errors
    ///
    /// Those of asking the system.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.program.try_wait()
    }

    /// Returns the program's standard output, if it is a pipe and was not taken before.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.program.stdout.take()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.guard.kill_group();
        // In case that something has killed the guard alone.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[derive(Debug)]
struct Guard(Child);

impl Guard {
    fn start() -> io::Result<Self> {
        let mut guard = Command::new("sh")
            .args(["-c", KILL_AT_THE_END_OF_INPUT])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let ready = guard.stdout.take();
        let guard = Self(guard);
        if let Some(mut ready) = ready {
            ready.read_exact(&mut [0])?;
        }
        Ok(guard)
    }

    /// Kills all processes of the group, this one included. They have the signal when this returns.
    fn kill_group(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Drop for Guard {
    /// Ends it where the program could not be started.
    fn drop(&mut self) {
        self.kill_group();
    }
}
