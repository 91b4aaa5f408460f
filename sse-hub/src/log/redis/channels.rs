//! The channels of the topics in use, to which each new connection is subscribed.
//!
//! Each opening of a topic is a use. The supervisor unsubscribes from topics without uses. A new
//! use waits until that is done, so that the two commands do not overtake each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Channels {
    state: Mutex<State>,
    to_unsubscribe: Notify,
    unsubscribed: Notify,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<Arc<str>, Use>,
    /// The topics that may have become unused.
    unused: Vec<Arc<str>>,
}

#[derive(Debug)]
enum Use {
    /// So many uses; with none, the topic is to be unsubscribed from.
    Uses(usize),
    /// The topic is being unsubscribed from.
    Unsubscribing,
}

impl Channels {
    /// Begins a use of a topic.
    pub(super) async fn acquire<'a>(&'a self, topic: &'a str) -> Lease<'a> {
        loop {
            let unsubscribed = self.unsubscribed.notified();
            if self.try_acquire(topic) {
                return Lease {
                    channels: self,
                    topic,
                };
            }
            unsubscribed.await;
        }
    }

    fn try_acquire(&self, topic: &str) -> bool {
        let mut state = self.state();
        match state.topics.get_mut(topic) {
            Some(Use::Uses(uses)) => *uses += 1,
            Some(Use::Unsubscribing) => return false,
            None => {
                state.topics.insert(topic.into(), Use::Uses(1));
            }
        }
        true
    }

    /// Ends a use of a topic.
    pub(super) fn release(&self, topic: &str) {
        let mut state = self.state();
        let Some(Use::Uses(uses)) = state.topics.get_mut(topic) else {
            return;
        };
        *uses = uses.saturating_sub(1);
        if *uses == 0 {
            state.unused.push(topic.into());
            drop(state);
            self.to_unsubscribe.notify_one();
        }
    }

    /// Waits for topics to unsubscribe from. [`note_unsubscribed`](Self::note_unsubscribed) must be
    /// called after that.
    pub(super) async fn to_unsubscribe(&self) -> Vec<Arc<str>> {
        loop {
            let topics = self.take_unused();
            if !topics.is_empty() {
                return topics;
            }
            self.to_unsubscribe.notified().await;
        }
    }

    fn take_unused(&self) -> Vec<Arc<str>> {
        let mut state = self.state();
        let mut topics = std::mem::take(&mut state.unused);
        topics.retain(|topic| match state.topics.get_mut(topic) {
            Some(unused @ Use::Uses(0)) => {
                *unused = Use::Unsubscribing;
                true
            }
            _ => false,
        });
        topics
    }

    pub(super) fn note_unsubscribed(&self, topics: &[Arc<str>]) {
        let mut state = self.state();
        for topic in topics {
            if let Some(Use::Unsubscribing) = state.topics.get(topic) {
                state.topics.remove(topic);
            }
        }
        drop(state);
        self.unsubscribed.notify_waiters();
    }

    /// Returns all topics in use, for a new connection, which is subscribed to none.
    pub(super) fn all(&self) -> Vec<Arc<str>> {
        let mut state = self.state();
        state.unused.clear();
        state
            .topics
            .retain(|_, uses| matches!(uses, Use::Uses(1..)));
        let topics = state.topics.keys().cloned().collect();
        drop(state);
        self.unsubscribed.notify_waiters();
        topics
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A use of a topic that ends when it is dropped, unless it is [kept](Self::keep).
pub(super) struct Lease<'a> {
    channels: &'a Channels,
    topic: &'a str,
}

impl Lease<'_> {
    /// Leaves the end of the use to [`Channels::release`].
    pub(super) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.channels.release(self.topic);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_topic_is_unsubscribed_from_when_its_last_use_has_ended() {
        let channels = Channels::default();
        let acquire = |topic| channels.acquire(topic).now_or_never();
        acquire("a").expect("at once").keep();
        let second = acquire("a").expect("at once");
        channels.release("a");
        assert!(channels.to_unsubscribe().now_or_never().is_none());
        drop(second);
        let left = channels.to_unsubscribe().now_or_never().expect("one");
        assert_eq!(left, [Arc::from("a")]);

        // A new use waits.
        assert!(acquire("a").is_none());
        channels.note_unsubscribed(&left);
        acquire("a").expect("at once").keep();
        assert_eq!(channels.all(), [Arc::from("a")]);
    }

    #[test]
    fn a_new_connection_is_not_subscribed_to_unused_topics() {
        let channels = Channels::default();
        drop(channels.acquire("a").now_or_never());
        drop(channels.acquire("b").now_or_never());
        assert_eq!(channels.take_unused().len(), 2);
        drop(channels.acquire("c").now_or_never());
        channels
            .acquire("d")
            .now_or_never()
            .expect("at once")
            .keep();
        assert_eq!(channels.all(), [Arc::from("d")]);
        assert!(channels.acquire("a").now_or_never().is_some());
    }
}
