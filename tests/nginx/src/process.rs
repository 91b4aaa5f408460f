//! The processes of nginx: the master, which is a child of the test, and its workers.

use std::env;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::error::NginxError;

/// A running nginx. Dropping it kills it and its workers.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts nginx with the configuration `nginx.conf` in `directory`.
    pub(crate) fn start(directory: &Path, listener: &TcpListener) -> Result<Self, NginxError> {
        let program = program().ok_or(NginxError::NotInstalled)?;
        let command = || {
            let mut command = Command::new(&program);
            command
                .arg("-p")
                .arg(directory)
                .args(["-c", "nginx.conf", "-e", "error.log"]);
            command
        };
        let checked = command().args(["-t", "-q"]).output()?;
        if !checked.status.success() {
            let reason = String::from_utf8_lossy(&checked.stderr).into_owned();
            return Err(NginxError::Configuration(reason));
        }
        let process = command()
            // A process group of its own, so that all can be killed: workers outlive a killed
            // master.
            .process_group(0)
            // nginx inherits the sockets with these numbers, as it does when it replaces itself. So
            // the port is reserved from the start.
            .env("NGINX", "0;")
            .stdin(Stdio::from(OwnedFd::from(listener.try_clone()?)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(process))
    }

    /// Makes nginx reload its configuration.
    pub(crate) fn reload(&self) -> io::Result<()> {
        Ok(kill_process(self.id()?, Signal::HUP)?)
    }

    fn id(&self) -> io::Result<Pid> {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        id.ok_or_else(|| io::Error::other("no process id"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its end was not awaited, so no other process has its id.
        if let Ok(id) = self.id() {
            let _ = kill_process_group(id, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// Returns the path of nginx. On Debian it is in a directory that is in the `PATH` of root alone.
fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|directory| directory.join("nginx"))
        .find(|file| file.is_file())
}
