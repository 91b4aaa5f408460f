//! Bringing an engine's entries to the windows of the topics in use.
//!
//! Live entries may arrive late, twice or not at all. Each names its predecessor, so the first
//! entry after a hole reveals it. The hole is repaired by reading: several topics at a time, and
//! again and again while the engine does not answer. Of the live entries of a topic under repair, the
//! newest are kept until it ends, as it may have read those before them. If they do not follow each
//! other, or not what was read, the topic is read once more.
//!
//! Each shard of an engine has repairs of its own: those of a shard that does not answer must not take
//! the places of others.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::core::Core;
use crate::log::answered::{Answer, Answered};
use crate::log::catch_up::catch_up;
use crate::log::checks::Checks;
use crate::log::retry::Backoff;
use crate::log::{Engine, Live, LiveEntry};
use crate::peers::Nodes;
use crate::registry::Registry;
use crate::shutdown::{Reason, Shutdown};
use crate::topic::Topic;
use crate::topic::cursor::Insertion;
use crate::topic_guard::TopicGuard;

/// How many topics of a shard are repaired or checked at a time.
const MAX_REPAIRS: usize = 64;

/// How many live entries of a topic under repair are kept, and how many bytes their events may have.
const MAX_MEANWHILE: usize = 128;
const MAX_MEANWHILE_BYTES: usize = 256 * 1024;

/// How long the streams of a hub last whose driver was dropped: its engine may never answer them.
const WITHOUT_DRIVER: Duration = Duration::from_secs(5);

/// How many live entries are taken before other tasks get their turn.
const BURST: usize = 256;

/// Brings an engine's entries to the topics of a [`Hub`](crate::Hub); from
/// [`HubBuilder::build`](crate::HubBuilder::build).
///
/// It must be spawned or polled while the hub is used: otherwise, subscribers get nothing that is
/// published after they have begun, and publishing may fail when its time is over, as many events at once
/// are sent together by the driver. A failing engine ends nothing: the driver waits for it, and
/// logs that through `tracing`.
///
/// Dropping the driver, for instance with its task, shuts the hub down, as it would be silent
/// otherwise: publishing and subscribing are errors, and streams end, after five seconds even those
/// that wait for the engine. [`Hub::shutdown`](crate::Hub::shutdown) sets another deadline. A driver
/// that is kept but not polled cannot be distinguished from one that is about to be: if it was not
/// polled by the time that the engine has answered a request, that is logged once as a warning.
///
/// The future completes when the hub has shut down, or its last handle was dropped, and its last
/// subscription has ended. Polled after that, it is ready again.
#[must_use = "the driver must be polled, for instance spawned, and shuts the hub down when it is dropped"]
pub struct Driver {
    core: Arc<Core>,
    engine: Arc<dyn Engine>,
    /// By the number of the shard.
    shards: BTreeMap<usize, Shard>,
    /// What publishers were answered, until all live entries from before are taken.
    answers: Vec<Answer>,
    nodes: Nodes,
}

impl Driver {
    pub(crate) fn new(core: Arc<Core>, engine: Arc<dyn Engine>) -> Self {
        Self {
            core,
            engine,
            shards: BTreeMap::new(),
            answers: Vec::new(),
            nodes: Nodes::default(),
        }
    }

    /// Takes live entries, before the repairs are polled, so that they do not pile up. Returns whether
    /// these were all.
    fn poll_live(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..BURST {
            let Poll::Ready(live) = self.engine.poll_live(cx) else {
                return true;
            };
            match live {
                Live::Entry(entry) => {
                    let shard = self.engine.shard(&entry.topic);
                    let shard = self.shards.entry(shard).or_default();
                    shard.repairs.insert(&self.core, entry);
                }
                Live::Interrupted => self.read_topics(|_| true),
                Live::ShardInterrupted(shard) => self.read_topics(|it| it == shard),
            }
        }
        cx.waker().wake_by_ref();
        false
    }

    /// Reads the topics in use that are in the selected shards, and checks what was answered of them.
    fn read_topics(&mut self, is_selected: impl Fn(usize) -> bool) {
        let registry = self.core.registry();
        for topic in registry.interrupted() {
            let shard = self.engine.shard(topic.name());
            if is_selected(shard) {
                let shard = self.shards.entry(shard).or_default();
                shard.repairs.add(registry, topic);
            }
        }
        for answer in registry.answered().interrupt() {
            let shard = self.engine.shard(&answer.topic);
            if is_selected(shard) {
                self.shards.entry(shard).or_default().check(answer);
            }
        }
    }

    /// Takes what publishers were answered and, after it, the live entries. So an interruption that
    /// was there before an answer is seen before the answer is added. Further answers are taken only after that,
    /// so that they do not pile up here.
    fn poll_answers_and_live(&mut self, cx: &mut Context<'_>) {
        let is_continued = !self.answers.is_empty();
        if !is_continued {
            self.answers = self.core.registry().answered().take_recent();
        }
        if !self.poll_live(cx) {
            return;
        }
        let answered = self.core.registry().answered();
        for answer in self.answers.drain(..) {
            if let Some(late) = answered.add(answer) {
                let shard = self.engine.shard(&late.topic);
                self.shards.entry(shard).or_default().check(late);
            }
        }
        if is_continued {
            // Others were answered since the live entries were all taken.
            cx.waker().wake_by_ref();
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.core.poll_is_over(cx) {
            // The repairs pin topics.
            this.shards.clear();
            let Some((peers, engine)) = this.core.peers() else {
                return Poll::Ready(());
            };
            let said = this.nodes.poll_goodbye(peers, engine, cx);
            if said.is_pending() {
                // Some engines send nothing otherwise.
                this.poll_live(cx);
            }
            return said;
        }
        this.poll_answers_and_live(cx);
        let registry = this.core.registry();
        for shard in this.shards.values_mut() {
            let Shard { repairs, checks } = shard;
            repairs.poll(&this.core, &this.engine, checks, cx);
            let limit = MAX_REPAIRS.saturating_sub(repairs.len());
            checks.poll(registry, &this.engine, limit, cx);
        }
        if let Some((peers, engine)) = this.core.peers() {
            this.nodes.poll(peers, registry, engine, cx);
        }
        Poll::Pending
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.core.shutdown().is_none() {
            tracing::warn!("driver dropped, so the hub shuts down");
        }
        let shutdown = Shutdown::new(WITHOUT_DRIVER, None);
        self.core.begin_shutdown(Reason::DriverLost, shutdown);
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// The topics of a shard that are to be read.
#[derive(Default)]
struct Shard {
    repairs: Repairs,
    checks: Checks,
}

impl Shard {
    /// Checks a position, unless a repair of its topic includes it.
    fn check(&mut self, answer: Answer) {
        if !self.repairs.include(&answer) {
            self.checks.add(answer);
        }
    }
}

/// The topics of a shard whose windows may lack entries at their end.
#[derive(Default)]
struct Repairs {
    running: FuturesUnordered<BoxFuture<'static, (TopicGuard, Outcome)>>,
    waiting: VecDeque<TopicGuard>,
    /// All topics that wait for a repair or are under repair. They are pinned: what the window of one that is
    /// evicted was known to have would not be looked for.
    topics: HashMap<Arc<str>, Meanwhile>,
}

/// How a repair has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    UpToDate,
    /// Nothing else needed the topic, and the engine could not be read.
    GivenUp,
}

/// What happened to a topic since its repair was requested.
struct Meanwhile {
    topic: Arc<Topic>,
    is_running: bool,
    /// The last of the entries that arrived since it runs. They follow each other.
    entries: VecDeque<LiveEntry>,
    /// The length of their events.
    bytes: usize,
    /// Whether the topic must be read again.
    was_interrupted: bool,
}

impl Meanwhile {
    fn of(topic: &Arc<Topic>) -> Self {
        Self {
            topic: Arc::clone(topic),
            is_running: false,
            entries: VecDeque::new(),
            bytes: 0,
            was_interrupted: false,
        }
    }

    fn record(&mut self, entry: LiveEntry) {
        // The repair reads all that was appended before it begins.
        if !self.is_running {
            return;
        }
        if let Some(latest) = self.entries.back() {
            if entry.position == latest.position && entry.entry == latest.entry {
                return;
            }
            if entry.predecessor != latest.position {
                // One of them has arrived late or twice, or others between them are lost. Which of them
                // is the newest is not certain: the history may have been replaced.
                self.was_interrupted = true;
                return;
            }
        }
        self.bytes += entry.event_len();
        self.entries.push_back(entry);
        // The newest one is kept in any case: it reveals what the repair lacks.
        while self.entries.len() > 1
            && (self.entries.len() > MAX_MEANWHILE || self.bytes > MAX_MEANWHILE_BYTES)
        {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.event_len();
            }
        }
    }
}

impl Repairs {
    /// Inserts an entry, unless the topic lacks what precedes it.
    fn insert(&mut self, core: &Core, entry: LiveEntry) {
        if let Some(meanwhile) = self.topics.get_mut(&*entry.topic) {
            meanwhile.record(entry);
            return;
        }
        // A topic that is not in use here has no window.
        if let Some(topic) = core.registry().get_for_live(&entry.topic)
            && let Insertion::Hole = topic.insert(entry.predecessor, entry.position, &entry.entry)
        {
            self.add(core.registry(), topic);
        }
    }

    fn add(&mut self, registry: &Arc<Registry>, topic: Arc<Topic>) {
        if let Some(meanwhile) = self.topics.get_mut(topic.name()) {
            meanwhile.was_interrupted |= meanwhile.is_running;
        } else if let Some(topic) = TopicGuard::pin(registry, topic) {
            self.add_pinned(topic);
        }
    }

    fn add_pinned(&mut self, topic: TopicGuard) {
        let meanwhile = Meanwhile::of(topic.topic());
        self.topics.insert(Arc::clone(topic.name()), meanwhile);
        self.waiting.push_back(topic);
    }

    /// Whether a repair finds out if an answered position is lost: the window has it.
    fn include(&self, answer: &Answer) -> bool {
        let meanwhile = self.topics.get(&answer.topic);
        meanwhile.is_some_and(|it| it.topic.has(answer.position))
    }

    /// Returns how many topics wait for a repair or are under repair.
    fn len(&self) -> usize {
        self.topics.len()
    }

    fn poll(
        &mut self,
        core: &Core,
        engine: &Arc<dyn Engine>,
        checks: &mut Checks,
        cx: &mut Context<'_>,
    ) {
        loop {
            self.start_some(core, engine);
            let Poll::Ready(Some((topic, outcome))) = self.running.poll_next_unpin(cx) else {
                return;
            };
            let Some(meanwhile) = self.topics.remove(topic.name()) else {
                continue;
            };
            match outcome {
                _ if meanwhile.was_interrupted => self.add_pinned(topic),
                Outcome::GivenUp => self.give_up(core, topic, checks),
                Outcome::UpToDate => {
                    for entry in meanwhile.entries {
                        self.insert(core, entry);
                    }
                }
            }
        }
    }

    /// Leaves a topic that could not be read, so that it is evicted. What is known of it is checked instead.
    fn give_up(&mut self, core: &Core, topic: TopicGuard, checks: &mut Checks) {
        let registry = core.registry();
        let (left, head) = (Arc::clone(topic.topic()), topic.head());
        drop(topic);
        if let Some(needed) = TopicGuard::pin(registry, Arc::clone(&left)) {
            // It has come into use again.
            self.add(registry, left);
            drop(needed);
            return;
        }
        for answer in registry.answered().left(left.name(), head) {
            checks.add(answer);
        }
    }

    fn start_some(&mut self, core: &Core, engine: &Arc<dyn Engine>) {
        while self.running.len() < MAX_REPAIRS {
            let Some(topic) = self.waiting.pop_front() else {
                return;
            };
            if let Some(meanwhile) = self.topics.get_mut(topic.name()) {
                meanwhile.is_running = true;
            }
            let (engine, registry) = (Arc::clone(engine), Arc::clone(core.registry()));
            self.running.push(Box::pin(async move {
                let outcome = repair(&*engine, &topic, registry.answered()).await;
                (topic, outcome)
            }));
        }
    }
}

/// Brings a topic up to date, however long that takes; or gives up when nothing else needs it.
async fn repair(engine: &dyn Engine, topic: &TopicGuard, answered: &Answered) -> Outcome {
    let mut backoff = Backoff::default();
    while let Err(error) = catch_up(engine, topic, answered).await {
        if topic.is_last_use() {
            return Outcome::GivenUp;
        }
        if backoff.is_first() {
            tracing::warn!(
                topic = &**topic.name(),
                error = &error as &dyn std::error::Error,
                "topic lacks entries until the engine can be read"
            );
        }
        backoff.wait().await;
    }
    Outcome::UpToDate
}
