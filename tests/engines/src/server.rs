//! A server: on a loopback port and in a folder of its own, killed, frozen, thawed and restarted in
//! the same place, and ended when dropped.

use std::fmt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::command::MakeCommand;
use crate::port::Port;

/// How long a server may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A server, and what is needed to start it again in the same place.
pub struct Server {
    command: Box<dyn MakeCommand>,
    process: Child,
    port: Port,
    folder: TempDir,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub async fn start(command: impl Fn(u16, &Path) -> Command + Send + Sync + 'static) -> Self {
        Self::start_on(Port::take(), command).await
    }

    /// Starts a server on a port that was chosen before, likewise.
    pub async fn start_on(port: Port, command: impl MakeCommand) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self {
            process: spawn(command(port.number(), folder.path())),
            command: Box::new(command),
            port,
            folder,
        };
        assert!(server.listens().await, "it listens");
        server
    }

    /// The port on which it listens, of this machine's loopback address.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The id of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The end without warning: `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("its end");
    }

    /// Starts it again after [`kill`](Self::kill), on the same port and with the same files.
    pub async fn restart(&mut self) {
        self.process = spawn((self.command)(self.port(), self.folder.path()));
        assert!(self.listens().await, "it listens again");
    }

    /// Copies its files, while it runs or between the two.
    #[must_use]
    pub fn copy_files(&self) -> Files {
        let copy = tempfile::tempdir().expect("a folder");
        copy_all(self.folder.path(), copy.path());
        Files(copy)
    }

    /// Replaces its files with a copy, between the two.
    pub fn put_back(&self, files: &Files) {
        self.wipe();
        copy_all(files.0.path(), self.folder.path());
    }

    /// Removes its files, between the two.
    pub fn wipe(&self) {
        for entry in std::fs::read_dir(self.folder.path()).expect("its folder") {
            let path = entry.expect("an entry").path();
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            removed.expect("removed");
        }
    }

    /// Stops it where it is: its connections stay open and nothing is answered.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        // The signal is on its way: each of its threads stops when it next enters the kernel.
        let deadline = std::time::Instant::now() + START_TIMEOUT;
        while !self.is_stopped() {
            assert!(std::time::Instant::now() < deadline, "it stops");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn is_stopped(&self) -> bool {
        let threads = format!("/proc/{}/task", self.process.id());
        std::fs::read_dir(threads).expect("threads").all(|thread| {
            let stat = thread.expect("a thread").path().join("stat");
            let stat = std::fs::read_to_string(stat).unwrap_or_default();
            // The state comes after the name, which is in brackets. A thread may just have ended.
            stat.rsplit_once(") ")
                .is_none_or(|(_, fields)| fields.starts_with('T'))
        })
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).expect("an id");
        // Its end has not been awaited, so the number is no other process's.
        kill_process(Pid::from_raw(id).expect("an id"), signal).expect("signalled");
    }

    /// Whether it listens, in time; `false` if it has ended.
    async fn listens(&mut self) -> bool {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if self.process.try_wait().expect("its state").is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port())).await.is_ok() {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

/// A copy of a server's files.
#[derive(Debug)]
pub struct Files(TempDir);

/// Copies what is in a folder. A running server may remove a file meanwhile.
fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let copied = if from.is_dir() {
            std::fs::create_dir(&to).expect("a folder");
            copy_all(&from, &to);
            continue;
        } else {
            std::fs::copy(&from, &to)
        };
        match copied {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            copied => drop(copied.expect("copied")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL ends a frozen one too.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("process", &self.process)
            .field("port", &self.port)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn spawn(mut command: Command) -> Child {
    let program = command.get_program().to_owned();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{program:?}: {error}; `cargo xtask test packages` installs what is missing")
        })
}
