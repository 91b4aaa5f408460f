//! An engine in memory that fails as a network does.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use sse_hub::{
    Driver, Engine, EngineError, Entry, Hub, HubBuilder, IdKey, Live, LiveEntry, Page, Position,
    Retention, Span, TopicOptions,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

/// How many entries a page has.
const PAGE: usize = 7;

/// How many bits of a position tell it from all others.
const GIVEN_BITS: u32 = 24;

type Topics = HashMap<String, Entries>;

/// An engine in memory, which several hubs share as several processes would.
#[derive(Default)]
pub struct MemoryEngine {
    topics: Mutex<Topics>,
    nodes: Mutex<Vec<mpsc::UnboundedSender<Live>>>,
    /// The drivers of the hubs that were not spawned yet.
    drivers: Mutex<Vec<Driver>>,
    /// Entries that are delivered after the next one.
    late: Mutex<Vec<LiveEntry>>,
    /// Grows with each entry, and is a part of its position.
    clock: AtomicU64,
    /// Another part of each position, so that none is given twice.
    given: AtomicU64,
    /// How often it was asked.
    pub calls: Calls,
    /// What goes wrong with live entries.
    pub faults: Faults,
    /// Whether all requests fail.
    pub down: AtomicBool,
    /// Whether live entries are lost.
    pub mute: AtomicBool,
    /// Whether reads wrongly begin with the entry at the position.
    pub repeat: AtomicBool,
    /// Whether the next answer to a read is delayed until [`release`](Self::release) is notified.
    pub delay_next_read: AtomicBool,
    /// As [`delay_next_read`](Self::delay_next_read), for the answer to an opening.
    pub delay_next_open: AtomicBool,
    /// As [`delay_next_read`](Self::delay_next_read), for the answer to an append.
    pub delay_next_append: AtomicBool,
    /// Ends the delay of an answer.
    pub release: Notify,
}

/// A topic as the engine has it.
struct Entries {
    /// The position before the first entry.
    base: Position,
    all: Vec<(Position, Entry)>,
    /// How many of the first ones are trimmed.
    trimmed: usize,
    /// Each mark in the log, and up to where the loss was.
    marks: Vec<(Position, Position)>,
    /// All that was ever appended.
    history: Vec<(Position, Entry)>,
}

/// How often each method was called.
#[derive(Debug, Default)]
pub struct Calls {
    /// Of `open`.
    pub open: AtomicUsize,
    /// Of `close`.
    pub close: AtomicUsize,
    /// Of `read`.
    pub read: AtomicUsize,
    /// Of `mark_loss`.
    pub mark_loss: AtomicUsize,
}

/// How often something went wrong with a live entry.
#[derive(Debug, Default)]
pub struct Faults {
    /// Whether something goes wrong.
    pub enabled: AtomicBool,
    /// It was lost.
    pub lost: AtomicUsize,
    /// It was delivered twice.
    pub doubled: AtomicUsize,
    /// It was delivered after the next one.
    pub late: AtomicUsize,
}

impl Entries {
    /// Returns the position after which the entry at `index` comes.
    fn before(&self, index: usize) -> Position {
        let before = index.checked_sub(1);
        before.map_or(self.base, |before| self.all[before].0)
    }

    fn head(&self) -> Position {
        self.before(self.all.len())
    }

    /// Returns the index of the event that ends the topic.
    fn end(&self) -> Option<usize> {
        let is_last = |(_, entry): &(Position, Entry)| matches!(entry, Entry::Last(_));
        self.all.iter().position(is_last)
    }

    fn is_finished(&self) -> bool {
        self.end().is_some()
    }

    /// Returns the index of the entry that follows a position, if that is known or trimmed.
    fn index_after(&self, after: Position) -> Option<usize> {
        let index = self.all.partition_point(|(position, _)| *position <= after);
        let is_known = after == self.before(index) || after < self.before(self.trimmed);
        is_known.then_some(index)
    }

    /// Returns the mark that tells of a loss already.
    fn mark_of(&self, kept: Position, lost: Position) -> Option<Position> {
        let is_known = kept != Position::OLDEST;
        let tells = |(mark, up_to): &&(Position, Position)| {
            *mark > lost || *up_to == lost || is_known && *mark > kept
        };
        self.marks.iter().find(tells).map(|(mark, _)| *mark)
    }

    /// Whether there is a position from which a loss could be read across.
    fn needs_mark(&self, kept: Position, lost: Position) -> bool {
        kept != Position::OLDEST || self.before(self.trimmed) < lost
    }
}

impl MemoryEngine {
    /// Creates a hub on the engine.
    pub fn node(self: &Arc<Self>) -> Hub {
        self.node_that_keeps(Retention::DEFAULT_MAX_EVENTS)
    }

    /// Creates a hub on the engine whose windows have so many events.
    pub fn node_that_keeps(self: &Arc<Self>, events: usize) -> Hub {
        let retention = Retention::new().max_events(events);
        self.node_of(move |_| TopicOptions::new().retention(retention))
    }

    /// Creates a hub on the engine whose topics have these options.
    pub fn node_of<F>(self: &Arc<Self>, options: F) -> Hub
    where
        F: Fn(&str) -> TopicOptions + Send + Sync + 'static,
    {
        // Without a key, each hub would log a warning.
        let key = IdKey::new([7; 32]);
        self.node_with(Hub::builder().id_key(key).topics(options))
    }

    /// Creates a hub on the engine with these options.
    pub fn node_with(self: &Arc<Self>, builder: HubBuilder) -> Hub {
        let (hub, driver) = builder.engine(self.connect()).build();
        self.drivers.lock().expect("not poisoned").push(driver);
        hub
    }

    /// Connects to the engine, for a hub that is built elsewhere.
    pub fn connect(self: &Arc<Self>) -> impl Engine + use<> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.nodes.lock().expect("not poisoned").push(sender);
        Node {
            engine: Arc::clone(self),
            live: Mutex::new(receiver),
        }
    }

    /// Spawns the drivers of the hubs that were created since the last call. They are aborted when
    /// the result is dropped.
    #[must_use]
    pub fn drive(&self) -> JoinSet<()> {
        let mut driven = JoinSet::new();
        for driver in self.drivers.lock().expect("not poisoned").drain(..) {
            driven.spawn(driver);
        }
        driven
    }

    /// Takes the driver of the hub that was created last.
    pub fn take_driver(&self) -> Driver {
        let driver = self.drivers.lock().expect("not poisoned").pop();
        driver.expect("a driver that was not spawned")
    }

    /// Returns how many entries were appended to a topic.
    #[must_use]
    pub fn len(&self, topic: &str) -> usize {
        self.topics().get(topic).map_or(0, |it| it.all.len())
    }

    /// Appends an event.
    pub fn append(&self, topic: &str, event: Bytes) -> Result<Position, EngineError> {
        self.check_up()?;
        let mut topics = self.topics();
        if topics.get(topic).is_some_and(Entries::is_finished) {
            return Err(EngineError::Finished);
        }
        Ok(self.append_entry(&mut topics, topic, Entry::Event(event)))
    }

    /// Appends the event that ends a topic.
    pub fn finish(&self, topic: &str, event: Bytes) -> Result<Position, EngineError> {
        self.check_up()?;
        let mut topics = self.topics();
        if topics.get(topic).is_some_and(Entries::is_finished) {
            return Err(EngineError::Finished);
        }
        Ok(self.append_entry(&mut topics, topic, Entry::Last(event)))
    }

    /// Appends an event although the topic may be finished, as another node of an engine does that cannot tell.
    pub fn append_after_end(&self, topic: &str, event: Bytes) -> Position {
        self.append_entry(&mut self.topics(), topic, Entry::Event(event))
    }

    /// Appends an entry, under the lock, so that all entries are delivered in their order.
    fn append_entry(&self, topics: &mut Topics, topic: &str, entry: Entry) -> Position {
        let entries = self.open_topic(topics, topic);
        let predecessor = entries.head();
        // Positions of an engine have holes between them.
        let before = self
            .clock
            .load(Ordering::Relaxed)
            .max(predecessor.minor() >> GIVEN_BITS);
        let now = before + fastrand::u64(1..5);
        let position = self.position(now);
        self.clock.store(now, Ordering::Relaxed);
        entries.all.push((position, entry.clone()));
        entries.history.push((position, entry.clone()));
        self.deliver(LiveEntry::new(topic, predecessor, position, entry));
        position
    }

    fn open_topic<'a>(&self, topics: &'a mut Topics, topic: &str) -> &'a mut Entries {
        topics.entry(topic.to_owned()).or_insert_with(|| Entries {
            base: self.position(self.clock.load(Ordering::Relaxed)),
            all: Vec::new(),
            trimmed: 0,
            marks: Vec::new(),
            history: Vec::new(),
        })
    }

    fn position(&self, now: u64) -> Position {
        let given = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        Position::new(7, (now << GIVEN_BITS) | given)
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().expect("not poisoned")
    }

    /// Appends the mark of a loss, if it is needed. Returns the one that tells of it.
    pub fn mark_loss(
        &self,
        topic: &str,
        kept: Position,
        lost: Position,
    ) -> Result<Option<Position>, EngineError> {
        self.check_up()?;
        let mut topics = self.topics();
        let Some(entries) = topics.get(topic) else {
            return Ok(None);
        };
        let mark = entries.mark_of(kept, lost);
        if mark.is_some() || !entries.needs_mark(kept, lost) {
            return Ok(mark);
        }
        let mark = self.append_entry(&mut topics, topic, Entry::Loss);
        self.open_topic(&mut topics, topic).marks.push((mark, lost));
        Ok(Some(mark))
    }

    /// Returns all that was ever appended to a topic, in that order.
    pub fn history(&self, topic: &str) -> Vec<(Position, Entry)> {
        let topics = self.topics();
        topics
            .get(topic)
            .map_or_else(Vec::new, |it| it.history.clone())
    }

    /// Returns what a topic has.
    pub fn entries(&self, topic: &str) -> Vec<(Position, Entry)> {
        let topics = self.topics();
        topics.get(topic).map_or_else(Vec::new, |it| it.all.clone())
    }

    /// Returns the names of all topics that there are.
    pub fn names(&self) -> Vec<String> {
        self.topics().keys().cloned().collect()
    }

    /// Returns how many marks of losses a topic has.
    pub fn marks(&self, topic: &str) -> usize {
        self.topics().get(topic).map_or(0, |it| it.marks.len())
    }

    /// Loses the newest entries of a topic, so that it has so many left.
    pub fn lose(&self, topic: &str, keep: usize) {
        let mut topics = self.topics();
        let entries = topics.get_mut(topic).expect("a topic");
        entries.all.truncate(keep);
        entries.trimmed = entries.trimmed.min(keep);
        let head = entries.head();
        entries.marks.retain(|(mark, _)| *mark <= head);
    }

    /// Sets the clock back, so that what comes after a loss may have smaller positions than what was
    /// lost.
    pub fn set_clock_back(&self) {
        self.clock.store(0, Ordering::Relaxed);
    }

    /// Delivers the oldest entry of a topic again.
    pub fn deliver_oldest(&self, topic: &str) {
        let topics = self.topics();
        let (position, entry) = topics[topic].all[0].clone();
        self.deliver(LiveEntry::new(topic, Position::OLDEST, position, entry));
    }

    /// Loses everything.
    pub fn wipe(&self) {
        self.topics().clear();
    }

    /// Interrupts the live entries of all hubs.
    pub fn interrupt(&self) {
        for node in &*self.nodes.lock().expect("not poisoned") {
            let _ = node.send(Live::Interrupted);
        }
    }

    fn deliver(&self, entry: LiveEntry) {
        if self.mute.load(Ordering::Relaxed) {
            return;
        }
        for node in &*self.nodes.lock().expect("not poisoned") {
            let count = |fault: &AtomicUsize| fault.fetch_add(1, Ordering::Relaxed);
            let send = |entry: &LiveEntry| {
                // A node may have gone.
                let _ = node.send(Live::Entry(entry.clone()));
            };
            let mut late = self.late.lock().expect("not poisoned");
            match fastrand::u8(0..10) {
                _ if !self.faults.enabled.load(Ordering::Relaxed) => send(&entry),
                0 => {
                    count(&self.faults.lost);
                }
                1 => {
                    count(&self.faults.doubled);
                    send(&entry);
                    send(&entry);
                }
                2 => {
                    count(&self.faults.late);
                    late.push(entry.clone());
                    continue;
                }
                _ => send(&entry),
            }
            late.drain(..).for_each(|entry| send(&entry));
        }
    }

    fn read(&self, topic: &str, after: Position) -> Result<Page, EngineError> {
        self.check_up()?;
        let topics = self.topics();
        let Some(entries) = topics.get(topic) else {
            return Ok(if after == Position::OLDEST {
                Page::Last(Vec::new())
            } else {
                Page::Unknown
            });
        };
        let from = if after == Position::OLDEST {
            entries.trimmed
        } else {
            match entries.index_after(after) {
                None => return Ok(Page::Unknown),
                Some(_) if after < entries.before(entries.trimmed) => return Ok(Page::Trimmed),
                Some(from) => from,
            }
        };
        let from = from.saturating_sub(self.repeat.load(Ordering::Relaxed).into());
        let end = entries.end().unwrap_or(entries.all.len());
        let is_kept = |index: usize| index <= end || entries.all[index].1 == Entry::Loss;
        let following: Vec<_> = (from..entries.all.len())
            .filter(|it| is_kept(*it))
            .collect();
        if from > end && following.is_empty() && after != Position::OLDEST {
            return Ok(Page::Finished);
        }
        let page = following.iter().take(PAGE);
        let page = page.map(|index| entries.all[*index].clone()).collect();
        Ok(if following.len() > PAGE {
            Page::Entries(page)
        } else {
            Page::Last(page)
        })
    }

    /// Opens a topic, and returns the position of its newest entry.
    pub fn head(&self, topic: &str) -> Position {
        self.open_topic(&mut self.topics(), topic).head()
    }

    /// Trims a topic to its newest entries.
    pub fn trim(&self, topic: &str, keep: usize) {
        let mut topics = self.topics();
        let entries = topics.get_mut(topic).expect("a topic");
        entries.trimmed = entries.all.len() - keep;
    }

    fn check_up(&self) -> Result<(), EngineError> {
        if self.down.load(Ordering::Relaxed) {
            return Err(EngineError::Unavailable);
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEngine").finish_non_exhaustive()
    }
}

/// The connection of a hub to the engine.
struct Node {
    engine: Arc<MemoryEngine>,
    live: Mutex<mpsc::UnboundedReceiver<Live>>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Node")
    }
}

impl Node {
    fn request<T: Send + 'static>(
        &self,
        answer: impl FnOnce(&MemoryEngine) -> Result<T, EngineError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, EngineError>> {
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            travel().await;
            let answer = answer(&engine);
            travel().await;
            answer
        })
    }
}

fn count(calls: &AtomicUsize) {
    calls.fetch_add(1, Ordering::Relaxed);
}

/// Takes the way to the engine, or back: other requests may be faster.
async fn travel() {
    let longest = if fastrand::u8(0..10) == 0 { 100 } else { 4 };
    for _ in 0..fastrand::u8(0..longest) {
        tokio::task::yield_now().await;
    }
}

impl Engine for Node {
    fn open(&self, topic: &str) -> BoxFuture<'static, Result<Span, EngineError>> {
        count(&self.engine.calls.open);
        let topic = topic.to_owned();
        let opened = self.request(move |engine| {
            engine.check_up()?;
            let mut topics = engine.topics();
            let entries = engine.open_topic(&mut topics, &topic);
            Ok(if entries.is_finished() {
                Span::finished(entries.head())
            } else {
                Span::at(entries.head())
            })
        });
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            let opened = opened.await;
            if engine.delay_next_open.swap(false, Ordering::Relaxed) {
                engine.release.notified().await;
            }
            opened
        })
    }

    fn close(&self, _: &str) {
        count(&self.engine.calls.close);
    }

    fn append(
        &self,
        topic: &str,
        entry: &[u8],
        _: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        let topic = topic.to_owned();
        let entry = Bytes::copy_from_slice(entry);
        let appended = self.request(move |engine| engine.append(&topic, entry));
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            let appended = appended.await;
            if engine.delay_next_append.swap(false, Ordering::Relaxed) {
                engine.release.notified().await;
            }
            appended
        })
    }

    fn finish(
        &self,
        topic: &str,
        entry: &[u8],
        _: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        let topic = topic.to_owned();
        let entry = Bytes::copy_from_slice(entry);
        self.request(move |engine| engine.finish(&topic, entry))
    }

    fn read(&self, topic: &str, after: Position) -> BoxFuture<'static, Result<Page, EngineError>> {
        count(&self.engine.calls.read);
        let topic = topic.to_owned();
        let page = self.request(move |engine| engine.read(&topic, after));
        let engine = Arc::clone(&self.engine);
        Box::pin(async move {
            let page = page.await;
            if engine.delay_next_read.swap(false, Ordering::Relaxed) {
                engine.release.notified().await;
            }
            page
        })
    }

    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Live> {
        let mut live = self.live.lock().expect("not poisoned");
        // The engine has the sender.
        live.poll_recv(cx).map(|live| live.expect("not closed"))
    }

    fn mark_loss(
        &self,
        topic: &str,
        kept: Position,
        lost: Position,
    ) -> BoxFuture<'static, Result<Option<Position>, EngineError>> {
        count(&self.engine.calls.mark_loss);
        let topic = topic.to_owned();
        self.request(move |engine| engine.mark_loss(&topic, kept, lost))
    }

    fn is_up(&self, _: &str) -> bool {
        self.engine.check_up().is_ok()
    }
}
