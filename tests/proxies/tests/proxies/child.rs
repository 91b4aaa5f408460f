//! A server in a process of its own, which can be killed.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use sse_engines::Port;
use sse_processes::Process;
use sse_session::SseOptions;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::adapters;

/// The environment variable with the address to listen on, for the process that is the server.
const ADDRESS: &str = "SSE_PROXIES_LISTEN";

/// A server on a port that stays the same. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: Option<Process>,
    port: Port,
}

impl Child {
    /// Starts the server: its streams have one event, whose data is the last event ID, and stay
    /// open.
    pub(crate) fn start() -> Self {
        let mut child = Self {
            process: None,
            port: Port::take(),
        };
        child.restart();
        child
    }

    pub(crate) fn restart(&mut self) {
        let mut command = Command::new(std::env::current_exe().expect("the path of this program"));
        command
            .args(["--exact", "child::it_serves_if_it_is_that_process"])
            .env(ADDRESS, self.port.address().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        self.process = Some(Process::start(&mut command).expect("started"));
    }

    /// Ends the server by SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }
}

#[tokio::test]
async fn it_serves_if_it_is_that_process() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    let parent = std::os::unix::process::parent_id();
    let listener = TcpListener::bind(address).await.expect("the port");
    let (send, mut opened) = mpsc::unbounded_channel();
    let server = tokio::spawn(adapters::hyper(listener, SseOptions::new(), send));
    let mut streams = Vec::new();
    let mut tick = tokio::time::interval(std::time::Duration::from_secs(1));
    loop {
        tokio::select! {
            Some(stream) = opened.recv() => {
                let stream: crate::upstream::Stream = stream;
                stream.send(stream.last_event_id.as_deref().unwrap_or("none"));
                streams.push(stream);
            }
            // The parent kills this process, unless it was killed itself.
            _ = tick.tick() => if std::os::unix::process::parent_id() != parent {
                server.abort();
                return;
            }
        }
    }
}
