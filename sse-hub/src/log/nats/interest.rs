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
use crate::log::nats::entry_id::EntryId;

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
    /// It is new, and follows this one.
    New(EntryId),
    /// It is new, and follows this one without a gap, although the stream no longer has that.
    AfterGapless(EntryId),
    /// It follows this one, but was read before, or is from another stream, whose numbers begin anew.
    Replayed(EntryId),
    /// It has arrived live before, or is from another stream.
    Stale,
}

/// What is known of the end of a topic. The numbers before the entries are live epochs.
#[derive(Debug, Default)]
struct Progress {
    /// Everything up to this entry is known, and everything after it arrives in the same epoch.
    last: Option<(u64, EntryId)>,
    /// The last live message.
    last_live: Option<(u64, EntryId)>,
    /// Two entries between which there was none, although the server no longer had the first one
    /// when the second one arrived.
    gapless: Option<(EntryId, EntryId)>,
}

impl LiveTopic {
    /// Notes that everything up to an entry is known, in an epoch in which everything after it
    /// arrives.
    pub(super) fn note_read(&self, live_epoch: u64, id: EntryId) {
        let mut progress = lock(&self.progress);
        let before = progress.last.filter(|last| last.0 == live_epoch);
        let is_older = before.is_some_and(|(_, last)| id.number() < last.number());
        if !is_older {
            progress.last = Some((live_epoch, id));
        }
    }

    /// Notes that a live message has arrived, with the number of its predecessor if the stream still
    /// has that.
    pub(super) fn note_arrival(
        &self,
        live_epoch: u64,
        id: EntryId,
        predecessor: Option<u64>,
    ) -> Arrival {
        let mut progress = lock(&self.progress);
        let of_epoch = |last: (u64, EntryId)| (last.0 == live_epoch).then_some(last.1);
        let last_live = progress.last_live.and_then(of_epoch);
        let last = progress.last.and_then(of_epoch);
        if last_live.is_some_and(|last| id.number() <= last.number()) {
            return Arrival::Stale;
        }
        progress.last_live = Some((live_epoch, id));
        // The server does not tell its stamp. Without a predecessor, nothing is known of what was
        // before.
        let number = predecessor.unwrap_or_else(|| id.number().saturating_sub(1));
        let follows = [last, last_live]
            .into_iter()
            .flatten()
            .find(|one| predecessor == Some(one.number()))
            .unwrap_or(EntryId::unstamped(number));
        if last.is_some_and(|last| id.number() <= last.number()) {
            return Arrival::Replayed(follows);
        }
        progress.last = Some((live_epoch, id));
        match last {
            Some(last) if predecessor.is_none() => {
                progress.gapless = Some((last, id));
                Arrival::AfterGapless(last)
            }
            _ => Arrival::New(follows),
        }
    }

    /// Whether the live messages have shown that there was none between the two entries.
    pub(super) fn is_gapless(&self, from: EntryId, to: EntryId) -> bool {
        let gapless = lock(&self.progress).gapless;
        gapless.is_some_and(|gapless| from.may_be(gapless.0) && to == gapless.1)
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

    fn entry(number: u64) -> EntryId {
        EntryId::of(number, Some("5a"))
    }

    #[test]
    fn what_was_read_may_arrive_live_but_what_arrived_live_may_not_arrive_again() {
        let topic = topic();
        topic.note_read(1, entry(5));
        let arrival = topic.note_arrival(1, entry(4), Some(3));
        assert_eq!(arrival, Arrival::Replayed(EntryId::unstamped(3)));
        let arrival = topic.note_arrival(1, entry(5), Some(4));
        assert_eq!(arrival, Arrival::Replayed(entry(4)));
        let arrival = topic.note_arrival(1, entry(6), Some(5));
        assert_eq!(arrival, Arrival::New(entry(5)));
        topic.note_read(1, entry(5));
        let arrival = topic.note_arrival(1, entry(6), Some(5));
        assert_eq!(arrival, Arrival::Stale);
        assert_eq!(topic.note_arrival(1, entry(1), None), Arrival::Stale);
        // Nothing is known of another epoch.
        let arrival = topic.note_arrival(2, entry(1), None);
        assert_eq!(arrival, Arrival::New(EntryId::unstamped(0)));
    }

    #[test]
    fn the_stamp_of_a_predecessor_is_that_of_the_entry_that_was_read_or_arrived_last() {
        let topic = topic();
        topic.note_read(1, EntryId::of(5, Some("1")));
        let arrival = topic.note_arrival(1, entry(7), Some(5));
        assert_eq!(arrival, Arrival::New(EntryId::of(5, Some("1"))));
        let arrival = topic.note_arrival(1, entry(9), Some(7));
        assert_eq!(arrival, Arrival::New(entry(7)));
        // What is between has not arrived.
        let arrival = topic.note_arrival(1, entry(12), Some(11));
        assert_eq!(arrival, Arrival::New(EntryId::unstamped(11)));
        // In another epoch, the number may be that of another entry.
        let arrival = topic.note_arrival(2, entry(13), Some(12));
        assert_eq!(arrival, Arrival::New(EntryId::unstamped(12)));
    }

    #[test]
    fn two_entries_are_gapless_if_one_arrives_after_the_other_in_the_same_epoch() {
        let topic = topic();
        topic.note_arrival(1, entry(5), Some(3));
        let arrival = topic.note_arrival(1, entry(9), None);
        assert_eq!(arrival, Arrival::AfterGapless(entry(5)));
        assert!(topic.is_gapless(entry(5), entry(9)));
        assert!(topic.is_gapless(EntryId::unstamped(5), entry(9)));
        assert!(!topic.is_gapless(entry(3), entry(9)));
        assert!(!topic.is_gapless(EntryId::of(5, Some("1")), entry(9)));
        assert!(!topic.is_gapless(entry(5), EntryId::of(9, Some("1"))));
        let arrival = topic.note_arrival(2, entry(20), None);
        assert_eq!(arrival, Arrival::New(EntryId::unstamped(19)));
        let may_be_lost = !topic.is_gapless(entry(9), entry(20));
        assert!(may_be_lost, "a message may be lost in between");
        topic.note_read(2, entry(22));
        topic.note_arrival(2, entry(30), None);
        assert!(topic.is_gapless(entry(22), entry(30)));
    }
}
