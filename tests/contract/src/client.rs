//! One client of the tests: an event source, and the messages about it.

use std::error::Error;
use std::time::Duration;

use futures_util::StreamExt as _;
use http::Method;
use sse_eventsource::{Backoff, EventSource, Reconnect, Update, Updates};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::callbacks::Callbacks;
use crate::protocol::{CreateStream, Event, Message};

/// The number of restarts that may be queued.
const RESTARTS: usize = 16;

/// The delay where the tests do not set one: a client that connects again when it must not is
/// noticed.
const SHORT_DELAY: Duration = Duration::from_millis(50);

/// The limit on lines and events: the suite's largest event has 128 MiB and one byte.
const MAX_LEN: usize = 256 << 20;

/// A client. It continues when this is dropped; [`close`](Self::close) ends it.
pub(crate) struct Client {
    task: JoinHandle<()>,
    restarts: mpsc::Sender<()>,
}

impl Client {
    /// Starts a client, unless a parameter is invalid.
    pub(crate) fn start(parameters: CreateStream) -> Result<Self, Box<dyn Error>> {
        let callbacks = Callbacks::new(parameters.callback_url.clone())?;
        let tag = parameters.tag.clone();
        let updates = event_source(parameters)?.into_updates();
        let (restarts, restart) = mpsc::channel(RESTARTS);
        let task = tokio::spawn(async move {
            if let Err(error) = run(updates, callbacks, restart).await {
                eprintln!("[{tag}] a message could not be delivered: {error}");
            }
        });
        Ok(Self { task, restarts })
    }

    /// Makes it connect again.
    pub(crate) fn restart(&self) {
        // If the queue is full or the client has ended, there is nothing to restart.
        let _ = self.restarts.try_send(());
    }

    /// Ends it and its connection.
    pub(crate) async fn close(self) {
        self.task.abort();
        // The error is that of the abort.
        let _ = self.task.await;
    }
}

fn event_source(parameters: CreateStream) -> Result<EventSource, Box<dyn Error>> {
    let method = match parameters.method {
        Some(method) => method.parse()?,
        None => Method::GET,
    };
    let delay = parameters.initial_delay_ms.map(Duration::from_millis);
    let delay = delay.unwrap_or(SHORT_DELAY);
    let mut builder = EventSource::builder(method, parameters.stream_url)
        // A repeated request is safe in the tests.
        .reconnect(Reconnect::Always)
        .backoff(Backoff::new().reconnection_time(delay).initial(delay))
        .idle_timeout(parameters.read_timeout_ms.map(Duration::from_millis))
        .max_line_len(MAX_LEN)
        .max_event_len(MAX_LEN);
    if let Some(id) = parameters.last_event_id {
        builder = builder.last_event_id(id);
    }
    for (name, value) in parameters.headers.unwrap_or_default() {
        builder = builder.header(name, value);
    }
    if let Some(body) = parameters.body {
        builder = builder.body(body);
    }
    Ok(builder.build()?)
}

/// Reports all updates until the end.
async fn run(
    mut updates: Updates,
    mut callbacks: Callbacks,
    mut restart: mpsc::Receiver<()>,
) -> Result<(), Box<dyn Error>> {
    loop {
        let update = tokio::select! {
            update = updates.next() => update,
            Some(()) = restart.recv() => {
                updates.restart();
                continue;
            }
        };
        match update {
            Some(Ok(Update::Event(event))) => {
                let event = Event {
                    event: event.event(),
                    data: event.data(),
                    id: event.last_event_id(),
                };
                callbacks.send(&Message::Event { event }).await?;
            }
            Some(Ok(Update::Comment(comment))) => {
                let comment = &comment;
                callbacks.send(&Message::Comment { comment }).await?;
            }
            Some(
                Err(error)
                | Ok(Update::Disconnected {
                    error: Some(error), ..
                }),
            ) => {
                let error = &error.to_string();
                let comment = error;
                callbacks.send(&Message::Error { error, comment }).await?;
            }
            Some(Ok(_)) => {}
            None => return Ok(()),
        }
    }
}
