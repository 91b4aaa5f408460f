//! Which topics' channels are wanted, so that a new connection can be given all of them.
//!
//! Whoever opens a topic counts as its user. A topic without users is left by the supervisor; who
//! comes meanwhile waits until that has happened, so that the two do not overtake each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct Channels {
    state: Mutex<State>,
    to_leave: Notify,
    has_left: Notify,
}

#[derive(Debug, Default)]
struct State {
    topics: HashMap<Arc<str>, Use>,
    /// Those that may have become unused.
    unused: Vec<Arc<str>>,
}

#[derive(Debug)]
enum Use {
    /// By so many; by none, it is to be left.
    By(usize),
    /// It is being left.
    Leaving,
}

impl Channels {
    /// Becomes a user of a topic.
    pub(super) async fn acquire<'a>(&'a self, topic: &'a str) -> Lease<'a> {
        loop {
            let has_left = self.has_left.notified();
            if self.try_acquire(topic) {
                return Lease {
                    channels: self,
                    topic,
                };
            }
            has_left.await;
        }
    }

    fn try_acquire(&self, topic: &str) -> bool {
        let mut state = self.state();
        match state.topics.get_mut(topic) {
            Some(Use::By(users)) => *users += 1,
            Some(Use::Leaving) => return false,
            None => {
                state.topics.insert(topic.into(), Use::By(1));
            }
        }
        true
    }

    /// Stops being a user of a topic.
    pub(super) fn release(&self, topic: &str) {
        let mut state = self.state();
        let Some(Use::By(users)) = state.topics.get_mut(topic) else {
            return;
        };
        *users = users.saturating_sub(1);
        if *users == 0 {
            state.unused.push(topic.into());
            drop(state);
            self.to_leave.notify_one();
        }
    }

    /// The topics to be left, when there are any. They must be said to [have
    /// left](Self::have_left) then.
    pub(super) async fn to_leave(&self) -> Vec<Arc<str>> {
        loop {
            let topics = self.take_unused();
            if !topics.is_empty() {
                return topics;
            }
            self.to_leave.notified().await;
        }
    }

    fn take_unused(&self) -> Vec<Arc<str>> {
        let mut state = self.state();
        let mut topics = std::mem::take(&mut state.unused);
        topics.retain(|topic| match state.topics.get_mut(topic) {
            Some(used @ Use::By(0)) => {
                *used = Use::Leaving;
                true
            }
            _ => false,
        });
        topics
    }

    pub(super) fn have_left(&self, topics: &[Arc<str>]) {
        let mut state = self.state();
        for topic in topics {
            if let Some(Use::Leaving) = state.topics.get(topic) {
                state.topics.remove(topic);
            }
        }
        drop(state);
        self.has_left.notify_waiters();
    }

    /// All topics that are in use, for a new connection, which knows of none.
    pub(super) fn all(&self) -> Vec<Arc<str>> {
        let mut state = self.state();
        state.unused.clear();
        state.topics.retain(|_, used| matches!(used, Use::By(1..)));
        let topics = state.topics.keys().cloned().collect();
        drop(state);
        self.has_left.notify_waiters();
        topics
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A topic's use that ends when it is dropped, unless it is [kept](Self::keep).
pub(super) struct Lease<'a> {
    channels: &'a Channels,
    topic: &'a str,
}

impl Lease<'_> {
    /// Leaves it to the one who calls [`Channels::release`].
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
    fn a_topic_is_left_when_its_last_user_has_gone() {
        let channels = Channels::default();
        let acquire = |topic| channels.acquire(topic).now_or_never();
        acquire("a").expect("at once").keep();
        let second = acquire("a").expect("at once");
        channels.release("a");
        assert!(channels.to_leave().now_or_never().is_none());
        drop(second);
        let left = channels.to_leave().now_or_never().expect("one");
        assert_eq!(left, [Arc::from("a")]);

        // Who comes now waits.
        assert!(acquire("a").is_none());
        channels.have_left(&left);
        acquire("a").expect("at once").keep();
        assert_eq!(channels.all(), [Arc::from("a")]);
    }

    #[test]
    fn a_new_connection_is_not_given_what_nobody_uses() {
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
