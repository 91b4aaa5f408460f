//! An engine in memory that fails as a network does.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use sse_hub::{
    Driver, Engine, EngineError, Entry, Hub, Live, LiveEntry, Page, Position, Retention, Span,
    TopicOptions,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

/// How many entries a page has.
const PAGE: usize = 7;

/// An engine in memory, which several hubs share as several processes would.
#[derive(Default)]
pub struct MemoryEngine {
    topics: Mutex<HashMap<String, Entries>>,
    nodes: Mutex<Vec<mpsc::UnboundedSender<Live>>>,
    /// The drivers of the hubs that were not spawned yet.
    drivers: Mutex<Vec<Driver>>,
    /// Entries that are delivered after the next one.
    late: Mutex<Vec<LiveEntry>>,
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
    /// Ends the delay of an answer.
    pub release: Notify,
}

#[derive(Default)]
struct Entries {
    all: Vec<(Position, Bytes)>,
    trimmed: usize,
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
    fn position(&self, len: usize) -> Position {
        len.checked_sub(1)
            .map_or(Position::new(0, 0), |last| self.all[last].0)
    }
}

impl MemoryEngine {
    /// Creates a hub on the engine.
    pub fn node(self: &Arc<Self>) -> Hub {
        self.node_that_keeps(Retention::DEFAULT_MAX_EVENTS)
    }

    /// Creates a hub on the engine whose windows have so many events.
    pub fn node_that_keeps(self: &Arc<Self>, events: usize) -> Hub {
        let (hub, driver) = Hub::builder()
            .topics(move |_| TopicOptions::new().retention(Retention::new().max_events(events)))
            .engine(self.connect())
            .build();
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
        let topics = self.topics.lock().expect("not poisoned");
        topics.get(topic).map_or(0, |entries| entries.all.len())
    }

    /// Appends an entry.
    pub fn append(&self, topic: &str, event: Bytes) -> Result<Position, EngineError> {
        self.check_up()?;
        let mut topics = self.topics.lock().expect("not poisoned");
        let entries = topics.entry(topic.to_owned()).or_default();
        let predecessor = entries.position(entries.all.len());
        // Positions of an engine have holes between them.
        let position = Position::new(7, predecessor.minor() + fastrand::u64(1..5));
        entries.all.push((position, event.clone()));
        self.deliver(LiveEntry::new(
            topic,
            predecessor,
            position,
            Entry::Event(event),
        ));
        Ok(position)
    }

    /// Delivers the oldest entry of a topic again.
    pub fn deliver_oldest(&self, topic: &str) {
        let (position, event) = {
            let topics = self.topics.lock().expect("not poisoned");
            topics[topic].all[0].clone()
        };
        self.deliver(LiveEntry::new(
            topic,
            Position::OLDEST,
            position,
            Entry::Event(event),
        ));
    }

    /// Loses everything.
    pub fn wipe(&self) {
        self.topics.lock().expect("not poisoned").clear();
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
        let topics = self.topics.lock().expect("not poisoned");
        let Some(entries) = topics.get(topic) else {
            return Ok(Page::Entries(Vec::new()));
        };
        if after > entries.position(entries.all.len()) {
            return Ok(Page::Unknown);
        }
        if after < entries.position(entries.trimmed) {
            return Ok(Page::Trimmed);
        }
        let from = entries
            .all
            .partition_point(|(position, _)| *position <= after)
            .saturating_sub(self.repeat.load(Ordering::Relaxed).into());
        Ok(Page::Entries(
            entries.all[from..]
                .iter()
                .take(PAGE)
                .map(|(position, event)| (*position, Entry::Event(event.clone())))
                .collect(),
        ))
    }

    /// Returns the position of the newest entry of a topic.
    pub fn head(&self, topic: &str) -> Position {
        let topics = self.topics.lock().expect("not poisoned");
        topics.get(topic).map_or(Position::new(0, 0), |entries| {
            entries.position(entries.all.len())
        })
    }

    /// Trims a topic to its newest entries.
    pub fn trim(&self, topic: &str, keep: usize) {
        let mut topics = self.topics.lock().expect("not poisoned");
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

/// Takes the way to the engine, or back: other requests may be faster.
async fn travel() {
    let longest = if fastrand::u8(0..10) == 0 { 100 } else { 4 };
    for _ in 0..fastrand::u8(0..longest) {
        tokio::task::yield_now().await;
    }
}

impl Engine for Node {
    fn open(&self, topic: &str) -> BoxFuture<'static, Result<Span, EngineError>> {
        let topic = topic.to_owned();
        self.request(move |engine| Ok(Span::at(engine.head(&topic))))
    }

    fn close(&self, _: &str) {}

    fn append(
        &self,
        topic: &str,
        entry: &[u8],
        _: Option<&str>,
    ) -> BoxFuture<'static, Result<Position, EngineError>> {
        let topic = topic.to_owned();
        let entry = Bytes::copy_from_slice(entry);
        self.request(move |engine| engine.append(&topic, entry))
    }

    fn read(&self, topic: &str, after: Position) -> BoxFuture<'static, Result<Page, EngineError>> {
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
        _: &str,
        _: Position,
        _: Position,
    ) -> BoxFuture<'static, Result<(), EngineError>> {
        Box::pin(async { Ok(()) })
    }

    fn is_up(&self, _: &str) -> bool {
        self.engine.check_up().is_ok()
    }
}
