//! The event streams: each handler is written once and runs on all three transports.
//!
//! The rooms of the chat are in [`chat`](mod@crate::chat).

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::json;
use sse_hub::{Change, Presence};
// The same types in all three adapters.
use sse_hyper::{BoxError, Event, SendError, Sse};

use crate::chat::{self, Visitor};
use crate::connections;
use crate::demo::Demo;

/// Answers `/hello` with a text, a JSON value and a named event.
pub(crate) async fn hello<R>(_request: R, sse: Sse) -> Result<(), SendError> {
    sse.send("hello").await?;
    sse.send(json!({"foo": "bar"})).await?;
    sse.send(Event::new().event("greeting").data("hello")).await
}

/// Answers `/ticks` with an event every second, after the client's last event ID. With `page=KEY` in
/// the query, the stream can be dropped, see [`Demo::drop_stream`].
pub(crate) async fn ticks(
    demo: Arc<Demo>,
    query: Option<String>,
    sse: Sse,
) -> Result<(), BoxError> {
    let ticks = async { send_ticks(&demo, &sse).await.map_err(Into::into) };
    unless_dropped(&demo, query.as_deref(), ticks).await
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

/// Answers `/chat/events?room=R&name=N` with the messages of a room and its members.
///
/// A new client first receives the earlier messages as one event, a reconnecting one those after its
/// last event ID. The stream can be dropped as that of the ticks can.
pub(crate) async fn chat(
    demo: Arc<Demo>,
    visitor: Visitor,
    query: Option<String>,
    sse: Sse,
) -> Result<(), BoxError> {
    let topic = chat::topic(&visitor.room);
    let member = visitor.member(demo.transport);
    let messages = demo.chat.hub.subscribe([&*topic]).member(&member);
    let (messages, greeting) = match (sse.last_event_id(), demo.chat.greeting()) {
        (None, Some(greeting)) => (messages.from_start(), Some(greeting)),
        _ => (messages, None),
    };
    let stream = async {
        if let Some(greeting) = greeting {
            sse.send(greeting).await?;
        }
        // Subscribed to before the client joins, so that it receives its own joining too.
        let presence = demo.chat.hub.presence(&topic).await?;
        tokio::select! {
            result = messages.serve(sse.clone()) => result,
            result = send_presence(presence, &sse) => result,
        }
    };
    unless_dropped(&demo, query.as_deref(), stream).await
}

/// Sends the members of the room and every change. These events have no id, as they are not part of
/// the room's history: a reconnecting client is sent all members again.
async fn send_presence(mut presence: Presence, sse: &Sse) -> Result<(), BoxError> {
    // The name of a member is JSON, see `Visitor::member`.
    let all = |presence: &mut Presence| {
        let list = format!("[{}]", presence.members().join(","));
        Event::new().event("present").data(list)
    };
    sse.send(all(&mut presence)).await?;
    while let Some(change) = presence.next().await {
        match change {
            Change::Joined {
                member, times: 1, ..
            } => {
                let member = member.unwrap_or_default();
                sse.send(Event::new().event("joined").data(&*member))
                    .await?;
            }
            Change::Left {
                member, times: 0, ..
            } => {
                let member = member.unwrap_or_default();
                sse.send(Event::new().event("left").data(&*member)).await?;
            }
            Change::Missed(_) => {
                sse.send(all(&mut presence)).await?;
            }
            // A member is present twice, for instance when a client reconnects before its lost
            // connection is detected.
            _ => {}
        }
    }
    Ok(())
}

/// Runs a stream until it ends or, if the query has a `page=KEY`, until it is dropped on demand. See
/// [`Demo::drop_stream`].
async fn unless_dropped(
    demo: &Demo,
    query: Option<&str>,
    stream: impl Future<Output = Result<(), BoxError>>,
) -> Result<(), BoxError> {
    let entry = connections::key(query).and_then(|key| demo.connections.register(key));
    let dropped = async {
        match &entry {
            Some(entry) => entry.dropped().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = stream => result,
        // The error of a handler cuts the stream short, so the browser sees a lost connection.
        () = dropped => Err(Dropped.into()),
    }
}

/// The stream was dropped on demand.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped on demand")
    }
}

impl Error for Dropped {}
