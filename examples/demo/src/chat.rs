//! The chat: rooms on a hub, which is the same one for all three servers.
//!
//! A room is a topic. Its last messages are the topic's state, so that who comes new, or has
//! missed too much, gets them as one event, and then what follows. What a request may say is in
//! [`visitor`], the stream in [`handlers`](crate::handlers).

mod visitor;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use sse_hub::{Event, Hub, Retention, TopicOptions};

use crate::arguments::Transport;
pub(crate) use crate::chat::visitor::{Invalid, Visitor};

/// The most rooms at a time.
const MAX_ROOMS: usize = 100;

/// The most messages that a room keeps.
const MAX_MESSAGES: usize = 100;

/// How long a room is kept at least after its last message, when nobody is there any more.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// A message, as all in the room get it.
#[derive(Clone, Debug, Serialize)]
struct Message {
    /// Counts the room's messages, so that a page can see for itself that none is missing.
    number: u64,
    #[serde(flatten)]
    visitor: Visitor,
    text: String,
    /// When it was said, in milliseconds since 1970 in UTC.
    time: u64,
    /// The transport through which it was said.
    via: Transport,
}

/// What a room's snapshot is made of.
#[derive(Debug, Default)]
struct Room {
    said: u64,
    messages: VecDeque<Message>,
}

/// All rooms. Cheap to clone; all clones are the same chat.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    pub(crate) hub: Hub,
    rooms: Rooms,
}

/// The rooms by their topics.
#[derive(Clone, Debug, Default)]
struct Rooms(Arc<Mutex<HashMap<String, Room>>>);

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        // Nothing is ever half done under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The topic of a room.
pub(crate) fn topic(room: &str) -> String {
    format!("chat/{room}")
}

impl Chat {
    pub(crate) fn new() -> Self {
        let rooms = Rooms::default();
        let state = rooms.clone();
        let retention = Retention::new().max_events(MAX_MESSAGES).max_age(MAX_AGE);
        let hub = Hub::builder()
            .max_topics(MAX_ROOMS)
            .topics(move |topic| {
                let (rooms, topic) = (state.clone(), topic.to_owned());
                TopicOptions::new().retention(retention).snapshot(move || {
                    let rooms = rooms.lock();
                    let messages = rooms.get(&topic).map(|room| room.messages.clone());
                    // Also if there are none: that is news to a page that shows some.
                    Event::new()
                        .event("history")
                        .json(messages.unwrap_or_default())
                })
            })
            .build();
        Self { hub, rooms }
    }

    /// Who asks for the stream of a room.
    pub(crate) fn visitor(&self, query: Option<&str>) -> Result<Visitor, Invalid> {
        let (visitor, _) = visitor::parse(query)?;
        self.open(&topic(&visitor.room))?;
        Ok(visitor)
    }

    /// Says what the query says.
    pub(crate) fn say(&self, via: Transport, query: Option<&str>) -> Result<(), Invalid> {
        let (visitor, text) = visitor::parse(query)?;
        let text = visitor::text(text)?;
        let topic = topic(&visitor.room);
        self.open(&topic)?;
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // The room's state and the event that tells of it, as one step: a snapshot has both or
        // neither, so that no page gets a message twice or not at all.
        let said = self.hub.publish_with(&topic, || {
            let mut rooms = self.rooms.lock();
            let room = rooms.entry(topic.clone()).or_default();
            room.said += 1;
            let message = Message {
                number: room.said,
                visitor,
                text,
                time: u64::try_from(time.as_millis()).unwrap_or_default(),
                via,
            };
            room.messages.push_back(message.clone());
            if room.messages.len() > MAX_MESSAGES {
                room.messages.pop_front();
            }
            Event::new().json(message)
        });
        said.map(|_| ()).map_err(|_| Invalid::Unavailable)
    }

    /// Makes sure that the room is there, if there may be one more.
    fn open(&self, topic: &str) -> Result<(), Invalid> {
        let mut rooms = self.rooms.lock();
        if rooms.contains_key(topic) {
            return Ok(());
        }
        if rooms.len() >= MAX_ROOMS {
            // The hub lets go of rooms without subscribers and history, and what is kept here
            // goes the same way.
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

    fn say(chat: &Chat, room: usize) -> Result<(), Invalid> {
        let query = format!("room=r{room}&name=Ada&text=hello");
        chat.say(Transport::Hyper, Some(&query))
    }

    async fn history(chat: &Chat, room: usize) -> String {
        let mut room = chat
            .hub
            .subscribe([topic(&format!("r{room}"))])
            .await
            .expect("a subscription");
        let _id = room.next().await.expect("a block").expect("no error");
        let history = room.next().await.expect("an event").expect("no error");
        String::from_utf8(history.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn a_room_keeps_its_last_messages() {
        let chat = Chat::new();
        assert!(history(&chat, 0).await.ends_with("data: []\n\n"));
        for _ in 0..MAX_MESSAGES + 5 {
            say(&chat, 0).expect("said");
        }
        let history = history(&chat, 0).await;
        assert_eq!(history.matches("\"number\":").count(), MAX_MESSAGES);
        assert!(history.contains("data: [{\"number\":6,"), "{history}");
    }

    #[tokio::test(start_paused = true)]
    async fn rooms_are_bounded_and_forgotten_when_nobody_is_there() {
        let chat = Chat::new();
        for room in 0..MAX_ROOMS {
            say(&chat, room).expect("said");
        }
        assert_eq!(
            say(&chat, MAX_ROOMS),
            Err(Invalid::TooManyRooms { limit: MAX_ROOMS })
        );
        assert_eq!(say(&chat, 0), Ok(()), "one that is there already");

        let somebody = chat.hub.subscribe([topic("r7")]).await;
        tokio::time::advance(MAX_AGE).await;
        assert_eq!(say(&chat, MAX_ROOMS), Ok(()));
        assert_eq!(chat.rooms.lock().len(), 2);
        assert!(history(&chat, 7).await.contains("hello"));
        drop(somebody);
    }
}
