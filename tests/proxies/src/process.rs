//! The processes of a proxy: the one that is a child of the test, and those that it starts.

use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// A running program. Dropping it kills it and what it has started.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts `command` in a process group of its own, so that all can be killed: the workers of
    /// some programs outlive a killed master.
    ///
    /// # Errors
    ///
    /// Those of starting a process.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        Ok(Self(command.process_group(0).spawn()?))
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    ///
    /// Those of asking the system.
    pub fn has_ended(&mut self) -> io::Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    /// Sends SIGHUP, by which many programs reload their configuration.
    pub(crate) fn hang_up(&self) -> io::Result<()> {
        Ok(kill_process(self.id()?, Signal::HUP)?)
    }

    fn id(&self) -> io::Result<Pid> {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        id.ok_or_else(|| io::Error::other("no process id"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // If its end was awaited, its group exists for as long as one of its processes.
        if let Ok(id) = self.id() {
            let _ = kill_process_group(id, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// Returns the path of an installed program. On Debian, servers are in a directory that is in the
/// `PATH` of root alone.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}
