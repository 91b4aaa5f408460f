//! Beginning a subscription: which topics, from where, and how.

use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use sse_session::{BoxError, Encoder, Sse};

use crate::core::Core;
use crate::entry::EventError;
use crate::gap::{Gap, GapReason};
use crate::id::{self, Positions};
use crate::log::EngineError;
use crate::log::backend::Backend;
use crate::subscription::Subscription;
use crate::subscription::opening::Opening;
use crate::subscription::policy::{EngineDown, SlowConsumer};
use crate::subscription::serve::Serve;
use crate::subscription::topic_reader::{TopicReader, gap_reason};
use crate::topic::cursor::Start;
use crate::topic_guard::{OpenError, TopicGuard};
use crate::topic_name::{MAX_NAME_LEN, TopicError};

/// How many topics one subscription may have.
pub(crate) const MAX_TOPICS: usize = 64;

/// The longest name of a member, in bytes: that of a topic.
const MAX_MEMBER_LEN: usize = MAX_NAME_LEN;

/// Why a subscription did not begin.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubscribeError {
    /// No topic was given.
    NoTopic,
    /// More topics were given than one subscription may have.
    TooManyTopics {
        /// The limit.
        limit: usize,
    },
    /// Ids cannot distinguish two of the topics, as the hashes of their names are equal.
    Ambiguous {
        /// One of the topics.
        topic: String,
        /// The other topic.
        other: String,
    },
    /// The event to begin with is not one event with data and without an id.
    Opening(EventError),
    /// The name given to [`Subscribe::member`] is too long.
    MemberTooLong {
        /// The length of the name in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A topic cannot be used.
    Topic(TopicError),
    /// The hub has shut down, or its [`Driver`](crate::Driver) was dropped.
    Shutdown,
    /// The engine failed.
    Engine(EngineError),
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTopic => f.write_str("no topic to subscribe to"),
            Self::TooManyTopics { limit } => {
                write!(f, "more topics to subscribe to than the limit of {limit}")
            }
            Self::Ambiguous { topic, other } => write!(
                f,
                "ids cannot distinguish the topics {topic:?} and {other:?}"
            ),
            Self::Opening(_) => f.write_str("stream cannot begin with the event"),
            Self::MemberTooLong { len, limit } => write!(
                f,
                "member name of {len} bytes is longer than the limit of {limit}"
            ),
            Self::Topic(_) => f.write_str("topic cannot be subscribed to"),
            Self::Shutdown => f.write_str("hub has shut down"),
            Self::Engine(_) => f.write_str("engine failed to open the topic"),
        }
    }
}

impl Error for SubscribeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Opening(error) => Some(error),
            Self::Topic(error) => Some(error),
            Self::Engine(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OpenError> for SubscribeError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Topic(error) => Self::Topic(error),
            OpenError::Engine(error) => Self::Engine(error),
        }
    }
}

/// A subscription that is about to begin; from [`Hub::subscribe`](crate::Hub::subscribe).
///
/// Await it to get the [`Subscription`], a `Stream` of encoded events; or [`serve`](Self::serve) it.
#[must_use = "a subscription begins when it is awaited or served"]
pub struct Subscribe {
    core: Arc<Core>,
    topics: Vec<String>,
    resume: Resume,
    from_start: bool,
    opening: Opening,
    slow: SlowConsumer,
    engine_down: EngineDown,
    member: Option<Arc<str>>,
}

/// Where the client's last event ID comes from.
enum Resume {
    /// From the stream, when the subscription is served.
    FromStream,
    Id(Option<Box<str>>),
}

impl Subscribe {
    pub(crate) fn new(core: Arc<Core>, topics: Vec<String>) -> Self {
        Self {
            core,
            topics,
            resume: Resume::FromStream,
            from_start: false,
            opening: Opening::default(),
            slow: SlowConsumer::Gap,
            engine_down: EngineDown::Serve,
            member: None,
        }
    }

    /// Resumes after the event with this id, the client's last event ID. With `None`, and for
    /// topics that the id does not include, the subscription begins fresh.
    ///
    /// An id that is damaged, forged, from another hub or too old is no error: the client gets a
    /// gap, which is an event named `gap`.
    ///
    /// When the subscription is [served](Self::serve), the default is the stream's last event ID.
    pub fn resume(mut self, last_event_id: Option<&str>) -> Self {
        // An id that is too long is as unknown as one that no event can have.
        let is_too_long = |id: &str| id.len() > Encoder::DEFAULT_MAX_ID_LEN;
        let id = last_event_id.map(|id| if is_too_long(id) { "\0" } else { id });
        self.resume = Resume::Id(id.map(Into::into));
        self
    }

    /// Begins fresh subscriptions with the oldest event that is kept, rather than with the next
    /// one. This does not apply to topics that have a
    /// [snapshot](crate::TopicOptions::snapshot), which stands for the history.
    pub fn from_start(mut self) -> Self {
        self.from_start = true;
        self
    }

    /// Sets what the stream begins with, so that its client knows where to resume before the first
    /// event. By default, that is a block with an id alone, which not all clients keep.
    pub fn opening(mut self, opening: Opening) -> Self {
        self.opening = opening;
        self
    }

    /// Sets what happens to the subscriber if it is too slow.
    pub fn slow_consumer(mut self, policy: SlowConsumer) -> Self {
        self.slow = policy;
        self
    }

    /// Sets what happens if the hub's engine is down. [`Subscription::serve`] shows how to answer
    /// the request then.
    pub fn engine_down(mut self, policy: EngineDown) -> Self {
        self.engine_down = policy;
        self
    }

    /// Gives the subscriber a name, for [`Hub::presence`](crate::Hub::presence). A name of more than 512
    /// bytes is an error of the subscription.
    pub fn member(mut self, name: &str) -> Self {
        self.member = Some(name.into());
        self
    }

    /// Subscribes, and sends the client everything until it disconnects or the hub shuts down.
    ///
    /// It resumes after the stream's [last event ID](Sse::last_event_id), unless
    /// [`resume`](Self::resume) was called. The encoded events are sent as they are in the log,
    /// without a copy. If the hub has already shut down, the client only gets a reconnection time.
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
        Serve::starting(self.begin_serving(sse))
    }

    async fn begin_serving(mut self, sse: Sse) -> Result<Serve, BoxError> {
        if matches!(self.resume, Resume::FromStream) {
            self.resume = Resume::Id(sse.last_event_id().map(Into::into));
        }
        let (core, slow) = (Arc::clone(&self.core), self.slow);
        let subscription = match self.begin().await {
            Ok(subscription) => subscription,
            // Without topics, it yields only the last block.
            Err(SubscribeError::Shutdown) => Subscription::new(core, Opening::None, slow, None, 0),
            Err(error) => return Err(error.into()),
        };
        Ok(Serve::new(subscription, sse))
    }

    async fn begin(mut self) -> Result<Subscription, SubscribeError> {
        self.topics = distinct(std::mem::take(&mut self.topics))?;
        self.opening.check().map_err(SubscribeError::Opening)?;
        if let Some(len) = self.member.as_ref().map(|name| name.len())
            && len > MAX_MEMBER_LEN
        {
            return Err(SubscribeError::MemberTooLong {
                len,
                limit: MAX_MEMBER_LEN,
            });
        }
        if self.core.shutdown().is_some() {
            return Err(SubscribeError::Shutdown);
        }
        let backend = self.core.registry().backend();
        let is_down = || self.topics.iter().any(|topic| !backend.is_up(topic));
        if self.engine_down == EngineDown::Refuse && is_down() {
            return Err(SubscribeError::Engine(EngineError::Unavailable));
        }

        let last_event_id = match &self.resume {
            Resume::FromStream | Resume::Id(None) => LastEventId::None,
            Resume::Id(Some(id)) => {
                Positions::parse(id).map_or(LastEventId::Invalid, LastEventId::Positions)
            }
        };
        let mut subscription = Subscription::new(
            Arc::clone(&self.core),
            std::mem::take(&mut self.opening),
            self.slow,
            self.member.clone(),
            self.topics.len(),
        );
        let mut gaps = Vec::new();
        for topic in &self.topics {
            let joining = self.join(topic, &last_event_id);
            let joined = self.core.before_deadline(joining).await;
            let (reader, reason) = joined.ok_or(SubscribeError::Shutdown)??;
            subscription.add(reader);
            if let Some(reason) = reason {
                gaps.push(Gap {
                    topic,
                    reason,
                    missed: None,
                });
            }
        }
        if matches!(self.core.registry().backend(), Backend::Engine(_)) {
            self.core.note_answer();
        }
        subscription.open_with(&gaps);
        Ok(subscription)
    }

    /// Joins one topic. The reason is present if the client has a gap in it.
    async fn join(
        &self,
        name: &str,
        last_event_id: &LastEventId,
    ) -> Result<(TopicReader, Option<GapReason>), SubscribeError> {
        let registry = self.core.registry();
        let backend = registry.backend();
        let topic = TopicGuard::open(registry, name).await?;
        let fresh = if self.from_start && !topic.snapshots.exist() {
            backend.oldest()
        } else {
            Start::Now
        };
        let start = match last_event_id {
            LastEventId::None => Some(fresh),
            LastEventId::Invalid => None,
            LastEventId::Positions(positions) => match positions.of(topic.tag()) {
                None => Some(fresh),
                Some(position) => backend.resume(position),
            },
        };
        let mut reason = start.is_none().then_some(GapReason::Unknown);
        let start = start.unwrap_or(Start::Now);
        let (cursor, is_trimmed) = topic.join(start, backend.head(), self.member.as_ref());
        let mut reader = TopicReader::new(Arc::clone(topic.topic()), cursor, !is_trimmed);
        if is_trimmed {
            match backend.read_now(name, reader.after()) {
                Some(page) => reason = gap_reason(&page),
                // The subscription waits for the engine's answer, as for later ones.
                None => return Ok((reader, None)),
            }
        }
        if reason.is_some() {
            reader.skip_to_head(backend.head());
        }
        let resumes = matches!(start, Start::After(_) | Start::Checked(_));
        if !resumes || reason.is_some() {
            reader.want_snapshot();
        }
        Ok((reader, reason))
    }
}

/// Returns each topic once, if they can be subscribed to together.
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
        if distinct.len() > MAX_TOPICS {
            return Err(SubscribeError::TooManyTopics { limit: MAX_TOPICS });
        }
    }
    if distinct.is_empty() {
        return Err(SubscribeError::NoTopic);
    }
    Ok(distinct)
}

/// The id that a client came with.
enum LastEventId {
    None,
    Positions(Positions),
    Invalid,
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
            .field("opening", &self.opening)
            .field("slow", &self.slow)
            .field("engine_down", &self.engine_down)
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}
