//! The demo as a child process, and an HTTP client for it.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// The time limit of each step, far beyond what a busy machine needs.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// The servers in the order in which the demo prints them.
pub(crate) const TRANSPORTS: [&str; 3] = ["hyper", "actix", "tcp"];

/// A running demo, on free ports. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    /// The addresses of the servers, in the order of [`TRANSPORTS`].
    pub(crate) addresses: [String; 3],
    /// The option that names its engine.
    engine: Option<String>,
    _output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) async fn start() -> Self {
        Self::start_with(&FREE_PORTS).await
    }

    /// Starts a process that uses the engine of this option.
    pub(crate) async fn start_on(engine: &str) -> Self {
        let mut arguments = FREE_PORTS.to_vec();
        arguments.push(engine);
        let mut process = Self::start_with(&arguments).await;
        process.engine = Some(engine.to_owned());
        process
    }

    /// Kills the process, as a crash does. It can be [restarted](Self::restart).
    pub(crate) async fn kill(&mut self) {
        within(self.child.kill()).await.expect("killed");
    }

    /// Kills the process and starts another one at the same addresses, as after a crash.
    pub(crate) async fn restart(mut self) -> Self {
        self.kill().await;
        let [hyper, actix, tcp] = &self.addresses;
        let mut arguments = vec![
            format!("--hyper={hyper}"),
            format!("--actix={actix}"),
            format!("--tcp={tcp}"),
        ];
        arguments.extend(self.engine.clone());
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut process = Self::start_with(&arguments).await;
        process.engine = self.engine.take();
        process
    }

    async fn start_with(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().expect("the demo starts");
        let output = child.stdout.take().expect("its standard output");
        let mut output = BufReader::new(output).lines();
        let mut addresses = Vec::new();
        while addresses.len() < TRANSPORTS.len() {
            let line = within(output.next_line()).await.expect("text");
            let line = line.expect("the addresses before the end");
            addresses.extend(
                line.split_once("http://")
                    .map(|(_, rest)| rest.trim_end_matches('/').to_owned()),
            );
        }
        Self {
            child,
            addresses: addresses.try_into().expect("three"),
            engine: None,
            _output: output,
        }
    }

    /// Sends SIGTERM, as a service manager does.
    pub(crate) async fn terminate(&self) {
        let process = self.child.id().expect("it runs");
        let kill = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {process}"))
            .status();
        assert!(within(kill).await.expect("a shell").success());
    }

    /// Waits until the process exits and returns its status.
    pub(crate) async fn exit_code(&mut self) -> Option<i32> {
        within(self.child.wait()).await.expect("an end").code()
    }
}

pub(crate) const FREE_PORTS: [&str; 3] = [
    "--hyper=127.0.0.1:0",
    "--actix=127.0.0.1:0",
    "--tcp=127.0.0.1:0",
];

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sse-demo"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the demo until it exits.
pub(crate) async fn output(arguments: &[&str]) -> Output {
    within(command(arguments).output())
        .await
        .expect("the demo starts")
}

/// Awaits `work` within [`TIMEOUT`].
pub(crate) async fn within<F: Future>(work: F) -> F::Output {
    timeout(TIMEOUT, work)
        .await
        .expect("done within the time limit")
}

/// A response as it arrives.
pub(crate) struct Response {
    connection: TcpStream,
    /// The bytes that have arrived, with the head and the chunk sizes.
    pub(crate) raw: String,
}

impl Response {
    /// Sends a `GET` with an additional header line, which may be empty.
    pub(crate) async fn to(address: &str, target: &str, header: &str) -> Self {
        Self::to_request("GET", address, target, header).await
    }

    /// Sends a request with any method.
    pub(crate) async fn to_request(
        method: &str,
        address: &str,
        target: &str,
        header: &str,
    ) -> Self {
        let mut connection = within(TcpStream::connect(address))
            .await
            .expect("a connection");
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{header}\r\n"
        );
        connection.write_all(head.as_bytes()).await.expect("sent");
        Self {
            connection,
            raw: String::new(),
        }
    }

    /// Reads until the body contains `text`.
    pub(crate) async fn read_until(&mut self, text: &str) {
        let reading = async {
            while !self.body().contains(text) {
                assert!(self.read().await, "no {text:?} in {:?}", self.raw);
            }
        };
        within(reading).await;
    }

    /// Reads to the end of the connection.
    pub(crate) async fn read_to_end(&mut self) {
        within(async { while self.read().await {} }).await;
    }

    async fn read(&mut self) -> bool {
        let mut piece = [0; 4096];
        // A reset ends the connection too. The bytes before it count.
        let read = self.connection.read(&mut piece).await.unwrap_or(0);
        self.raw += std::str::from_utf8(&piece[..read]).expect("whole characters");
        read > 0
    }

    pub(crate) fn status(&self) -> &str {
        self.raw.split(' ').nth(1).unwrap_or_default()
    }

    /// Whether the body is sent in chunks.
    pub(crate) fn is_chunked(&self) -> bool {
        let head = self.raw.split_once("\r\n\r\n").map(|(head, _)| head);
        head.is_some_and(|head| head.contains("transfer-encoding: chunked"))
    }

    /// Whether the last, empty chunk has arrived, which completes the body.
    pub(crate) fn is_complete(&self) -> bool {
        self.raw.ends_with("\r\n0\r\n\r\n")
    }

    /// Returns the part of the body that has arrived: whole chunks, if it is sent in chunks.
    pub(crate) fn body(&self) -> String {
        let Some((_, mut rest)) = self.raw.split_once("\r\n\r\n") else {
            return String::new();
        };
        if !self.is_chunked() {
            return rest.to_owned();
        }
        let mut body = String::new();
        while let Some((size, after)) = rest.split_once("\r\n") {
            let size = usize::from_str_radix(size, 16).expect("a chunk's size");
            let Some(chunk) = after.get(..size) else {
                break;
            };
            body += chunk;
            rest = after[size..].strip_prefix("\r\n").unwrap_or_default();
        }
        body
    }

    /// Returns the ids of the ticks that have arrived.
    pub(crate) fn ids(&self) -> Vec<u64> {
        let body = self.body();
        let ids = body.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.map(|id| id.parse().expect("a count")).collect()
    }
}

/// Returns the complete response to a `GET`.
pub(crate) async fn get(address: &str, target: &str) -> Response {
    let mut response = Response::to(address, target, "").await;
    response.read_to_end().await;
    response
}

/// Returns the complete response to a `POST` of a form.
pub(crate) async fn post(address: &str, target: &str, form: &str) -> Response {
    let length = form.len();
    let header =
        format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n");
    let mut response = Response::to_request("POST", address, target, &header).await;
    let sent = response.connection.write_all(form.as_bytes()).await;
    sent.expect("sent");
    response.read_to_end().await;
    response
}
