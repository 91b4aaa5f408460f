//! The chromedriver process.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::error::BrowserError;

/// How long chromedriver may take to say on which port it listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How often to start chromedriver. It takes a free port of IPv6 and then wants the same one of
/// IPv4, which now and then is somebody else's; it ends then.
const ATTEMPTS: usize = 10;

/// What chromedriver prints before the port that it took.
const READY: &str = "started successfully on port ";

/// A running chromedriver. Dropping it kills it, together with the browser that it has started.
#[derive(Debug)]
pub(crate) struct Driver {
    process: Child,
    port: u16,
    /// Kept open: closed, it would fail what chromedriver prints later.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    /// Starts chromedriver on a free port; it and the browser put their files into `scratch`.
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
        // A process group of its own: a killed chromedriver leaves its browser behind, and this
        // is the way to reach both.
        #[cfg(unix)]
        command.process_group(0);
        let mut process = command
            .arg("--port=0")
            .env("TMPDIR", scratch)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // Chromium has much to complain about in a machine without a desktop.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => BrowserError::NotInstalled,
                _ => BrowserError::Driver(error),
            })?;
        let output = process.stdout.take().ok_or_else(|| {
            BrowserError::Driver(io::Error::other("its standard output is missing"))
        })?;
        let mut output = BufReader::new(output).lines();
        let port = timeout(START_TIMEOUT, port(&mut output))
            .await
            .unwrap_or_else(|elapsed| Err(elapsed.into()))
            .map_err(BrowserError::Driver)?;
        Ok(Self {
            process,
            port,
            _output: output,
        })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills it and waits for its end.
    pub(crate) async fn stop(mut self) -> io::Result<()> {
        self.kill_group();
        self.process.kill().await
    }

    /// Kills whatever is left of its process group.
    #[cfg(unix)]
    fn kill_group(&self) {
        use rustix::process::{Pid, Signal, kill_process_group};

        // There is no id any more once its end was awaited, and then the number may be another's.
        let id = self.process.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            // An error says that nobody is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    #[cfg(not(unix))]
    fn kill_group(&self) {}
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// The port that it prints; an unexpected end of file if it ends instead.
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
    let ended = format!("it ended before it was ready, and said {last:?} at last");
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, ended))
}
