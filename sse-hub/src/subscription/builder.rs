//! Beginning a subscription: which topics, from where, and how.

use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use sse_session::{BoxError, Sse};

use crate::gap::{Gap, GapReason};
use crate::hub::Core;
use crate::id::{self, Positions};
use crate::log::{LogError, Page};
use crate::subscription::Subscription;
use crate::subscription::serve::Serving;
use crate::subscription::topic_reader::Feed;
use crate::topic::cursor::Start;

/// How many topics one subscription may have.
pub(crate) const MOST_TOPICS: usize = 64;

/// What becomes of a subscriber that is so slow that events are let go of before it got them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowConsumer {
    /// It is told of the gap and goes on with what comes next, after a snapshot if the topic has
    /// one.
    #[default]
    Gap,
    /// Its stream ends. An `EventSource` comes back by itself, with its last event ID, and is
    /// told of the gap then.
    Disconnect,
}

/// What becomes of a subscription that begins while the engine behind the hub is known to be down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EngineDown {
    /// It gets what this process holds, and goes on when the engine is back. A topic that is not
    /// in use in this process cannot be subscribed to meanwhile.
    #[default]
    Serve,
    /// It does not begin: the error is a [`SubscribeError::Log`].
    Refuse,
}

/// Why a subscription did not begin.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubscribeError {
    /// No topic was named.
    NoTopic,
    /// More topics were named than one subscription may have.
    TooManyTopics {
        /// The limit.
        limit: usize,
    },
    /// Ids cannot tell two of the topics from each other, by a rare coincidence of their names.
    Ambiguous {
        /// The one.
        topic: String,
        /// The other.
        other: String,
    },
    /// The hub shuts down.
    Closed,
    /// A topic cannot be opened, or the log behind it has failed.
    Log(LogError),
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTopic => f.write_str("no topic was named"),
            Self::TooManyTopics { limit } => {
                write!(f, "more topics were named than the limit of {limit}")
            }
            Self::Ambiguous { topic, other } => {
                write!(
                    f,
                    "ids cannot tell the topics {topic:?} and {other:?} from each other"
                )
            }
            Self::Closed => f.write_str("hub shuts down"),
            Self::Log(_) => f.write_str("topic cannot be subscribed to"),
        }
    }
}

impl Error for SubscribeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Log(error) => Some(error),
            _ => None,
        }
    }
}

impl From<LogError> for SubscribeError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

/// A subscription that is about to begin; from [`Hub::subscribe`](crate::Hub::subscribe).
///
/// Await it to get the [`Subscription`], a `Stream` of bytes; or [`serve`](Self::serve) it.
#[must_use = "a subscription begins when it is awaited or served"]
pub struct Subscribe {
    core: Arc<Core>,
    topics: Vec<String>,
    resume: Resume,
    from_start: bool,
    slow: SlowConsumer,
    engine_down: EngineDown,
    member: Option<Arc<str>>,
}

/// What was said about the client's last event ID.
enum Resume {
    /// Nothing: it is the stream's when the subscription is served.
    Unsaid,
    Said(Option<Box<str>>),
}

impl Subscribe {
    pub(crate) fn new(core: Arc<Core>, topics: Vec<String>) -> Self {
        Self {
            core,
            topics,
            resume: Resume::Unsaid,
            from_start: false,
            slow: SlowConsumer::Gap,
            engine_down: EngineDown::Serve,
            member: None,
        }
    }

    /// Goes on after the event with this id, the client's last event ID. With `None`, and for
    /// topics of which the id says nothing as they were not subscribed to then, the subscription
    /// begins fresh.
    ///
    /// An id that is damaged, forged, from elsewhere or too old is no error: the client is told
    /// of the gap, in an event named `gap`.
    ///
    /// When the subscription is [served](Self::serve), this is said by the stream.
    pub fn resume(mut self, last_event_id: Option<&str>) -> Self {
        self.resume = Resume::Said(last_event_id.map(Into::into));
        self
    }

    /// Begins fresh subscriptions with the oldest event that is kept, rather than with the next
    /// one. It does not apply to topics that have a
    /// [snapshot](crate::TopicOptions::snapshot), which stands for the history.
    pub const fn from_start(mut self) -> Self {
        self.from_start = true;
        self
    }

    /// Sets what becomes of the subscriber if it is too slow.
    pub const fn slow_consumer(mut self, policy: SlowConsumer) -> Self {
        self.slow = policy;
        self
    }

    /// Sets what happens if the engine behind the hub is down. See
    /// [`Subscription::serve`] for how to answer the request then.
    pub const fn engine_down(mut self, policy: EngineDown) -> Self {
        self.engine_down = policy;
        self
    }

    /// Gives the subscriber a name, for [`Hub::presence`](crate::Hub::presence).
    pub fn member(mut self, name: &str) -> Self {
        self.member = Some(name.into());
        self
    }

    /// Subscribes, and sends the client all there is until it goes away or the hub shuts down.
    ///
    /// It goes on after the stream's [last event ID](Sse::last_event_id), unless
    /// [`resume`](Self::resume) said something else. The encoded events are handed on as they are
    /// in the log, without a copy. When the hub shuts down already, the client is only given a
    /// reconnection time.
    ///
    /// # Errors
    ///
    /// Those of [`SubscribeError`], of the [`Subscription`] and of sending, boxed, as a handler
    /// may return them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the subscription.
    pub fn serve(self, sse: Sse) -> impl Future<Output = Result<(), BoxError>> + Send + use<> {
        Serving::beginning(self.begin_serving(sse))
    }

    async fn begin_serving(mut self, sse: Sse) -> Result<Serving, BoxError> {
        if matches!(self.resume, Resume::Unsaid) {
            self.resume = Resume::Said(sse.last_event_id().map(Into::into));
        }
        let (core, slow) = (Arc::clone(&self.core), self.slow);
        let subscription = match self.begin().await {
            Ok(subscription) => subscription,
            // Without topics it has nothing but what is said at the end.
            Err(SubscribeError::Closed) => Subscription::new(core, slow, None, 0),
            Err(error) => return Err(error.into()),
        };
        Ok(Serving::new(subscription, sse))
    }

    async fn begin(mut self) -> Result<Subscription, SubscribeError> {
        self.topics = distinct(std::mem::take(&mut self.topics))?;
        if self.core.closing().is_some() {
            return Err(SubscribeError::Closed);
        }
        if self.engine_down == EngineDown::Refuse && !self.core.registry().log().is_up() {
            let error = LogError::Engine("it is down".into());
            return Err(SubscribeError::Log(error));
        }

        let came_with = match &self.resume {
            Resume::Unsaid | Resume::Said(None) => CameWith::Nothing,
            Resume::Said(Some(id)) => {
                Positions::parse(id).map_or(CameWith::Nonsense, CameWith::Positions)
            }
        };
        let mut subscription = Subscription::new(
            Arc::clone(&self.core),
            self.slow,
            self.member.clone(),
            self.topics.len(),
        );
        let mut gaps = Vec::new();
        for topic in &self.topics {
            let (feed, reason) = self.join(topic, &came_with).await?;
            subscription.add(feed);
            if let Some(reason) = reason {
                gaps.push(Gap {
                    topic,
                    reason,
                    missed: None,
                });
            }
        }
        subscription.open_with(&gaps);
        Ok(subscription)
    }

    /// Joins one topic. The reason is there if the client has a gap in it.
    async fn join(
        &self,
        name: &str,
        came_with: &CameWith,
    ) -> Result<(Feed, Option<GapReason>), SubscribeError> {
        let registry = self.core.registry();
        let log = registry.log();
        loop {
            let topic = registry.open(name).await?;
            let mut reason = None;
            let fresh = if self.from_start && !topic.snapshots.exist() {
                log.oldest().map_or(Start::Oldest, Start::Checked)
            } else {
                Start::Now
            };
            let start = match came_with {
                CameWith::Nothing => fresh,
                CameWith::Nonsense => {
                    reason = Some(GapReason::Unknown);
                    Start::Now
                }
                CameWith::Positions(positions) => match positions.of(topic.tag()) {
                    None => fresh,
                    Some(position) => match log.knows(name, position) {
                        Some(true) => Start::After(position),
                        Some(false) => {
                            reason = Some(GapReason::Unknown);
                            Start::Now
                        }
                        None => Start::Checked(position),
                    },
                },
            };
            let Some((cursor, behind)) = topic.join(start, log.head(), self.member.as_ref()) else {
                // It has disappeared between the two.
                continue;
            };
            let resumes = matches!(start, Start::After(_) | Start::Checked(_));
            let mut feed = Feed::new(topic, cursor, !behind);
            if behind {
                // The answer of an engine is waited for by the subscription, as later ones are.
                match log.read(name, feed.after()).now() {
                    Some(Ok(page)) => reason = reason_of(&page),
                    Some(Err(LogError::Engine(_))) | None => return Ok((feed, None)),
                    Some(Err(error)) => return Err(error.into()),
                }
            }
            if reason.is_some() {
                feed.skip_to_head(log.head());
            }
            if !resumes || reason.is_some() {
                feed.want_snapshot();
            }
            return Ok((feed, reason));
        }
    }
}

/// Each topic once, if they can be subscribed to together.
fn distinct(topics: Vec<String>) -> Result<Vec<String>, SubscribeError> {
    let mut distinct: Vec<String> = Vec::new();
    for topic in topics {
        let same = |other: &&String| id::tag(other) == id::tag(&topic);
        match distinct.iter().find(same) {
            None => distinct.push(topic),
            Some(other) if *other == topic => continue,
            Some(other) => {
                let other = other.clone();
                return Err(SubscribeError::Ambiguous { topic, other });
            }
        }
        if distinct.len() > MOST_TOPICS {
            return Err(SubscribeError::TooManyTopics { limit: MOST_TOPICS });
        }
    }
    if distinct.is_empty() {
        return Err(SubscribeError::NoTopic);
    }
    Ok(distinct)
}

/// What a client came with.
enum CameWith {
    Nothing,
    Positions(Positions),
    /// An id that is none.
    Nonsense,
}

/// The reason for a gap, if what follows a position is there no more.
pub(crate) fn reason_of(page: &Page) -> Option<GapReason> {
    match page {
        Page::Entries(_) => None,
        Page::Trimmed => Some(GapReason::Trimmed),
        Page::Unknown => Some(GapReason::Unknown),
    }
}

impl IntoFuture for Subscribe {
    type Output = Result<Subscription, SubscribeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.begin())
    }
}

impl fmt::Debug for Subscribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe")
            .field("topics", &self.topics)
            .field("from_start", &self.from_start)
            .field("slow", &self.slow)
            .field("engine_down", &self.engine_down)
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}
