//! Streams that are cut again and again, and still arrive complete.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use sse_eventsource::{EventSource, Update};
use sse_eventsource_testing::{CHUNKED, STREAM, Server, header};

use crate::stack::no_wait;

const DISCONNECTS: usize = 1000;

/// The server has an endless log of events, resumes by ID, and cuts each connection at another
/// place and in another way.
#[tokio::test]
async fn no_event_is_lost_or_repeated_over_a_thousand_disconnects() {
    let resumed = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&resumed);
    let server = Server::start(move |number, mut connection| {
        let resumed = Arc::clone(&counter);
        async move {
            let head = connection.head().await;
            let last = header(&head, "last-event-id");
            let last: usize = last.map_or(0, |id| id.parse().expect("an id of this server"));
            resumed.fetch_add(usize::from(last > 0), Ordering::Relaxed);
            let mut random = fastrand::Rng::with_seed(number as u64);
            let events: String = (1..=random.usize(0..20))
                .map(|next| last + next)
                // Some have no data: they only set the ID.
                .map(|id| match id % 5 {
                    0 => format!("id: {id}\n\n"),
                    _ => format!("id: {id}\ndata: {id}\ndata: x\n\n"),
                })
                .collect();
            if number == DISCONNECTS {
                connection.send(STREAM).await;
                connection.send(&events).await;
                connection.send("event: end\ndata\n\n").await;
                connection.closed().await;
                return;
            }
            let somewhere = &events[..random.usize(0..=events.len())];
            match random.usize(0..5) {
                // In order, but in the middle of an event.
                0 => {
                    connection.send(STREAM).await;
                    connection.send(somewhere).await;
                }
                // Without the last chunk.
                1 => {
                    connection.send(CHUNKED).await;
                    connection.chunk(somewhere).await;
                }
                // In the middle of a chunk.
                2 => {
                    connection.send(CHUNKED).await;
                    connection
                        .send(format!("{:x}\r\n{somewhere}", events.len() + 1))
                        .await;
                }
                // With a reset, which discards unread data.
                3 => {
                    connection.send(STREAM).await;
                    connection.send(somewhere).await;
                    connection.reset();
                }
                // Without a response.
                _ => {}
            }
        }
    });

    let source = EventSource::get(server.url())
        .backoff(no_wait())
        .build()
        .expect("valid");
    let mut updates = source.into_updates();
    let (mut expected, mut disconnects) = (1, 0);
    loop {
        match updates
            .next()
            .await
            .expect("endless")
            .expect("no final error")
        {
            Update::Event(event) if event.event() == "end" => break,
            Update::Event(event) => {
                if expected % 5 == 0 {
                    expected += 1;
                }
                assert_eq!(event.data(), format!("{expected}\nx"));
                expected += 1;
            }
            Update::Disconnected { .. } => disconnects += 1,
            _ => {}
        }
    }
    assert_eq!(disconnects, DISCONNECTS);
    assert_eq!(server.connections(), DISCONNECTS + 1);
    assert!(expected > DISCONNECTS, "only {expected} events");
    assert!(resumed.load(Ordering::Relaxed) > DISCONNECTS / 2);
}
