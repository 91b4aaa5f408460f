//! A server whose streams do what the test commands.

use std::fmt;
use std::net::SocketAddr;

use sse_session::{BoxError, Sse, SseOptions};
use tokio::sync::{mpsc, oneshot};

use crate::adapters::{self, Adapter, Server};

/// A server behind the proxy. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Upstream {
    opened: mpsc::UnboundedReceiver<Stream>,
    server: Server,
}

/// Where handlers announce their streams.
pub(crate) type Opened = mpsc::UnboundedSender<Stream>;

/// A stream that was opened. Its handler ends in order when this is dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) last_event_id: Option<String>,
    commands: mpsc::UnboundedSender<Command>,
    dropped: oneshot::Receiver<()>,
}

#[derive(Debug)]
enum Command {
    Send(String),
    Fail,
}

/// What the handlers fail with.
#[derive(Debug)]
struct Failure;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a failure for this test")
    }
}

impl std::error::Error for Failure {}

impl Upstream {
    pub(crate) async fn start(adapter: Adapter, options: SseOptions) -> Self {
        let (send, opened) = mpsc::unbounded_channel();
        let server = adapters::start(adapter, options, send).await;
        Self { opened, server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Waits for a client.
    pub(crate) async fn opened(&mut self) -> Stream {
        self.opened.recv().await.expect("the server runs")
    }
}

impl Stream {
    /// Sends an event with this data.
    pub(crate) fn send(&self, data: &str) {
        // A handler that is gone sends nothing.
        let _ = self.commands.send(Command::Send(data.to_owned()));
    }

    /// Makes the handler fail.
    pub(crate) fn fail(&self) {
        self.commands.send(Command::Fail).expect("a handler");
    }

    /// Waits until the handler is dropped.
    pub(crate) async fn dropped(&mut self) {
        let _ = (&mut self.dropped).await;
    }
}

/// The handler.
pub(crate) async fn serve(sse: Sse, opened: Opened) -> Result<(), BoxError> {
    let (commands, mut command) = mpsc::unbounded_channel();
    let (_guard, dropped) = oneshot::channel();
    let stream = Stream {
        last_event_id: sse.last_event_id().map(str::to_owned),
        commands,
        dropped,
    };
    opened.send(stream)?;
    while let Some(command) = command.recv().await {
        match command {
            Command::Send(data) => sse.send(data).await?,
            Command::Fail => return Err(Failure.into()),
        }
    }
    Ok(())
}
