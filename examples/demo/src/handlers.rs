//! The event streams: each handler is written once and runs on all three transports.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde_json::json;
// The same types in all three adapters.
use sse_hyper::{BoxError, Event, SendError, Sse};

use crate::connections;
use crate::demo::Demo;

/// `/hello`: a text, a JSON value, a named event, and the end.
pub(crate) async fn hello<R>(_request: R, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await?;
    sse.send(json!({"foo": "bar"})).await?;
    sse.send(Event::new().event("greeting").data("hello")).await
}

/// `/ticks`: an event every second, from where the client was on. With `page=KEY` in the query
/// the stream can be dropped, see [`Demo::drop_stream`].
pub(crate) async fn ticks(
    demo: Arc<Demo>,
    query: Option<String>,
    sse: Sse,
) -> Result<(), BoxError> {
    let entry = connections::key(query.as_deref()).and_then(|key| demo.connections.enter(key));
    let dropped = async {
        match &entry {
            Some(entry) => entry.dropped().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = send_ticks(&demo, &sse) => result.map_err(Into::into),
        // A handler's error cuts the stream: to the browser the connection is broken.
        () = dropped => Err(Dropped.into()),
    }
}

async fn send_ticks(demo: &Demo, sse: &Sse) -> Result<(), SendError> {
    let first = demo.clock.first_tick(sse.last_event_id());
    for count in first.. {
        let tick = demo.clock.tick(count).await;
        let event = Event::new().event("tick").id(count.to_string()).json(&tick);
        sse.send(event).await?;
    }
    Ok(())
}

/// The page asked for it.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped on demand")
    }
}

impl Error for Dropped {}
