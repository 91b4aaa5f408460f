//! A subscription: a stream of what its topics publish, as bytes that can be sent as they are.
//!
//! ```text
//!  Opening     a block with the id, the gaps, or nothing where a snapshot follows
//!     |
//!     v
//!   Open       the next piece of any topic; each topic has a reader:
//!     |
//!     |          no id, or a gap,     +----------+
//!     |       o---------------------> | Snapshot | <---+
//!     |          and a state          +----------+     |
//!     |                                    |           |
//!     |                        state sent  |           |
//!     |                                    v           |
//!     |          otherwise            +----------+     |
//!     |       o---------------------> |   Live   |     | gap sent, if the topic has a state
//!     |                               +----------+     |
//!     |                                  |    ^        |
//!     |    the window does not have      |    | entries sent, or gap sent
//!     |    what follows: read the log    v    |        |
//!     |                               +----------+     |
//!     |                               | Reading  |-----+
//!     |                               +----------+
//!     |                                                ^
//!     |          an unknown id, and   +----------+     |
//!     |       o---------------------> | Unknown  |-----+ and to Live, when the gap is sent
//!     |          an engine            +----------+
//!     |
//!     |  the end of all topics, which are finished;
//!     |  what it lasts until, or a disconnection, at once; a shutdown, when all topics are up to date or its deadline has passed;
//!     |  an invalid snapshot; a gap, if the policy for slow consumers is to disconnect
//!     v
//!   Ended
//! ```

pub(crate) mod builder;
mod ending;
pub(crate) mod error;
pub(crate) mod filter;
mod hiding;
pub(crate) mod into_member;
mod log_reads;
mod merge;
pub(crate) mod opening;
pub(crate) mod policy;
mod serve;
#[cfg(feature = "gzip")]
mod sharing;
mod topic_reader;
pub(crate) mod topics;
pub(crate) mod until;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use sse_codec::EncodedEvents;
#[cfg(feature = "gzip")]
use sse_session::gzip::SharedPiece;

use crate::core::Begun;
use crate::entry;
use crate::gap::{self, Gap, GapReason};
use crate::id::{IdPosition, Salt};
use crate::metrics::{Metric, record};
use crate::position::Position;
use crate::shutdown::Shutdown;
use crate::subscription::error::SubscriptionError;
use crate::subscription::filter::Filter;
use crate::subscription::merge::TARGET_LEN;
use crate::subscription::opening::Opening;
use crate::subscription::policy::SlowConsumer;
use crate::subscription::topic_reader::{Phase, TopicReader, UNKNOWN_ID};
use crate::subscription::until::Until;
use crate::topic::cursor::Next;
use crate::topic::member::Member;

/// What its topics publish, as a `Stream` of encoded events; from
/// [`Hub::subscribe`](crate::Hub::subscribe).
///
/// Each item is a piece of an event stream that is sent as it is, one or more whole events: by
/// [`serve`](Self::serve), by the `sse_stream` of an adapter, or by `forward`, without a copy.
/// With one topic, it is a slice of the topic's log that all subscribers share. With several
/// topics, the events are encoded anew, at most about 16 KiB at a time, as each needs an id that
/// resumes all topics. The first item sets the client's last event ID: an [`Opening`], a gap or a
/// snapshot.
///
/// An error is the last item. Dropping the subscription ends it.
///
/// # Memory
///
/// The memory of a subscription does not depend on how much is published: see the
/// [crate's documentation](crate#slow-readers).
#[must_use = "streams do nothing unless polled"]
pub struct Subscription {
    core: Begun,
    topics: Vec<TopicReader>,
    /// The topic that is read next, so that none is starved by a busy one.
    turn: usize,
    /// What is yielded first; empty if nothing is, and after that.
    first: Bytes,
    extras: Option<Box<Extras>>,
    slow: SlowConsumer,
    salt: Salt,
    member: Option<Arc<Member>>,
    ended: bool,
    /// Whether it has not ended, and has neither a filter nor what ends it, a future or a name: the only question of
    /// [`poll_live`](Self::poll_live) about those.
    is_usual: bool,
}

/// What few subscriptions have, in memory of its own: a subscription is small.
#[derive(Default)]
struct Extras {
    opening: Opening,
    filter: Option<Filter>,
    /// Ends the subscription.
    until: Option<Until>,
    /// Whether pieces are shared in their compressed form.
    #[cfg(feature = "gzip")]
    shares: bool,
    /// The shared form of what was yielded last.
    #[cfg(feature = "gzip")]
    shared: Option<Arc<SharedPiece>>,
}

impl Extras {
    fn filter(extras: &mut Option<Box<Self>>) -> Option<&mut Filter> {
        extras.as_mut()?.filter.as_mut()
    }

    fn until(extras: &mut Option<Box<Self>>) -> Option<&mut Until> {
        extras.as_mut()?.until.as_mut()
    }
}

/// A piece, or the error that ends the subscription.
type Piece = Result<Bytes, SubscriptionError>;

impl Subscription {
    fn new(core: Begun, opening: Opening, slow: SlowConsumer, topics: usize) -> Self {
        Self {
            salt: core.registry().ids().draw_salt(),
            core,
            topics: Vec::with_capacity(topics),
            turn: 0,
            first: Bytes::new(),
            extras: (opening != Opening::default()).then(|| {
                Box::new(Extras {
                    opening,
                    ..Extras::default()
                })
            }),
            slow,
            member: None,
            ended: false,
            is_usual: true,
        }
    }

    /// Hides events. The topics are added already.
    fn set_filter(&mut self, mut filter: Filter) {
        for reader in &self.topics {
            filter.add(&reader.topic);
        }
        self.is_usual = false;
        self.extras.get_or_insert_default().filter = Some(filter);
    }

    fn end(&mut self) {
        self.ended = true;
        self.is_usual = false;
    }

    fn add(&mut self, topic: TopicReader) {
        self.topics.push(topic);
    }

    /// Begins with something that has an id: the gaps if there are any, a snapshot if one follows, or
    /// the opening.
    fn open_with(&mut self, gaps: &[Gap<'_>]) {
        self.first = if !gaps.is_empty() {
            gap::encode(gaps, &self.id())
        } else if self.wants_snapshot() {
            Bytes::new()
        } else {
            self.encode_opening()
        };
    }

    /// Encodes the opening, which is empty if it is nothing.
    fn encode_opening(&self) -> Bytes {
        let opening = self.extras.as_ref().map(|extras| &extras.opening);
        let opening = opening.unwrap_or(&Opening::IdBlock);
        let ids = self.core.registry().ids();
        opening.encode(ids, self.salt, self.id_positions())
    }

    fn wants_snapshot(&self) -> bool {
        self.topics.iter().any(TopicReader::wants_snapshot)
    }

    /// Returns the id that resumes the subscription after what it has yielded so far.
    ///
    /// A client to which everything has arrived resumes with it as with its last event ID, which may
    /// be another text.
    #[must_use]
    pub fn id(&self) -> String {
        let ids = self.core.registry().ids();
        ids.to_string(self.salt, self.id_positions())
    }

    fn id_positions(&self) -> impl Iterator<Item = (u32, IdPosition)> {
        self.topics.iter().filter_map(TopicReader::id_position)
    }

    /// Encodes events of the topic at `index`, which lie up to where its cursor is now. Of each event,
    /// these are its lines, without the blank line.
    fn encode(&self, index: usize, events: &[(Position, Bytes)]) -> Bytes {
        match &self.topics[..] {
            [reader] => {
                let ids = self.core.registry().ids();
                merge::encode_single(ids, reader.topic.tag(), events)
            }
            _ => self.encode_with_salt(index, events),
        }
    }

    /// As [`encode`](Self::encode), for what is not an event of the topic's log.
    fn encode_with_salt(&self, index: usize, events: &[(Position, Bytes)]) -> Bytes {
        let before = self.topics[..index].iter();
        let before = before.filter_map(TopicReader::id_position).count();
        let ids = self.core.registry().ids();
        let positions = self.id_positions().collect();
        merge::encode(ids, self.salt, positions, before, events)
    }

    /// Polls for the next piece.
    #[inline]
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        match self.poll_live(cx) {
            Some(polled) => polled,
            None => self.poll_any(cx),
        }
    }

    /// Polls for the next piece in all cases. Out of line, so that only the usual case becomes part of
    /// what serves a client.
    #[cold]
    fn poll_any(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        if self.ended || self.end_disconnected() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(last) = self.poll_until(cx) {
            return Poll::Ready(last);
        }
        let polled = self.poll_content(cx);
        if polled.is_pending() && self.wait_for_disconnection(cx) {
            return Poll::Ready(None);
        }
        polled
    }

    /// Polls for the next piece in all cases, of a subscription that has not ended.
    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let has_filter = Extras::filter(&mut self.extras).is_some();
        #[cfg(feature = "gzip")]
        let shared = self.poll_shared(cx);
        #[cfg(not(feature = "gzip"))]
        let shared = None;
        let polled = if has_filter {
            self.poll_filtered(cx)
        } else {
            shared.or_else(|| self.poll_single(cx))
        };
        if let Some(polled) = polled {
            return polled;
        }
        if !self.first.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.first))));
        }
        // Before the topics are read: once a shutdown is seen here, nothing more is appended, and
        // topics that have nothing then will have nothing.
        let mut was_shutdown = self.core.shutdown().is_some();
        loop {
            if !self.core.shutdown().is_some_and(Shutdown::is_overdue) {
                for _ in 0..self.topics.len() {
                    let index = self.turn;
                    self.turn = (index + 1) % self.topics.len();
                    if let Poll::Ready(piece) = self.poll_topic(index, cx) {
                        if !matches!(piece, Some(Ok(_))) {
                            self.end();
                        }
                        return Poll::Ready(piece);
                    }
                }
            }
            if self.is_finished() {
                if let Some(piece) = self.take_hidden() {
                    return Poll::Ready(Some(Ok(piece)));
                }
                self.end();
                return Poll::Ready(None);
            }
            let Some(shutdown) = self.core.shutdown() else {
                return self.poll_hidden(cx);
            };
            let has_more = self.topics.iter().any(TopicReader::is_reading)
                || Extras::filter(&mut self.extras).is_some_and(|filter| filter.yields());
            // The deadline may have ended a topic's reading just now.
            if shutdown.is_overdue() || was_shutdown && !has_more {
                let last = shutdown.last_block();
                self.end();
                return Poll::Ready((!last.is_empty()).then_some(Ok(last)));
            }
            if was_shutdown {
                return Poll::Pending;
            }
            // It has begun meanwhile.
            was_shutdown = true;
        }
    }

    /// The fast path of the usual case: one topic, which is live. `None` if it is another case;
    /// nothing is lost then.
    #[inline]
    fn poll_live(&mut self, cx: &mut Context<'_>) -> Option<Poll<Option<Piece>>> {
        if self.is_usual {
            self.poll_single(cx)
        } else {
            None
        }
    }

    /// As [`poll_live`](Self::poll_live), of a subscription that has not ended and has no filter.
    #[inline]
    fn poll_single(&mut self, cx: &mut Context<'_>) -> Option<Poll<Option<Piece>>> {
        let [reader] = &mut self.topics[..] else {
            return None;
        };
        let is_live = matches!(reader.phase, Phase::Live) && self.first.is_empty();
        if !is_live || self.core.shutdown().is_some() {
            return None;
        }
        match reader.topic.read(&mut reader.cursor, cx) {
            Next::Events(piece, events) => {
                reader.was_in_window = true;
                record(Metric::Delivered(events));
                Some(Poll::Ready(Some(Ok(piece))))
            }
            // A shutdown wakes the tasks that wait; it may have begun before this one waited.
            Next::UpToDate if self.core.shutdown().is_none() => {
                reader.was_in_window = true;
                Some(Poll::Pending)
            }
            _ => None,
        }
    }

    /// Whether all topics are finished, and everything of them was yielded.
    fn is_finished(&self) -> bool {
        let mut topics = self.topics.iter();
        !self.topics.is_empty() && topics.all(|it| matches!(it.phase, Phase::Finished))
    }

    /// Polls one topic. `None` ends the subscription.
    fn poll_topic(&mut self, index: usize, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        loop {
            let reader = &mut self.topics[index];
            let read = match &mut reader.phase {
                Phase::Unknown => {
                    reader.phase = Phase::Live;
                    reader.log_gap(UNKNOWN_ID);
                    let gap = self.skip_to_head(index, GapReason::Unknown);
                    return Poll::Ready(Some(Ok(gap)));
                }
                Phase::Snapshot => match self.take_snapshot(index).transpose() {
                    Some(piece) => return Poll::Ready(Some(piece)),
                    None => continue,
                },
                Phase::Reading(reading) => {
                    let read = ready!(reading.as_mut().poll(cx));
                    reader.phase = Phase::Live;
                    match read {
                        Some(read) => read,
                        None => return Poll::Pending,
                    }
                }
                Phase::Finished => return Poll::Pending,
                Phase::Live => match self.read(index, cx) {
                    Next::Events(_, 0) => match self.after_hidden(cx) {
                        Some(polled) => return polled,
                        None => continue,
                    },
                    Next::Events(piece, events) => {
                        record(Metric::Delivered(events));
                        return Poll::Ready(Some(Ok(piece)));
                    }
                    Next::UpToDate => return Poll::Pending,
                    Next::Finished => {
                        self.topics[index].phase = Phase::Finished;
                        return Poll::Pending;
                    }
                    Next::Mark(position) => {
                        return Poll::Ready(Some(Ok(self.skip_mark(index, position))));
                    }
                    Next::Trimmed | Next::Restarted => {
                        match self.topics[index].read_log(&self.core) {
                            Some(read) => read,
                            None => continue,
                        }
                    }
                },
            };
            if let Some(next) = self.take_read(index, read) {
                return Poll::Ready(next.map(Ok));
            }
            if let Some(polled) = self.after_hidden(cx) {
                return polled;
            }
        }
    }

    /// Reads what follows the cursor from the window. No events if all were hidden.
    fn read(&mut self, index: usize, cx: &mut Context<'_>) -> Next<Bytes> {
        let next = if let [reader] = &mut self.topics[..] {
            match (
                reader.topic.read(&mut reader.cursor, cx),
                Extras::filter(&mut self.extras),
            ) {
                (Next::Events(batch, events), Some(filter)) => {
                    let (visible, events) = filter.batch(&reader.topic, batch, events);
                    Next::Events(visible, events)
                }
                (next, _) => next,
            }
        } else {
            let reader = &mut self.topics[index];
            match reader.topic.read_events(&mut reader.cursor, cx, TARGET_LEN) {
                Next::Events(mut events, mut count) => {
                    if let Some(filter) = Extras::filter(&mut self.extras) {
                        count = filter.retain(index, &reader.topic, &mut events);
                    }
                    Next::Events(self.encode(index, &events), count)
                }
                next => next.map(|_| Bytes::new()),
            }
        };
        match next {
            Next::Events(..) | Next::UpToDate | Next::Finished => {
                self.topics[index].was_in_window = true;
            }
            Next::Mark(_) | Next::Trimmed => {}
            Next::Restarted => self.topics[index].was_in_window = false,
        }
        next
    }

    /// Returns the topic's state, or what stands for it as it has an id; `None` if there is neither.
    fn take_snapshot(&mut self, index: usize) -> Result<Option<Bytes>, SubscriptionError> {
        let reader = &mut self.topics[index];
        let event = reader
            .topic
            .take_snapshot(&mut reader.cursor)
            .map_err(SubscriptionError::Snapshot)?;
        reader.phase = Phase::Live;
        let position = reader.cursor.after;
        if let Some(event) = event {
            let lines = event.slice_ref(entry::lines(&event));
            self.note_id();
            return Ok(Some(self.encode_with_salt(index, &[(position, lines)])));
        }
        if self.wants_snapshot() {
            // The next one has an id of this topic too.
            return Ok(None);
        }
        let opening = self.encode_opening();
        Ok((!opening.is_empty()).then_some(opening))
    }
}

impl Stream for Subscription {
    type Item = Result<EncodedEvents, SubscriptionError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = self.get_mut().poll_piece(cx);
        piece.map(|piece| piece.map(|piece| piece.map(EncodedEvents::new)))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        for reader in &mut self.topics {
            let member = self.member.as_ref();
            let is_unneeded = reader.topic.leave(&mut reader.cursor, member);
            let member = member.map(|member| member.name());
            self.core.note_member(reader.topic.name(), member);
            if is_unneeded {
                self.core.registry().evict(&reader.topic);
            }
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topics: Vec<_> = self.topics.iter().map(|it| it.topic.name()).collect();
        f.debug_struct("Subscription")
            .field("topics", &topics)
            .field("id", &self.id())
            .field("slow", &self.slow)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
