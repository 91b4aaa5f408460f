//! A subscription: a stream of what its topics publish, as bytes that can be sent as they are.

pub(crate) mod builder;
mod merge;
mod serve;
mod topic_reader;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use sse_session::{BoxError, Sse};

use crate::entry::{self, EventError};
use crate::gap::{self, Gap, GapReason};
use crate::hub::Core;
use crate::log::{LogError, Page};
use crate::metrics::{Happening, tell};
use crate::position::Position;
use crate::shutdown::Closing;
use crate::subscription::builder::{SlowConsumer, reason_of};
use crate::subscription::merge::{ENOUGH, Writer, id_block};
use crate::subscription::serve::Serving;
use crate::subscription::topic_reader::{Feed, Phase};
use crate::topic::cursor::Found;

/// Why a subscription has ended before its time.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// A topic's snapshot function gave something that is not an event without an id.
    Snapshot(EventError),
    /// The log behind the topic has failed.
    Log(LogError),
}

impl fmt::Display for SubscriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Snapshot(_) => "topic's snapshot cannot be sent",
            Self::Log(_) => "topic's log cannot be read",
        })
    }
}

impl Error for SubscriptionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Snapshot(error) => Some(error),
            Self::Log(error) => Some(error),
        }
    }
}

/// What its topics publish, as a `Stream` of encoded events; from
/// [`Hub::subscribe`](crate::Hub::subscribe).
///
/// Each item is a piece of an event stream that can be sent as it is: one or more whole events.
/// With one topic it is a slice of the topic's log that all subscribers share; with several, the
/// events are put together anew, at most about 16 KiB at a time, as each needs an id that resumes
/// all topics. The first item is a block that sets the client's last event ID, or tells it of
/// gaps.
///
/// An error is the last item. Dropping the subscription ends it.
///
/// # Memory
///
/// What a subscription holds does not depend on how much is published: see the
/// [crate's documentation](crate#slow-readers).
#[must_use = "streams do nothing unless polled"]
pub struct Subscription {
    core: Arc<Core>,
    feeds: Vec<Feed>,
    /// Whose turn it is, so that no topic waits for ever behind a busy one.
    turn: usize,
    opening: Bytes,
    slow: SlowConsumer,
    member: Option<Arc<str>>,
    ended: bool,
}

/// A piece, or the error that ends the subscription.
type Piece = Result<Bytes, SubscriptionError>;

impl Subscription {
    pub(crate) fn new(
        core: Arc<Core>,
        slow: SlowConsumer,
        member: Option<Arc<str>>,
        topics: usize,
    ) -> Self {
        core.subscription_begins();
        Self {
            core,
            feeds: Vec::with_capacity(topics),
            turn: 0,
            opening: Bytes::new(),
            slow,
            member,
            ended: false,
        }
    }

    pub(crate) fn add(&mut self, feed: Feed) {
        self.feeds.push(feed);
    }

    /// Begins with a block that has the positions and, if there are any, the gaps.
    pub(crate) fn open_with(&mut self, gaps: &[Gap<'_>]) {
        self.opening = if gaps.is_empty() {
            id_block(self.places())
        } else {
            gap::encode(gaps, &self.id())
        };
    }

    /// The id that resumes the subscription after what it has given so far.
    ///
    /// That is the client's last event ID if all of it has arrived.
    #[must_use]
    pub fn id(&self) -> String {
        let mut id = Vec::new();
        crate::id::put(&mut id, &mut Vec::new(), self.places());
        // The id's alphabet is ASCII.
        String::from_utf8(id).unwrap_or_default()
    }

    fn places(&self) -> impl Iterator<Item = (u32, Position)> {
        self.feeds.iter().filter_map(Feed::place)
    }

    /// Writes events of the topic at `index`, which lie up to where its cursor is now.
    fn write(&self, index: usize, events: &[(Position, Bytes)]) -> Bytes {
        if events.is_empty() {
            return Bytes::new();
        }
        let before = self.feeds[..index].iter().filter_map(Feed::place).count();
        let bytes = events.iter().map(|(_, event)| event.len()).sum();
        let places = self.places().collect();
        let mut writer = Writer::new(places, before, events.len(), bytes);
        for (position, event) in events {
            writer.put(*position, event);
        }
        writer.finish()
    }

    /// Sends the client all there is until it goes away or the hub shuts down, as
    /// [`Subscribe::serve`](crate::Subscribe::serve) does.
    ///
    /// A handler that awaits the subscription before it answers the request can still answer with
    /// an error, such as 503 (Service Unavailable), where an engine is down. (An `EventSource`
    /// that gets one gives up, HTML § 9.2.2, unless the page makes a new one.)
    ///
    /// ```
    /// use http::{HeaderMap, Response, StatusCode};
    /// use sse_hub::{EngineDown, Hub};
    /// use sse_hyper::{SseBody, sse_response};
    /// use sse_session::parse_last_event_id;
    ///
    /// // An axum handler, for instance.
    /// async fn news(hub: Hub, headers: HeaderMap) -> Result<Response<SseBody>, StatusCode> {
    ///     let id = headers.get("last-event-id").map(|id| id.as_bytes());
    ///     let subscription = hub
    ///         .subscribe(["news"])
    ///         .resume(id.and_then(parse_last_event_id))
    ///         .engine_down(EngineDown::Refuse)
    ///         .await
    ///         .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    ///     Ok(sse_response(headers, |_, sse| subscription.serve(sse)))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`SubscriptionError`] and of sending, boxed, as a handler may return them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the subscription.
    pub fn serve(self, sse: Sse) -> impl Future<Output = Result<(), BoxError>> + Send + use<> {
        Serving::new(self, sse)
    }

    /// The next piece.
    #[inline]
    pub(crate) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        if let Some(polled) = self.poll_live(cx) {
            return polled;
        }
        if self.ended {
            return Poll::Ready(None);
        }
        if !self.opening.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.opening))));
        }
        // Before the feeds are looked at: once it is seen here, nothing is appended any more, and
        // feeds that have nothing then will have nothing.
        let mut closing = self.core.closing().is_some();
        loop {
            let closing_is_overdue = self.core.closing().is_some_and(Closing::is_overdue);
            if !closing_is_overdue {
                for _ in 0..self.feeds.len() {
                    let index = self.turn;
                    self.turn = (index + 1) % self.feeds.len();
                    if let Poll::Ready(piece) = self.poll_feed(index, cx) {
                        self.ended = !matches!(piece, Some(Ok(_)));
                        return Poll::Ready(piece);
                    }
                }
            }
            let Some(now_closing) = self.core.closing() else {
                return Poll::Pending;
            };
            if closing || closing_is_overdue {
                self.ended = true;
                let farewell = now_closing.farewell();
                return Poll::Ready((!farewell.is_empty()).then_some(Ok(farewell)));
            }
            // It has begun meanwhile.
            closing = true;
        }
    }

    /// The usual case on a short way: a single topic, and nothing in between. `None` if there is
    /// more to be looked at; nothing is lost then.
    #[inline]
    fn poll_live(&mut self, cx: &mut Context<'_>) -> Option<Poll<Option<Piece>>> {
        let [feed] = &mut self.feeds[..] else {
            return None;
        };
        let is_live = matches!(feed.phase, Phase::Live) && self.opening.is_empty();
        if !is_live || self.ended || self.core.closing().is_some() {
            return None;
        }
        match feed.topic.read(&mut feed.cursor, cx) {
            (Found::Events(events), piece) => {
                feed.was_held = true;
                tell(Happening::Delivered(events));
                Some(Poll::Ready(Some(Ok(piece))))
            }
            // Who waits is woken when it closes; it may have closed before that.
            (Found::Nothing, _) if self.core.closing().is_none() => {
                feed.was_held = true;
                Some(Poll::Pending)
            }
            _ => None,
        }
    }

    /// What one topic has next; `None` ends the subscription.
    fn poll_feed(&mut self, index: usize, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        loop {
            let feed = &mut self.feeds[index];
            let (page, floor) = match &mut feed.phase {
                Phase::Snapshot => return Poll::Ready(Some(self.take_snapshot(index))),
                Phase::Reading(answer) => {
                    let answer = ready!(answer.as_mut().poll(cx));
                    feed.phase = Phase::Live;
                    answer
                }
                Phase::Live => {
                    let (found, piece) = self.read(index, cx);
                    match found {
                        Found::Events(events) => {
                            tell(Happening::Delivered(events));
                            return Poll::Ready(Some(Ok(piece)));
                        }
                        Found::Nothing => return Poll::Pending,
                        Found::Behind | Found::Restarted => {
                            let log = self.core.registry().log();
                            match self.feeds[index].read_behind(log) {
                                Some(answer) => answer,
                                None => continue,
                            }
                        }
                    }
                }
            };
            match page {
                Err(error) => return Poll::Ready(Some(Err(SubscriptionError::Log(error)))),
                Ok(page) => match reason_of(&page) {
                    Some(reason) => return Poll::Ready(self.fall_behind(index, reason)),
                    None => {
                        if let Some(piece) = self.take_page(index, page, floor) {
                            return Poll::Ready(Some(Ok(piece)));
                        }
                    }
                },
            }
        }
    }

    /// Reads what follows the cursor in the window.
    fn read(&mut self, index: usize, cx: &mut Context<'_>) -> (Found, Bytes) {
        let (found, piece) = if let [feed] = &mut self.feeds[..] {
            feed.topic.read(&mut feed.cursor, cx)
        } else {
            let feed = &mut self.feeds[index];
            let (found, events) = feed.topic.read_events(&mut feed.cursor, cx, ENOUGH);
            (found, self.write(index, &events))
        };
        match found {
            Found::Events(_) | Found::Nothing => self.feeds[index].was_held = true,
            Found::Behind => {}
            Found::Restarted => self.feeds[index].was_held = false,
        }
        (found, piece)
    }

    /// Writes a page of the log's. `None` if there is nothing on it.
    fn take_page(&mut self, index: usize, page: Page, floor: Position) -> Option<Bytes> {
        let Page::Entries(mut entries) = page else {
            return None;
        };
        let feed = &mut self.feeds[index];
        let Some((last, _)) = entries.last() else {
            // Nothing lies between the cursor and where the window began when the log was asked.
            // Meanwhile the window may have let go of what came after that.
            let floor = floor.max(feed.cursor.after);
            feed.topic.skip_to(&mut feed.cursor, floor, 0);
            return None;
        };
        feed.topic
            .skip_to(&mut feed.cursor, *last, entries.len() as u64);
        // As with live entries: what is none is passed over.
        entries.retain(|(_, event)| entry::check(event).is_ok());
        tell(Happening::Delivered(entries.len() as u64));
        (!entries.is_empty()).then(|| self.write(index, &entries))
    }

    fn take_snapshot(&mut self, index: usize) -> Piece {
        let feed = &mut self.feeds[index];
        let event = feed
            .topic
            .take_snapshot(&mut feed.cursor)
            .map_err(SubscriptionError::Snapshot)?;
        feed.phase = Phase::Live;
        let position = feed.cursor.after;
        let Some(event) = event else {
            return Ok(id_block(self.places()));
        };
        Ok(self.write(index, &[(position, event)]))
    }

    /// Events that this subscription has not got yet are there no more.
    fn fall_behind(&mut self, index: usize, reason: GapReason) -> Option<Piece> {
        let head = self.core.registry().log().head();
        let feed = &mut self.feeds[index];
        if feed.was_held && self.slow == SlowConsumer::Disconnect {
            tracing::debug!(topic = &**feed.topic.name(), "slow subscriber disconnected");
            return None;
        }
        let was_held = feed.was_held;
        let missed = feed.skip_to_head(head);
        feed.want_snapshot();
        let topic = Arc::clone(feed.topic.name());
        let gap = Gap {
            topic: &topic,
            reason: if was_held { GapReason::Slow } else { reason },
            missed: was_held.then_some(missed),
        };
        Some(Ok(gap::encode(&[gap], &self.id())))
    }
}

impl Stream for Subscription {
    type Item = Result<Bytes, SubscriptionError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_piece(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        for feed in &mut self.feeds {
            if feed.topic.leave(&mut feed.cursor, self.member.as_ref()) {
                self.core.registry().retire(&feed.topic);
            }
        }
        self.core.subscription_ends();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topics: Vec<_> = self.feeds.iter().map(|feed| feed.topic.name()).collect();
        f.debug_struct("Subscription")
            .field("topics", &topics)
            .field("id", &self.id())
            .field("slow", &self.slow)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
