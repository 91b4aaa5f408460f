//! The topics in use: each has one subscription on the one connection.
//!
//! The server finds the subscriptions of a message by its subject, so their number does not matter
//! to it, and a node gets nothing of topics that it does not use.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use async_nats::{Client, Message, Subscriber};
use futures_core::Stream;
use futures_util::StreamExt as _;
use futures_util::stream::{AbortHandle, Abortable};

use crate::log::EngineError;

/// All topics in use, with the number of their users.
#[derive(Debug, Default)]
pub(super) struct Interest {
    topics: Mutex<HashMap<String, Use>>,
    /// Streams that the live side has not taken yet.
    new_streams: Mutex<Vec<TopicStream>>,
}

#[derive(Debug)]
struct Use {
    topic: Arc<LiveTopic>,
    users: usize,
}

/// A topic whose live messages arrive here.
#[derive(Debug)]
pub(super) struct LiveTopic {
    pub(super) name: String,
    /// Ends the subscription.
    subscription: AbortHandle,
    progress: Mutex<Progress>,
}

/// How a live message relates to what is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// It is new, and follows this number without a gap, although the stream no longer has the
    /// message with that number.
    AfterGapless(u64),
    /// It was read before, or is from another stream, whose numbers begin anew.
    Replayed,
    /// It has arrived live before, or is from another stream.
    Stale,
}

/// What is known of the end of a topic. The first number of each pair is the live epoch.
#[derive(Debug, Default)]
struct Progress {
    /// Everything up to this number is known, and everything after it arrives in the same epoch.
    last: Option<(u64, u64)>,
    /// The number of the last live message.
    last_live: Option<(u64, u64)>,
    /// Two numbers between which there was no message, although the server no longer had the first
    /// one when the second one arrived.
    gapless: Option<(u64, u64)>,
}

impl LiveTopic {
    /// Notes that everything up to `number` is known, in an epoch in which everything after it
    /// arrives.
    pub(super) fn note_read(&self, live_epoch: u64, number: u64) {
        let mut progress = lock(&self.progress);
        let before = progress.last.filter(|last| last.0 == live_epoch);
        let number = before.map_or(number, |last| last.1.max(number));
        progress.last = Some((live_epoch, number));
    }

    /// Notes that a live message has arrived.
    pub(super) fn note_arrival(
        &self,
        live_epoch: u64,
        number: u64,
        predecessor: Option<u64>,
    ) -> Arrival {
        let mut progress = lock(&self.progress);
        let of_epoch = |last: (u64, u64)| (last.0 == live_epoch).then_some(last.1);
        let last_live = progress.last_live.and_then(of_epoch);
        if last_live.is_some_and(|last| number <= last) {
            return Arrival::Stale;
        }
        progress.last_live = Some((live_epoch, number));
        let last = progress.last.and_then(of_epoch);
        if last.is_some_and(|last| number <= last) {
            return Arrival::Replayed;
        }
        progress.last = Some((live_epoch, number));
        match last {
            Some(last) if predecessor.is_none() => {
                progress.gapless = Some((last, number));
                Arrival::AfterGapless(last)
            }
            _ => Arrival::New,
        }
    }

    /// Whether the live messages have shown that there was none between the two numbers.
    pub(super) fn is_gapless(&self, from: u64, to: u64) -> bool {
        lock(&self.progress).gapless == Some((from, to))
    }
}

/// The live messages of one topic.
#[derive(Debug)]
pub(super) struct TopicStream {
    topic: Arc<LiveTopic>,
    messages: Abortable<Subscriber>,
}

impl Stream for TopicStream {
    type Item = (Arc<LiveTopic>, Message);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = ready!(self.messages.poll_next_unpin(cx));
        Poll::Ready(message.map(|message| (Arc::clone(&self.topic), message)))
    }
}

impl Interest {
    /// Becomes a user of a topic. Whatever is requested after this on the same connection is
    /// answered after the subscription was made.
    pub(super) async fn acquire(
        self: &Arc<Self>,
        client: &Client,
        name: &str,
        subject: String,
    ) -> Result<Lease, EngineError> {
        if let Some(one) = lock(&self.topics).get_mut(name) {
            return Ok(self.lease(one));
        }
        let subscriber = client
            .subscribe(subject)
            .await
            .map_err(|error| EngineError::Client(error.into()))?;
        let mut topics = lock(&self.topics);
        if let Some(one) = topics.get_mut(name) {
            // Another user was faster.
            return Ok(self.lease(one));
        }
        let (subscription, registration) = AbortHandle::new_pair();
        let topic = Arc::new(LiveTopic {
            name: name.to_owned(),
            subscription,
            progress: Mutex::default(),
        });
        let entry = topics.entry(name.to_owned()).insert_entry(Use {
            topic: Arc::clone(&topic),
            users: 0,
        });
        let lease = self.lease(entry.into_mut());
        drop(topics);
        lock(&self.new_streams).push(TopicStream {
            topic,
            messages: Abortable::new(subscriber, registration),
        });
        Ok(lease)
    }

    /// Returns the topic if it is in use.
    pub(super) fn get(&self, name: &str) -> Option<Arc<LiveTopic>> {
        let topics = lock(&self.topics);
        topics.get(name).map(|one| Arc::clone(&one.topic))
    }

    /// Takes the streams of the topics that have come into use since this was called last.
    pub(super) fn take_new_streams(&self) -> Vec<TopicStream> {
        std::mem::take(&mut *lock(&self.new_streams))
    }

    /// Stops being a user of a topic. The last user ends the subscription.
    pub(super) fn release(&self, name: &str) {
        let mut topics = lock(&self.topics);
        let Some(one) = topics.get_mut(name) else {
            return;
        };
        one.users -= 1;
        if one.users == 0 {
            let unused = topics.remove(name);
            // Outside of the lock, as it wakes the driver's task.
            drop(topics);
            if let Some(unused) = unused {
                unused.topic.subscription.abort();
            }
        }
    }

    fn lease(self: &Arc<Self>, one: &mut Use) -> Lease {
        one.users += 1;
        Lease {
            interest: Some(Arc::clone(self)),
            topic: Arc::clone(&one.topic),
        }
    }
}

/// A use of a topic that ends when it is dropped, unless it is [kept](Self::keep).
pub(super) struct Lease {
    interest: Option<Arc<Interest>>,
    pub(super) topic: Arc<LiveTopic>,
}

impl Lease {
    /// Leaves the end of the use to [`Interest::release`].
    pub(super) fn keep(mut self) {
        self.interest = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(interest) = &self.interest {
            interest.release(&self.topic.name);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that could panic is done under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic() -> LiveTopic {
        LiveTopic {
            name: "a".to_owned(),
            subscription: AbortHandle::new_pair().0,
            progress: Mutex::default(),
        }
    }

    #[test]
    fn what_was_read_may_arrive_live_but_what_arrived_live_may_not_arrive_again() {
        let topic = topic();
        topic.note_read(1, 5);
        assert_eq!(topic.note_arrival(1, 4, Some(3)), Arrival::Replayed);
        assert_eq!(topic.note_arrival(1, 5, Some(4)), Arrival::Replayed);
        assert_eq!(topic.note_arrival(1, 6, Some(5)), Arrival::New);
        topic.note_read(1, 5);
        assert_eq!(topic.note_arrival(1, 6, Some(5)), Arrival::Stale);
        assert_eq!(topic.note_arrival(1, 1, None), Arrival::Stale);
        // Nothing is known of another epoch.
        assert_eq!(topic.note_arrival(2, 1, None), Arrival::New);
    }

    #[test]
    fn two_numbers_are_gapless_if_one_arrives_after_the_other_in_the_same_epoch() {
        let topic = topic();
        topic.note_arrival(1, 5, Some(3));
        assert_eq!(topic.note_arrival(1, 9, None), Arrival::AfterGapless(5));
        assert!(topic.is_gapless(5, 9));
        assert!(!topic.is_gapless(3, 9));
        assert_eq!(topic.note_arrival(2, 20, None), Arrival::New);
        assert!(!topic.is_gapless(9, 20), "a message may be lost in between");
        topic.note_read(2, 22);
        topic.note_arrival(2, 30, None);
        assert!(topic.is_gapless(22, 30));
    }
}
