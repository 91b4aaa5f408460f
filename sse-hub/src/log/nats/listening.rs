//! Listening to the topics in use: one subscription each, on the one connection.
//!
//! The server finds a message's subscriptions by its subject, so their number does not matter to
//! it, and a node hears nothing of topics that it does not use.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use async_nats::{Message, Subscriber};
use futures_core::Stream;
use futures_util::StreamExt as _;
use futures_util::stream::{AbortHandle, Abortable};

use crate::log::nats::error::NatsError;
use crate::log::nats::link::{Link, lock};

/// A topic that is listened to, as long as it has users.
#[derive(Debug)]
pub(super) struct Listening {
    topic: Arc<Listened>,
    users: usize,
}

/// A topic that is listened to.
#[derive(Debug)]
pub(super) struct Listened {
    pub(super) name: String,
    /// Ends the subscription.
    subscription: AbortHandle,
    heard: Mutex<Heard>,
}

/// What a live message is, beside the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coming {
    New,
    /// It is new, and what came before it, of which the stream has nothing any more, is this.
    After(u64),
    /// It was read before, or is from another stream, whose numbers began anew.
    Again,
    /// It came before, or is from another stream.
    Impossible,
}

/// What is known of the topic's end from listening.
#[derive(Debug, Default)]
struct Heard {
    /// Up to which number all is known, and of which stretch. Nothing that comes later in the same
    /// stretch is missed.
    last: Option<(u64, u64)>,
    /// The number of the last live message, and its stretch.
    last_live: Option<(u64, u64)>,
    /// Two numbers between which nothing came, although the server did not know the first one any
    /// more when the second one came.
    bridge: Option<(u64, u64)>,
}

impl Listened {
    /// Notes that up to `number`, all is known, if all that came after it in this stretch is
    /// heard.
    pub(super) fn has_read(&self, stretch: u64, number: u64) {
        let mut heard = lock(&self.heard);
        let before = heard.last.filter(|last| last.0 == stretch);
        let number = before.map_or(number, |last| last.1.max(number));
        heard.last = Some((stretch, number));
    }

    /// Notes that a live message has come.
    pub(super) fn has_come(&self, stretch: u64, number: u64, predecessor: Option<u64>) -> Coming {
        let mut heard = lock(&self.heard);
        let of_stretch = |last: (u64, u64)| (last.0 == stretch).then_some(last.1);
        let last_live = heard.last_live.and_then(of_stretch);
        if last_live.is_some_and(|last| number <= last) {
            return Coming::Impossible;
        }
        heard.last_live = Some((stretch, number));
        let last = heard.last.and_then(of_stretch);
        if last.is_some_and(|last| number <= last) {
            return Coming::Again;
        }
        heard.last = Some((stretch, number));
        match last {
            Some(last) if predecessor.is_none() => {
                heard.bridge = Some((last, number));
                Coming::After(last)
            }
            _ => Coming::New,
        }
    }

    /// Whether nothing came between the two numbers, as is known from listening.
    pub(super) fn bridges(&self, from: u64, to: u64) -> bool {
        lock(&self.heard).bridge == Some((from, to))
    }
}

/// The live messages of one topic.
#[derive(Debug)]
pub(super) struct Tap {
    topic: Arc<Listened>,
    messages: Abortable<Subscriber>,
}

impl Stream for Tap {
    type Item = (Arc<Listened>, Message);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = ready!(self.messages.poll_next_unpin(cx));
        Poll::Ready(message.map(|message| (Arc::clone(&self.topic), message)))
    }
}

impl Link {
    /// The topic, listened to from now on at the latest: what is asked for after this comes after
    /// the subscription on the same connection.
    pub(super) async fn listen(self: &Arc<Self>, name: &str) -> Result<Lease, NatsError> {
        if let Some(lease) = self.lease(name) {
            return Ok(lease);
        }
        let subject = self.subjects.live(name);
        let subscriber = self
            .client
            .subscribe(subject)
            .await
            .map_err(|error| NatsError::Client(error.into()))?;
        let mut topics = lock(&self.topics);
        if let Some(topic) = topics.get_mut(name) {
            // Somebody else was faster.
            return Ok(self.lease_of(topic));
        }
        let (subscription, registration) = AbortHandle::new_pair();
        let topic = Arc::new(Listened {
            name: name.to_owned(),
            subscription,
            heard: Mutex::default(),
        });
        let listening = topics.entry(name.to_owned()).insert_entry(Listening {
            topic: Arc::clone(&topic),
            users: 0,
        });
        let lease = self.lease_of(listening.into_mut());
        drop(topics);
        lock(&self.new_taps).push(Tap {
            topic,
            messages: Abortable::new(subscriber, registration),
        });
        self.signal.wake();
        Ok(lease)
    }

    /// The topic if it is listened to.
    pub(super) fn listened(&self, name: &str) -> Option<Arc<Listened>> {
        let topics = lock(&self.topics);
        topics.get(name).map(|one| Arc::clone(&one.topic))
    }

    fn lease(self: &Arc<Self>, name: &str) -> Option<Lease> {
        let mut topics = lock(&self.topics);
        topics
            .get_mut(name)
            .map(|listening| self.lease_of(listening))
    }

    fn lease_of(self: &Arc<Self>, listening: &mut Listening) -> Lease {
        listening.users += 1;
        Lease {
            link: Some(Arc::clone(self)),
            topic: Arc::clone(&listening.topic),
        }
    }

    /// One user less; after the last one, the topic is listened to no more.
    pub(super) fn release(&self, name: &str) {
        let mut topics = lock(&self.topics);
        let Some(listening) = topics.get_mut(name) else {
            return;
        };
        listening.users -= 1;
        if listening.users == 0 {
            listening.topic.subscription.abort();
            topics.remove(name);
        }
    }
}

/// A use of a topic that ends when it is dropped, unless it is [kept](Self::keep).
pub(super) struct Lease {
    link: Option<Arc<Link>>,
    pub(super) topic: Arc<Listened>,
}

impl Lease {
    /// Leaves its end to the one who calls [`Link::release`].
    pub(super) fn keep(mut self) {
        self.link = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            link.release(&self.topic.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic() -> Listened {
        Listened {
            name: "a".to_owned(),
            subscription: AbortHandle::new_pair().0,
            heard: Mutex::default(),
        }
    }

    #[test]
    fn what_was_read_may_come_again_but_what_came_may_not() {
        let topic = topic();
        topic.has_read(1, 5);
        assert_eq!(topic.has_come(1, 4, Some(3)), Coming::Again);
        assert_eq!(topic.has_come(1, 5, Some(4)), Coming::Again);
        assert_eq!(topic.has_come(1, 6, Some(5)), Coming::New);
        topic.has_read(1, 5);
        assert_eq!(topic.has_come(1, 6, Some(5)), Coming::Impossible);
        assert_eq!(topic.has_come(1, 1, None), Coming::Impossible);
        // Nothing is known of another stretch.
        assert_eq!(topic.has_come(2, 1, None), Coming::New);
    }

    #[test]
    fn a_bridge_is_from_what_was_known_to_what_came_next_in_the_same_stretch() {
        let topic = topic();
        topic.has_come(1, 5, Some(3));
        assert_eq!(topic.has_come(1, 9, None), Coming::After(5));
        assert!(topic.bridges(5, 9));
        assert!(!topic.bridges(3, 9));
        assert_eq!(topic.has_come(2, 20, None), Coming::New);
        assert!(!topic.bridges(9, 20), "something may have got lost between");
        topic.has_read(2, 22);
        topic.has_come(2, 30, None);
        assert!(topic.bridges(22, 30));
    }
}
