//! The chat: rooms on a hub that all three servers share.
//!
//! A room is a topic. In a single process, the last messages of a room are the topic's snapshot: a
//! client that is new, or has missed too much, receives them as one event, then what follows. On an
//! engine, to which other processes publish too, the log is the only state: a new client receives it
//! from its start. The validation of requests is in [`visitor`], the stream in
//! [`handlers`](crate::handlers).

mod visitor;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use sse_hub::{
    Driver, Engine, Event, Hub, HubBuilder, Json, PublishError, PublishRequest, Retention,
    TopicOptions,
};

use crate::arguments::Transport;
pub(crate) use crate::chat::visitor::{Invalid, Visitor};
use crate::chat::visitor::{PagePosition, Query};

/// The most rooms at once.
const MAX_ROOMS: usize = 100;

/// The most messages that are kept for a room.
pub(crate) const MAX_MESSAGES: usize = 100;

/// The time for which a room without members is kept at least after its last message.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// A message, as it is sent to the members of a room.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message {
    #[serde(flatten)]
    visitor: Visitor,
    text: String,
    /// Its position among the messages of the page that sent it, if a page did.
    #[serde(flatten)]
    position: Option<PagePosition>,
    /// When it was sent, in milliseconds since 1970 in UTC.
    time: u64,
    /// The transport over which it was sent.
    via: Transport,
}

/// The state of a room, from which its snapshot is made.
#[derive(Debug, Default)]
struct Room {
    messages: VecDeque<Message>,
}

/// All rooms. Clones share the same chat.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    pub(crate) hub: Hub,
    rooms: Rooms,
    /// Whether this process is the only one, so that it knows all messages.
    is_single_process: bool,
}

/// Why a message was not sent.
#[derive(Debug)]
pub(crate) enum SayError {
    Invalid(Invalid),
    /// The topic is not that of the visitor's room.
    Forbidden,
    /// The hub shuts down, or its engine does not answer. The message may have been sent
    /// nevertheless. Sending it again with the same position is safe.
    Unavailable(PublishError),
}

impl From<Invalid> for SayError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// The rooms by their topics.
#[derive(Clone, Debug, Default)]
struct Rooms(Arc<Mutex<HashMap<String, Room>>>);

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        // A panic cannot leave the map in an inconsistent state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the retention of a room.
fn retention() -> TopicOptions {
    let retention = Retention::new().max_events(MAX_MESSAGES).max_age(MAX_AGE);
    TopicOptions::new().retention(retention)
}

/// The earlier messages of a room, as one event.
pub(crate) type History = Event<'static, Json<VecDeque<Message>>>;

fn history(messages: VecDeque<Message>) -> History {
    Event::new().event("history").json(messages)
}

/// Returns the topic of a room.
pub(crate) fn topic(room: &str) -> String {
    format!("chat/{room}")
}

impl Chat {
    /// Returns a chat in this process alone.
    pub(crate) fn new() -> Self {
        let rooms = Rooms::default();
        let state = rooms.clone();
        let options = move |topic: &str| {
            let (rooms, topic) = (state.clone(), topic.to_owned());
            retention().snapshot(move || {
                let rooms = rooms.lock();
                let messages = rooms.get(&topic).map(|room| room.messages.clone());
                // An empty history too, as it replaces the messages that a page shows.
                history(messages.unwrap_or_default())
            })
        };
        Self {
            hub: Hub::builder().max_topics(MAX_ROOMS).topics(options).build(),
            rooms,
            is_single_process: true,
        }
    }

    /// Returns a chat on an engine that other processes share, and the driver of its hub.
    pub(crate) fn on_engine(hub: HubBuilder<Arc<dyn Engine>>) -> (Self, Driver) {
        let (hub, driver) = hub.max_topics(MAX_ROOMS).topics(|_| retention()).build();
        let chat = Self {
            hub,
            rooms: Rooms::default(),
            is_single_process: false,
        };
        (chat, driver)
    }

    /// Returns the event for a new client before the messages of the log. In a single process, the
    /// snapshot is that event.
    pub(crate) fn greeting(&self) -> Option<History> {
        (!self.is_single_process).then(|| history(VecDeque::new()))
    }

    /// Returns the visitor of a request for the stream of a room.
    pub(crate) fn visitor(&self, query: Option<&str>) -> Result<Visitor, Invalid> {
        let Query { visitor, .. } = visitor::parse(query)?;
        self.open(&topic(&visitor.room))?;
        Ok(visitor)
    }

    /// Sends the message that a visitor asks to be published.
    pub(crate) async fn say(
        &self,
        via: Transport,
        query: Option<&str>,
        message: &PublishRequest,
    ) -> Result<(), SayError> {
        let Query { visitor, position } = visitor::parse(query)?;
        let topic = topic(&visitor.room);
        if message.topic() != topic {
            return Err(SayError::Forbidden);
        }
        let text = visitor::text(message.data())?;
        self.open(&topic)?;
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let message = Message {
            visitor,
            text,
            position,
            time: u64::try_from(time.as_millis()).unwrap_or_default(),
            via,
        };
        let said = if self.is_single_process {
            self.say_here(&topic, message)
        } else {
            let key = message.position.as_ref().map(PagePosition::key);
            let said = self.hub.publish(&topic, Event::new().json(&message));
            let said = match &key {
                Some(key) => said.key(key),
                None => said,
            };
            said.await.map(|_| ())
        };
        said.map_err(SayError::Unavailable)
    }

    fn say_here(&self, topic: &str, message: Message) -> Result<(), PublishError> {
        let is_known = |room: &Room| {
            let mut messages = room.messages.iter();
            message.position.is_some() && messages.any(|known| known.position == message.position)
        };
        if self.rooms.lock().get(topic).is_some_and(is_known) {
            return Ok(());
        }
        // The state of the room and the event change in one step. A snapshot contains both or neither,
        // so that no page receives a message twice or not at all.
        let said = self.hub.publish_with(topic, || {
            let mut rooms = self.rooms.lock();
            let room = rooms.entry(topic.to_owned()).or_default();
            room.messages.push_back(message.clone());
            if room.messages.len() > MAX_MESSAGES {
                room.messages.pop_front();
            }
            Event::new().json(message)
        });
        said.map(|_| ())
    }

    /// Creates the room if it does not exist, within the limit.
    fn open(&self, topic: &str) -> Result<(), Invalid> {
        let mut rooms = self.rooms.lock();
        if rooms.contains_key(topic) {
            return Ok(());
        }
        if rooms.len() >= MAX_ROOMS {
            // The hub evicts rooms without subscribers and history. Their state is removed with
            // them.
            self.hub.sweep();
            rooms.retain(|topic, _| self.hub.topic_metrics(topic).is_some());
        }
        if rooms.len() >= MAX_ROOMS {
            return Err(Invalid::TooManyRooms { limit: MAX_ROOMS });
        }
        rooms.insert(topic.to_owned(), Room::default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    async fn say(chat: &Chat, room: usize, text: usize) -> Result<(), Invalid> {
        let query = format!("room=r{room}&name=Ada");
        let message = message(&format!("r{room}"), &format!("hello {text}."));
        match chat.say(Transport::Hyper, Some(&query), &message).await {
            Ok(()) => Ok(()),
            Err(SayError::Invalid(invalid)) => Err(invalid),
            Err(error) => panic!("{error:?}"),
        }
    }

    fn message(room: &str, data: &str) -> PublishRequest {
        let message = serde_json::json!({ "topic": topic(room), "data": data });
        PublishRequest::from_json(message.to_string().as_bytes()).expect("valid")
    }

    async fn history(chat: &Chat, room: usize) -> String {
        let mut room = chat
            .hub
            .subscribe([topic(&format!("r{room}"))])
            .await
            .expect("a subscription");
        let history = room.next().await.expect("an event").expect("no error");
        String::from_utf8(history.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn a_room_keeps_its_last_messages() {
        let chat = Chat::new();
        assert!(history(&chat, 0).await.contains("\ndata: []\nid: "));
        for text in 0..MAX_MESSAGES + 5 {
            say(&chat, 0, text).await.expect("said");
        }
        let history = history(&chat, 0).await;
        assert_eq!(history.matches("\"text\":").count(), MAX_MESSAGES);
        let first = "data: [{\"name\":\"Ada\",\"text\":\"hello 5.\"";
        assert!(history.contains(first), "{history}");
    }

    #[tokio::test]
    async fn a_message_that_is_repeated_with_the_same_position_is_sent_once() {
        let chat = Chat::new();
        for (number, after) in [(1, 0), (1, 0), (2, 1), (1, 0)] {
            let query = format!("room=r0&name=Ada&page=p&number={number}&after={after}");
            let message = message("r0", "x");
            let said = chat.say(Transport::Tcp, Some(&query), &message).await;
            said.expect("said");
        }
        let history = history(&chat, 0).await;
        assert_eq!(history.matches("\"text\":").count(), 2, "{history}");
        let numbered = "\"text\":\"x\",\"page\":\"p\",\"number\":2,\"after\":1,";
        assert!(history.contains(numbered), "{history}");
    }

    #[tokio::test]
    async fn a_visitor_says_nothing_in_other_rooms() {
        let chat = Chat::new();
        let message = message("r1", "x");
        let said = chat.say(Transport::Tcp, Some("room=r0&name=Ada"), &message);
        assert!(matches!(said.await, Err(SayError::Forbidden)));
        assert!(history(&chat, 1).await.contains("\ndata: []\nid: "));
    }

    #[tokio::test(start_paused = true)]
    async fn rooms_are_bounded_and_removed_when_they_are_empty_for_long() {
        let chat = Chat::new();
        for room in 0..MAX_ROOMS {
            say(&chat, room, 0).await.expect("said");
        }
        assert_eq!(
            say(&chat, MAX_ROOMS, 0).await,
            Err(Invalid::TooManyRooms { limit: MAX_ROOMS })
        );
        assert_eq!(say(&chat, 0, 1).await, Ok(()), "a room that exists already");

        let member = chat.hub.subscribe([topic("r7")]).await;
        tokio::time::advance(MAX_AGE).await;
        assert_eq!(say(&chat, MAX_ROOMS, 0).await, Ok(()));
        assert_eq!(chat.rooms.lock().len(), 2);
        assert!(history(&chat, 7).await.contains("hello"));
        drop(member);
    }
}
