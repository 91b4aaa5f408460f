//! Beginning a subscription: which topics, from where, and how.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use sse_codec::EncodeError;
use sse_session::{BoxError, Encode, Encoder, OpenStream, Sse};

use crate::core::{Begun, Core};
use crate::gap::{Gap, GapReason};
use crate::group::Selection;
use crate::id::{IdPosition, Ids, Positions};
use crate::log::EngineError;
use crate::log::backend::Backend;
use crate::stored_event::StoredEvent;
use crate::subscription::Subscription;
use crate::subscription::error::SubscribeError;
use crate::subscription::filter::{Accepts, Filter};
use crate::subscription::into_member::IntoMember;
use crate::subscription::opening::Opening;
use crate::subscription::policy::{EngineDown, SlowConsumer};
use crate::subscription::serve::Serve;
use crate::subscription::topic_reader::{NOT_KEPT, Phase, TopicReader, UNKNOWN_ID};
use crate::subscription::until::{self, Until};
use crate::topic::cursor::Start;
use crate::topic::member::Member;
use crate::topic_guard::TopicGuard;
use crate::topic_name::MAX_NAME_LEN;

/// How many topics one subscription may have.
pub(crate) const MAX_TOPICS: usize = 64;

/// The longest name of a member, in bytes: that of a topic.
const MAX_MEMBER_LEN: usize = MAX_NAME_LEN;

/// A subscription that is about to begin; from [`Hub::subscribe`](crate::Hub::subscribe).
///
/// Await it to get the [`Subscription`], a `Stream` of encoded events; or [`serve`](Self::serve) it.
#[must_use = "a subscription begins when it is awaited or served"]
pub struct Subscribe {
    core: Arc<Core>,
    topics: Vec<String>,
    opened: Option<Opened>,
    resume: Resume,
    from_start: bool,
    opening: Opening,
    slow: SlowConsumer,
    engine_down: EngineDown,
    member: Option<Arc<str>>,
    member_error: Option<Box<EncodeError>>,
    filter: Option<Box<Accepts>>,
    until: Option<Until>,
}

/// A subscription that nothing refuses.
struct Opened {
    begun: Begun,
    topics: Vec<TopicGuard>,
    /// What is read of each; empty if no topic is in a group.
    selections: Vec<Option<Selection>>,
}

impl Opened {
    /// Returns the topics of groups as they were said.
    fn in_groups(&self) -> Vec<Box<str>> {
        let mut names = Vec::new();
        for (log, selection) in self.topics.iter().zip(&self.selections) {
            match selection.as_ref().map(Selection::names) {
                Some(Some(topics)) => names.extend_from_slice(topics),
                Some(None) => names.push((&**log.name()).into()),
                None => {}
            }
        }
        names
    }
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
            opened: None,
            resume: Resume::FromStream,
            from_start: false,
            opening: Opening::default(),
            slow: SlowConsumer::Gap,
            engine_down: EngineDown::Serve,
            member: None,
            member_error: None,
            filter: None,
            until: None,
        }
    }

    /// Resumes after the event with this id, the client's last event ID. With `None`, and for
    /// topics that the id does not include, the subscription begins fresh. An id that includes none of
    /// the topics, as it is of other ones, is a gap in each of them: see [`Hub::topics_of`](crate::Hub::topics_of).
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
    /// one. A client whose id is too old or unknown goes on there too, after its gap, so it may get again what it has
    /// had; without this, it does so only in a topic that is [finished](crate::Hub::finish). This does not apply to topics that have a
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

    /// Sets what happens if the hub's engine is down. [`open`](Self::open) shows how to answer the
    /// request then.
    pub fn engine_down(mut self, policy: EngineDown) -> Self {
        self.engine_down = policy;
        self
    }

    /// Ends the subscription when the future is ready, whatever it has not delivered yet: for instance
    /// when rights end, or a user logs out. The output of the future is dropped. Given twice, either ends it.
    ///
    /// The future is polled by the stream of its client, so nothing is spawned. A client that takes nothing is not
    /// polled, and gets nothing either.
    ///
    /// The response ends as a complete one, after which an `EventSource` comes back (HTML § 9.2.3): the
    /// application then checks its rights again, and answers with another status than 200 if it has none.
    ///
    /// ```
    /// use sse_hub::{BoxError, Hub};
    /// use sse_session::{CancellationToken, Sse};
    ///
    /// // The token of a user's session is cancelled when it ends.
    /// async fn orders(hub: Hub, session: CancellationToken, sse: Sse) -> Result<(), BoxError> {
    ///     let orders = hub.subscribe("orders").until(session.cancelled_owned());
    ///     orders.serve(sse).await
    /// }
    /// ```
    pub fn until<F>(self, end: F) -> Self
    where
        F: Future + Send + 'static,
    {
        self.end_by(until::without_event(end))
    }

    /// As [`until`](Self::until), with a last event, which the future yields. It has the id of what was delivered
    /// before. If it is not an event without an id, the stream ends with an error.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use futures_util::StreamExt as _;
    /// use sse_hub::{Event, Hub};
    ///
    /// let hub = Hub::new();
    /// let expires_in = Duration::from_secs(900);
    /// let mut orders = hub
    ///     .subscribe("orders")
    ///     .until_with(async move {
    ///         tokio::time::sleep(expires_in).await;
    ///         Event::new().event("expired").data("log in again")
    ///     })
    ///     .await?;
    /// let _opening = orders.next().await;
    /// let last = orders.next().await.expect("an event")?;
    /// assert!(last.starts_with(b"event: expired\ndata: log in again\nid: "));
    /// assert!(orders.next().await.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn until_with<F>(self, end: F) -> Self
    where
        F: Future<Output: Encode> + Send + 'static,
    {
        self.end_by(until::with_event(end))
    }

    fn end_by(mut self, until: Until) -> Self {
        self.until = Some(until::either(self.until.take(), until));
        self
    }

    /// Gives the subscriber a name, for [`Hub::presence`](crate::Hub::presence) and
    /// [`Hub::disconnect`](crate::Hub::disconnect): a string, or anything that can be serialized, see [`IntoMember`]. A
    /// name of more than 512 bytes is an error of the subscription.
    ///
    /// With an engine, the first such subscription of a process makes it hear what other nodes say of members, and
    /// is an error if the engine is down.
    pub fn member(mut self, member: impl IntoMember) -> Self {
        match member.into_member() {
            Ok(name) => self.member = Some(name),
            Err(error) => self.member_error = Some(Box::new(error)),
        }
        self
    }

    /// Hides the events for which `accepts` returns `false`. Of several filters, an event must pass all.
    ///
    /// The function decides on each event of the topics for this subscriber alone, on the memory that all
    /// subscribers share: nothing is copied or encoded for it. It is called when the subscription is polled, so it
    /// must be fast, and must not block.
    ///
    /// What is hidden is no gap, and resuming stays exact: an id resumes after all that was delivered or hidden
    /// before it. It may resume a subscription with another filter, which begins to decide there. Gaps and
    /// snapshots are never hidden. A gap means that events are not kept, hidden ones or not, so it
    /// has no number of missed events. The event that [finishes](crate::Hub::finish) a topic may be hidden; the stream
    /// then ends with an id, so that the client need not come back for it. See the [crate's documentation](crate#filters) for the costs.
    ///
    /// When a quarter of what the topic [keeps](crate::Retention) was hidden since the client got an id (a
    /// quarter of its events, its bytes or its age, but at most a minute), the stream's
    /// [opening](Self::opening) is sent again, so that the client's last event ID does not become too
    /// old. With [`Opening::None`], that does not happen.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::StreamExt as _;
    /// use sse_hub::{Event, Hub};
    ///
    /// let hub = Hub::new();
    /// let mut paid = hub
    ///     .subscribe("orders")
    ///     .from_start()
    ///     .filter(|event| event.name() == "paid")
    ///     .await?;
    /// hub.publish("orders", Event::new().event("created").data("17")).await?;
    /// hub.publish("orders", Event::new().event("paid").data("17")).await?;
    /// let opening = paid.next().await.expect("a block")?;
    /// assert!(opening.starts_with(b"id: "));
    /// let event = paid.next().await.expect("an event")?;
    /// assert!(event.starts_with(b"event: paid\ndata: 17\nid: "));
    /// # Ok(())
    /// # }
    /// ```
    pub fn filter<F>(mut self, accepts: F) -> Self
    where
        F: Fn(&StoredEvent<'_>) -> bool + Send + Sync + 'static,
    {
        self.filter = Some(match self.filter.take() {
            None => Box::new(accepts),
            Some(before) => Box::new(move |event| before(event) && accepts(event)),
        });
        self
    }

    /// Opens the topics, so that nothing refuses the subscription when it is awaited or served: a handler
    /// can still answer the request with a status. Without it, [`serve`](Self::serve) fails when the
    /// response has begun.
    ///
    /// ```
    /// use http::{HeaderMap, Response};
    /// use sse_hub::Hub;
    /// use sse_hyper::{SseBody, last_event_id, refused, sse_open, sse_response};
    ///
    /// // A handler of axum, for instance.
    /// async fn news(hub: Hub, headers: HeaderMap) -> Response<SseBody> {
    ///     let id = last_event_id(&headers);
    ///     match hub.subscribe("news").resume(id.as_deref()).open().await {
    ///         Ok(news) => sse_response(headers, |_, sse| news.serve(sse)),
    ///         Err(error) => refused(&error),
    ///     }
    /// }
    ///
    /// // The same, in short.
    /// async fn weather(hub: Hub, headers: HeaderMap) -> Response<SseBody> {
    ///     sse_open(headers, hub.subscribe("weather")).await
    /// }
    /// ```
    ///
    /// The same code does it in all adapters. Without the client's last event ID, it is not known whether the client has everything
    /// of a [finished](crate::Hub::finish) topic. An `EventSource` does not
    /// come back by itself after a status other than 200 (HTML § 9.2.2): the page creates another one.
    ///
    /// The topics stay open until the result is served or dropped. A shutdown of the hub that begins
    /// meanwhile ends the stream as it ends others.
    ///
    /// # Errors
    ///
    /// [`SubscribeError`], as when the subscription is awaited.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    pub async fn open(mut self) -> Result<Self, SubscribeError> {
        if self.opened.is_none() {
            self.opened = Some(self.open_topics().await?);
        }
        // Without an id, the client may come with one in the stream.
        let is_over = |opened: &Opened| self.is_over(&opened.topics);
        if matches!(self.resume, Resume::Id(_)) && self.opened.as_ref().is_some_and(is_over) {
            return Err(SubscribeError::Finished);
        }
        Ok(self)
    }

    /// Checks what the subscription was given besides its topics.
    fn check_settings(&mut self) -> Result<(), SubscribeError> {
        if let Some(error) = self.member_error.take() {
            return Err(SubscribeError::Member(*error));
        }
        let limit = MAX_MEMBER_LEN;
        let len = self.member.as_ref().map_or(0, |name| name.len());
        if len > limit {
            return Err(SubscribeError::MemberTooLong { len, limit });
        }
        self.opening.check().map_err(SubscribeError::Opening)
    }

    async fn open_topics(&mut self) -> Result<Opened, SubscribeError> {
        let topics = std::mem::take(&mut self.topics);
        if topics.len() > MAX_TOPICS {
            return Err(SubscribeError::TooManyTopics { limit: MAX_TOPICS });
        }
        let selected = self.core.registry().groups().select(topics);
        let (topics, mut selections): (_, Vec<_>) =
            selected.map_err(SubscribeError::Topic)?.into_iter().unzip();
        self.topics = distinct(self.core.registry().ids(), topics)?;
        if selections.iter().all(Option::is_none) {
            selections.clear();
        }
        self.check_settings()?;
        if self.core.shutdown().is_some() {
            return Err(SubscribeError::Shutdown);
        }
        let registry = self.core.registry();
        let backend = registry.backend();
        let is_down = || self.topics.iter().any(|topic| !backend.is_up(topic));
        if self.engine_down == EngineDown::Refuse && is_down() {
            return Err(SubscribeError::Engine(EngineError::Unavailable));
        }
        // A shutdown waits for it from now on.
        let begun = self.core.begin_subscription();
        // Before it can be disconnected by another node.
        if self.member.is_some()
            && let Some(heard) = self.core.hear_peers()
        {
            // Boxed, as few need it.
            let heard = Box::pin(self.core.before_deadline(heard));
            heard.await.ok_or(SubscribeError::Shutdown)??;
        }
        let mut topics = Vec::with_capacity(self.topics.len());
        for name in &self.topics {
            let opened = self.core.before_deadline(TopicGuard::open(registry, name));
            topics.push(opened.await.ok_or(SubscribeError::Shutdown)??);
        }
        if matches!(backend, Backend::Engine(_)) {
            self.core.note_answer();
        }
        Ok(Opened {
            begun,
            topics,
            selections,
        })
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
            Err(SubscribeError::Shutdown) => {
                let begun = core.begin_subscription();
                Subscription::new(begun, Opening::None, slow, 0)
            }
            Err(SubscribeError::Finished) => return Ok(Serve::nothing()),
            Err(error) => return Err(error.into()),
        };
        Ok(Serve::new(subscription, sse))
    }

    async fn begin(mut self) -> Result<Subscription, SubscribeError> {
        let (filter, until) = (self.filter.take(), self.until.take());
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => self.open_topics().await?,
        };
        // It may have been changed since the topics were opened.
        self.check_settings()?;
        if self.is_over(&opened.topics) {
            return Err(SubscribeError::Finished);
        }
        let opening = std::mem::take(&mut self.opening);
        let selections = opened.selections.clone();
        let mut subscription = self.join_all(opened, opening);
        if let Some(filter) = Filter::new(filter, selections) {
            subscription.set_filter(filter);
        }
        if let Some(until) = until {
            subscription.set_until(until);
        }
        Ok(subscription)
    }

    fn last_event_id(&self, topics: &[TopicGuard]) -> LastEventId<'_> {
        let has_any = |positions: &Positions<'_>| {
            let mut topics = topics.iter();
            topics.any(|topic| positions.of(topic.name()).is_some())
        };
        match &self.resume {
            Resume::FromStream | Resume::Id(None) => LastEventId::None,
            Resume::Id(Some(id)) => match self.core.registry().ids().parse(id) {
                // An id of other topics says nothing of what the client has; one of no topic comes with a gap.
                Some(positions) if positions.is_empty() || has_any(&positions) => {
                    LastEventId::Positions(positions)
                }
                Some(_) | None => LastEventId::Invalid,
            },
        }
    }

    /// Whether all topics are finished, and the client has everything of them.
    fn is_over(&self, topics: &[TopicGuard]) -> bool {
        // Usually the first one is not.
        if !topics.iter().all(|topic| topic.is_finished()) {
            return false;
        }
        let last_event_id = self.last_event_id(topics);
        topics.iter().all(|topic| {
            let start = self.start(topic, &last_event_id);
            start.is_some_and(|start| topic.is_over(start))
        })
    }

    fn join_all(&self, opened: Opened, opening: Opening) -> Subscription {
        let last_event_id = self.last_event_id(&opened.topics);
        let member = self.member.as_ref();
        let member = member.map(|name| Member::new(Arc::clone(name), opened.in_groups()));
        let topics = opened.topics.len();
        let mut subscription = Subscription::new(opened.begun, opening, self.slow, topics);
        let mut gaps = Vec::new();
        for (index, topic) in opened.topics.iter().enumerate() {
            let (reader, has_gap) = self.join(topic, &last_event_id, member.as_ref());
            subscription.add(reader);
            if has_gap {
                let selection = opened.selections.get(index).and_then(Option::as_ref);
                let of = |topic| Gap {
                    topic,
                    reason: GapReason::Unknown,
                    missed: None,
                };
                match selection.and_then(Selection::names) {
                    Some(names) => gaps.extend(names.iter().map(|name| of(name))),
                    None => gaps.push(of(topic.name())),
                }
            }
        }
        if let Some(member) = member {
            subscription.set_member(member);
        }
        subscription.open_with(&gaps);
        subscription
    }

    /// Returns where the subscription starts in a topic; `None` if the id says nothing about it.
    fn start(&self, topic: &TopicGuard, last_event_id: &LastEventId<'_>) -> Option<Start> {
        let backend = self.core.registry().backend();
        let fresh = if self.from_start && !topic.snapshots.exist() {
            backend.oldest()
        } else {
            Start::Now
        };
        match last_event_id {
            LastEventId::None => Some(fresh),
            LastEventId::Invalid => None,
            LastEventId::Positions(positions) => match positions.of(topic.name()) {
                None => Some(fresh),
                Some(IdPosition::At(position)) => backend.resume(position),
                Some(IdPosition::Unknown(_)) => None,
            },
        }
    }

    /// Joins one topic. Returns also whether the client has a gap in it, which comes first.
    fn join(
        &self,
        topic: &TopicGuard,
        last_event_id: &LastEventId<'_>,
        member: Option<&Arc<Member>>,
    ) -> (TopicReader, bool) {
        let backend = self.core.registry().backend();
        let start = self.start(topic, last_event_id);
        let is_unknown = start.is_none();
        let start = start.unwrap_or(Start::Now);
        let (cursor, is_trimmed) = topic.join(start, backend.head(), member);
        let member = member.map(|member| member.name());
        self.core.note_member(topic.name(), member);
        let is_missing = is_unknown || is_trimmed;
        let mut reader = TopicReader::new(Arc::clone(topic.topic()), cursor, !is_missing);
        reader.wants_oldest = self.from_start;
        if is_missing && let Backend::Engine(_) = backend {
            // The subscription waits for the engine's answer, as for later ones. What has no position
            // comes as the same bytes, without asking.
            if is_unknown {
                reader.phase = Phase::Unknown;
            }
            return (reader, false);
        }
        if is_missing {
            reader.log_gap(if is_unknown { UNKNOWN_ID } else { NOT_KEPT });
            let has_skipped = reader.begins_with_oldest() && reader.skip_to_oldest(&[]).is_some();
            if !has_skipped {
                reader.skip_to_head(backend.head());
            }
            reader.was_in_window = true;
        }
        let resumes = matches!(start, Start::After(_) | Start::Checked(_));
        if !resumes || is_missing {
            reader.want_snapshot();
        }
        (reader, is_missing)
    }
}

/// Returns each topic once, if they can be subscribed to together.
fn distinct(ids: &Ids, topics: Vec<String>) -> Result<Vec<String>, SubscribeError> {
    let mut distinct: Vec<String> = Vec::new();
    let mut tags = Vec::new();
    for topic in topics {
        let tag = ids.tag(&topic);
        match tags.iter().position(|other| *other == tag) {
            None => {
                distinct.push(topic);
                tags.push(tag);
            }
            Some(at) if distinct[at] == topic => continue,
            Some(at) => {
                let other = distinct.swap_remove(at);
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
enum LastEventId<'a> {
    None,
    Positions(Positions<'a>),
    Invalid,
}

impl OpenStream for Subscribe {
    type Error = SubscribeError;

    /// [Opens](Subscribe::open) it, to [resume](Self::resume) after the client's last event ID unless that was set.
    async fn open(mut self, last_event_id: Option<&str>) -> Result<Self, SubscribeError> {
        if let Resume::FromStream = self.resume {
            self = self.resume(last_event_id);
        }
        Self::open(self).await
    }

    fn serve(self, sse: Sse) -> impl Future<Output = Result<(), BoxError>> + Send + 'static {
        Self::serve(self, sse)
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
            .field("opening", &self.opening)
            .field("slow", &self.slow)
            .field("engine_down", &self.engine_down)
            .field("member", &self.member)
            .field("filter", &self.filter.is_some())
            .finish_non_exhaustive()
    }
}
