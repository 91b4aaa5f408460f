//! How do I send many events at once, such as those that a client has missed?
//!
//! ```text
//! cargo run -p sse-examples --example history
//! curl -N -H 'Last-Event-ID: 9990' http://127.0.0.1:3002/
//! ```

use std::sync::Arc;

use sse_tokio_tcp::{Event, Request, SendError, Sse, serve, with_sse};
use tokio::net::TcpListener;

// Sends the events after the client's last event ID.
async fn replay(history: Arc<[String]>, sse: Sse) -> Result<(), SendError> {
    let last = sse.last_event_id().and_then(|id| id.parse().ok());
    let first = last.map_or(0, |id: usize| id.saturating_add(1));
    let missed = history.iter().enumerate().skip(first);
    let events = missed.map(|(id, text)| Event::new().id(id.to_string()).data(text.as_str()));
    // Unlike a loop of `send`, this locks the stream once for all events that fit into its buffer.
    // It waits for the client when the buffer is full.
    sse.send_all(events).await?;
    sse.send(Event::new().event("live").data("")).await
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let history: Arc<[String]> = (0..10_000).map(|number| format!("line {number}")).collect();
    let handler = move |_request: Request, sse| replay(Arc::clone(&history), sse);
    let listener = TcpListener::bind("127.0.0.1:3002").await?;
    serve(listener, with_sse(handler)).await;
    Ok(())
}
