//! The cases in which a hub sends, each with a topic of its own. The first response is cut, while an event
//! is published, and the following ones resume.
//!
//! | case | before the cut |
//! |---|---|
//! | `hub` | two events, and the beginning of one |
//! | `hub-without-an-event` | nothing but the block with an id with which a subscription begins |
//! | `hub-with-an-event` | an event with which the subscription begins instead |

use bytes::Bytes;
use serde_json::json;
use sse_hub::{Hub, Opening, PublishError};
use sse_session::{BoxError, Event, Sse};
use tokio::time::sleep;

use crate::seen::Seen;
use crate::server::Answer;
use crate::shape::LAST;
use crate::stream::{SILENCE, interrupted, options, stream};

/// Answers the first request for a case.
pub(crate) fn first(case: &str, hub: &Hub, seen: Seen) -> Option<Answer> {
    let topic = Topic::new(case, hub);
    Some(match case {
        "hub" => stream(options(), |sse| events(sse, topic, seen)),
        "hub-without-an-event" => stream(interrupted(), |sse| {
            no_event(sse, topic, Opening::default(), seen)
        }),
        "hub-with-an-event" => stream(interrupted(), |sse| no_event(sse, topic, position(), seen)),
        _ => return None,
    })
}

/// Answers the other requests for a case.
pub(crate) fn following(case: &str, hub: &Hub) -> Option<Answer> {
    let opening = match case {
        "hub" | "hub-without-an-event" => Opening::default(),
        "hub-with-an-event" => position(),
        _ => return None,
    };
    let topic = Topic::new(case, hub);
    Some(stream(options(), |sse: Sse| async move {
        let subscription = topic.hub.subscribe([&topic.name]).opening(opening);
        let subscription = subscription.resume(sse.last_event_id()).await?;
        // After that, so that a client that came back without an id gets it too.
        topic.hub.publish(&topic.name, LAST).await?;
        subscription.serve(sse).await
    }))
}

/// A topic of a hub.
struct Topic {
    hub: Hub,
    name: String,
}

impl Topic {
    fn new(name: &str, hub: &Hub) -> Self {
        Self {
            hub: hub.clone(),
            name: name.to_owned(),
        }
    }

    async fn publish(&self, text: &str) -> Result<(), PublishError> {
        let event = Event::new().json(json!({ "text": text }));
        self.hub.publish(&self.name, event).await.map(|_| ())
    }
}

/// Returns the event with which a subscription can begin.
fn position() -> Opening {
    let event = Event::new().event("position").data("{}");
    Opening::Event(event.to_frame().expect("an event"))
}

async fn events(sse: Sse, topic: Topic, seen: Seen) -> Result<(), BoxError> {
    let subscription = topic.hub.subscribe([&topic.name]).await?;
    topic.publish("one").await?;
    let serving = subscription.serve(sse.clone());
    let publishing = async {
        // With keep-alives between.
        sleep(SILENCE).await;
        topic.publish("two").await?;
        seen.has("two").await;
        Ok::<_, BoxError>(())
    };
    // The subscription has no end of its own.
    tokio::select! {
        ended = serving => return ended,
        published = publishing => published?,
    }
    topic.publish("three").await?;
    sse.send_encoded(Bytes::from_static(b"data: unfini"))
        .await?;
    Err("the handler fails".into())
}

async fn no_event(sse: Sse, topic: Topic, opening: Opening, seen: Seen) -> Result<(), BoxError> {
    let subscription = topic.hub.subscribe([&topic.name]).opening(opening).await?;
    tokio::select! {
        ended = subscription.serve(sse) => return ended,
        // Most clients do not tell that they have got an id.
        () = seen.any_within(4 * SILENCE) => {}
    }
    topic.publish("one").await?;
    Err("the handler fails".into())
}
