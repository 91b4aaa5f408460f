//! A process of this program, which is sent commands and says how it is.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{self, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::allocator::Allocator;

/// How long a process may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// A process of this program. It ends when this is dropped, and when this process ends.
#[derive(Debug)]
pub(crate) struct Child {
    process: process::Child,
    /// Until it is closed.
    commands: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    id: u32,
}

impl Child {
    /// Starts `program` with an allocator.
    pub(crate) fn start<I>(program: &Path, arguments: I, allocator: Allocator) -> io::Result<Self>
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        command.envs(allocator.variables().iter().copied());
        let mut process = command.spawn()?;
        let missing = || io::Error::other("a process without pipes");
        Ok(Self {
            commands: Some(process.stdin.take().ok_or_else(missing)?),
            lines: BufReader::new(process.stdout.take().ok_or_else(missing)?).lines(),
            id: process.id().ok_or_else(missing)?,
            process,
        })
    }

    /// Returns the id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Sends a command.
    pub(crate) async fn send(&mut self, command: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        let commands = self.commands.as_mut();
        let commands = commands.ok_or(io::ErrorKind::NotConnected)?;
        commands.write_all(&line).await
    }

    /// Ends its standard input.
    pub(crate) fn close(&mut self) {
        self.commands = None;
    }

    /// Returns what the process says next.
    ///
    /// # Cancel safety
    ///
    /// No line is lost if this is dropped.
    pub(crate) async fn receive<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let line = timeout(ANSWER_TIMEOUT, self.lines.next_line()).await??;
        let line = line.ok_or_else(|| io::Error::other("a process has ended early"))?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Sends a command and returns the answer.
    pub(crate) async fn ask<T>(&mut self, command: &impl Serialize) -> io::Result<T>
    where
        T: DeserializeOwned,
    {
        self.send(command).await?;
        self.receive().await
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn ends(&mut self) -> io::Result<()> {
        let status = timeout(ANSWER_TIMEOUT, self.process.wait()).await??;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("a process has ended: {status}")))
        }
    }
}
