//! The chat: rooms on a hub, which is the same one for all three servers.
//!
//! A room is a topic. In one process alone, its last messages are the topic's state, so that who
//! comes new, or has missed too much, gets them as one event, and then what follows. On an engine,
//! where other processes speak too, the log is all the state there is: who comes new gets it from
//! its start. What a request may say is in [`visitor`], the stream in
//! [`handlers`](crate::handlers).

mod visitor;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use sse_hub::{
    Driver, Engine, Event, Hub, HubBuilder, Json, PublishError, Retention, TopicOptions,
};

use crate::arguments::Transport;
pub(crate) use crate::chat::visitor::{Invalid, Visitor};
use crate::chat::visitor::{Mark, Query};

/// The most rooms at a time.
const MAX_ROOMS: usize = 100;

/// The most messages that a room keeps.
pub(crate) const MAX_MESSAGES: usize = 100;

/// How long a room is kept at least after its last message, when nobody is there any more.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// A message, as all in the room get it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message {
    #[serde(flatten)]
    visitor: Visitor,
    text: String,
    /// Where it stands among those of the page that said it, if a page did.
    #[serde(flatten)]
    mark: Option<Mark>,
    /// When it was said, in milliseconds since 1970 in UTC.
    time: u64,
    /// The transport through which it was said.
    via: Transport,
}

/// What a room's snapshot is made of.
#[derive(Debug, Default)]
struct Room {
    messages: VecDeque<Message>,
}

/// All rooms. Cheap to clone; all clones are the same chat.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    pub(crate) hub: Hub,
    rooms: Rooms,
    /// Whether this process is the only one, and so knows what was said.
    is_alone: bool,
}

/// Why something was not said.
#[derive(Debug)]
pub(crate) enum Unsaid {
    Invalid(Invalid),
    /// The hub shuts down, or its engine does not answer. It may have been said all the same: to
    /// say it again with the same mark is safe.
    Unavailable(PublishError),
}

impl From<Invalid> for Unsaid {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
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

/// What is kept of a room.
fn retention() -> TopicOptions {
    let retention = Retention::new().max_events(MAX_MESSAGES).max_age(MAX_AGE);
    TopicOptions::new().retention(retention)
}

/// The messages of a room so far, as one event.
pub(crate) type History = Event<'static, Json<VecDeque<Message>>>;

fn history(messages: VecDeque<Message>) -> History {
    Event::new().event("history").json(messages)
}

/// The topic of a room.
pub(crate) fn topic(room: &str) -> String {
    format!("chat/{room}")
}

impl Chat {
    /// A chat in this process alone.
    pub(crate) fn new() -> Self {
        let rooms = Rooms::default();
        let state = rooms.clone();
        let options = move |topic: &str| {
            let (rooms, topic) = (state.clone(), topic.to_owned());
            retention().snapshot(move || {
                let rooms = rooms.lock();
                let messages = rooms.get(&topic).map(|room| room.messages.clone());
                // Also if there are none: that is news to a page that shows some.
                history(messages.unwrap_or_default())
            })
        };
        Self {
            hub: Hub::builder().max_topics(MAX_ROOMS).topics(options).build(),
            rooms,
            is_alone: true,
        }
    }

    /// A chat on an engine that other processes share, and the driver of its hub.
    pub(crate) fn on_engine(hub: HubBuilder<Arc<dyn Engine>>) -> (Self, Driver) {
        let (hub, driver) = hub.max_topics(MAX_ROOMS).topics(|_| retention()).build();
        let chat = Self {
            hub,
            rooms: Rooms::default(),
            is_alone: false,
        };
        (chat, driver)
    }

    /// What a client that comes new is told before the messages of the log. In a chat that is
    /// alone, the snapshot does that.
    pub(crate) fn greeting(&self) -> Option<History> {
        (!self.is_alone).then(|| history(VecDeque::new()))
    }

    /// Who asks for the stream of a room.
    pub(crate) fn visitor(&self, query: Option<&str>) -> Result<Visitor, Invalid> {
        let Query { visitor, .. } = visitor::parse(query)?;
        self.open(&topic(&visitor.room))?;
        Ok(visitor)
    }

    /// Says what the query says.
    pub(crate) async fn say(&self, via: Transport, query: Option<&str>) -> Result<(), Unsaid> {
        let query = visitor::parse(query)?;
        let text = query.text()?;
        let Query { visitor, mark, .. } = query;
        let topic = topic(&visitor.room);
        self.open(&topic)?;
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let message = Message {
            visitor,
            text,
            mark,
            time: u64::try_from(time.as_millis()).unwrap_or_default(),
            via,
        };
        let said = if self.is_alone {
            self.say_here(&topic, message)
        } else {
            let key = message.mark.as_ref().map(Mark::key);
            let said = self.hub.publish(&topic, Event::new().json(&message));
            let said = match &key {
                Some(key) => said.key(key),
                None => said,
            };
            said.await.map(|_| ())
        };
        said.map_err(Unsaid::Unavailable)
    }

    fn say_here(&self, topic: &str, message: Message) -> Result<(), PublishError> {
        let is_known = |room: &Room| {
            let mut messages = room.messages.iter();
            message.mark.is_some() && messages.any(|known| known.mark == message.mark)
        };
        if self.rooms.lock().get(topic).is_some_and(is_known) {
            return Ok(());
        }
        // The room's state and the event that tells of it, as one step: a snapshot has both or
        // neither, so that no page gets a message twice or not at all.
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

    async fn say(chat: &Chat, room: usize, text: usize) -> Result<(), Invalid> {
        let query = format!("room=r{room}&name=Ada&text=hello+{text}.");
        match chat.say(Transport::Hyper, Some(&query)).await {
            Ok(()) => Ok(()),
            Err(Unsaid::Invalid(invalid)) => Err(invalid),
            Err(Unsaid::Unavailable(error)) => panic!("{error}"),
        }
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
        for text in 0..MAX_MESSAGES + 5 {
            say(&chat, 0, text).await.expect("said");
        }
        let history = history(&chat, 0).await;
        assert_eq!(history.matches("\"text\":").count(), MAX_MESSAGES);
        let first = "data: [{\"name\":\"Ada\",\"text\":\"hello 5.\"";
        assert!(history.contains(first), "{history}");
    }

    #[tokio::test]
    async fn what_is_said_again_with_the_same_mark_is_said_once() {
        let chat = Chat::new();
        for (number, after) in [(1, 0), (1, 0), (2, 1), (1, 0)] {
            let query = format!("room=r0&name=Ada&text=x&page=p&number={number}&after={after}");
            let said = chat.say(Transport::Tcp, Some(&query)).await;
            said.expect("said");
        }
        let history = history(&chat, 0).await;
        assert_eq!(history.matches("\"text\":").count(), 2, "{history}");
        let marked = "\"text\":\"x\",\"page\":\"p\",\"number\":2,\"after\":1,";
        assert!(history.contains(marked), "{history}");
    }

    #[tokio::test(start_paused = true)]
    async fn rooms_are_bounded_and_forgotten_when_nobody_is_there() {
        let chat = Chat::new();
        for room in 0..MAX_ROOMS {
            say(&chat, room, 0).await.expect("said");
        }
        assert_eq!(
            say(&chat, MAX_ROOMS, 0).await,
            Err(Invalid::TooManyRooms { limit: MAX_ROOMS })
        );
        assert_eq!(say(&chat, 0, 1).await, Ok(()), "one that is there already");

        let somebody = chat.hub.subscribe([topic("r7")]).await;
        tokio::time::advance(MAX_AGE).await;
        assert_eq!(say(&chat, MAX_ROOMS, 0).await, Ok(()));
        assert_eq!(chat.rooms.lock().len(), 2);
        assert!(history(&chat, 7).await.contains("hello"));
        drop(somebody);
    }
}
