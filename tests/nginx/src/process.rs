//! The processes of one nginx: the master, which is ours, and its workers.

use std::env;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::error::NginxError;

/// A running nginx. Dropping it kills it, and its workers with it.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts nginx with the configuration `nginx.conf` of this folder.
    pub(crate) fn start(folder: &Path, listener: &TcpListener) -> Result<Self, NginxError> {
        let program = program().ok_or(NginxError::NotInstalled)?;
        let command = || {
            let mut command = Command::new(&program);
            command
                .arg("-p")
                .arg(folder)
                .args(["-c", "nginx.conf", "-e", "error.log"]);
            command
        };
        let checked = command().args(["-t", "-q"]).output()?;
        if !checked.status.success() {
            let complaint = String::from_utf8_lossy(&checked.stderr).into_owned();
            return Err(NginxError::Configuration(complaint));
        }
        let process = command()
            // A group of its own: a master that is killed leaves its workers behind, and this is
            // the way to reach all.
            .process_group(0)
            // nginx inherits the sockets of these numbers, as when it replaces itself. So the port
            // is ours from the beginning, and nobody can take it in between.
            .env("NGINX", "0;")
            .stdin(Stdio::from(OwnedFd::from(listener.try_clone()?)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self(process))
    }

    /// Tells nginx to read its configuration again.
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
        // Nobody has waited for it, so the number is still its own.
        if let Ok(id) = self.id() {
            let _ = kill_process_group(id, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// Debian puts it where only root looks for programs.
fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join("nginx"))
        .find(|file| file.is_file())
}
