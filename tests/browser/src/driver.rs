//! The chromedriver process.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use sse_processes::Process;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use crate::error::BrowserError;

/// The time within which chromedriver must print the port on which it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of attempts to start chromedriver. It takes a free port of IPv6 and then needs the same
/// one of IPv4. It exits if another process uses that.
const ATTEMPTS: usize = 10;

/// The text that chromedriver prints before its port.
const READY: &str = "started successfully on port ";

/// A running chromedriver. Dropping it kills it and the browser that it has started.
#[derive(Debug)]
pub(crate) struct Driver {
    // A browser outlives a killed chromedriver, but is of the same group.
    _process: Process,
    port: u16,
    /// Kept open, as chromedriver fails when it cannot print.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    /// Starts chromedriver on a free port. It and the browser write their files to `scratch`.
    pub(crate) async fn start(scratch: &Path) -> Result<Self, BrowserError> {
        let mut attempts = 1;
        loop {
            match Self::start_once(scratch).await {
                Err(BrowserError::Driver(error))
                    if error.kind() == io::ErrorKind::UnexpectedEof && attempts < ATTEMPTS =>
                {
                    attempts += 1;
                }
                result => return result,
            }
        }
    }

    async fn start_once(scratch: &Path) -> Result<Self, BrowserError> {
        let mut command = Command::new("chromedriver");
        command
            .arg("--port=0")
            .env("TMPDIR", scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Chromium prints many warnings on a machine without a desktop.
            .stderr(Stdio::null());
        let mut process = Process::start(&mut command).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BrowserError::NotInstalled,
            _ => BrowserError::Driver(error),
        })?;
        let output = process
            .take_stdout()
            .ok_or_else(|| BrowserError::Driver(io::Error::other("it has no standard output")))?;
        let output = ChildStdout::from_std(output).map_err(BrowserError::Driver)?;
        let mut output = BufReader::new(output).lines();
        let port = timeout(START_TIMEOUT, port(&mut output))
            .await
            .unwrap_or_else(|elapsed| Err(elapsed.into()))
            .map_err(BrowserError::Driver)?;
        Ok(Self {
            _process: process,
            port,
            _output: output,
        })
    }

    /// Returns the URL at which it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Reads the port that chromedriver prints. Fails with an unexpected end of file if it exits instead.
async fn port(output: &mut Lines<BufReader<ChildStdout>>) -> io::Result<u16> {
    let mut last = String::new();
    while let Some(line) = output.next_line().await? {
        if let Some((_, port)) = line.split_once(READY) {
            return port
                .trim_end_matches('.')
                .parse()
                .map_err(|_| io::Error::other(format!("no port in {line:?}")));
        }
        last = line;
    }
    let ended = format!("it exited before it was ready; its last line was {last:?}");
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, ended))
}
