//! The engine, in memory but as unkind as a network.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use sse_hub::{
    Answer, Hub, Live, LiveEntry, Log, LogError, Page, Position, Retention, Span, TopicOptions,
    TopicRef,
};
use tokio::sync::{Notify, mpsc};

/// How many entries a page has.
pub(crate) const PAGE: usize = 7;

/// The engine: what its nodes cannot lose.
#[derive(Default)]
pub(crate) struct Engine {
    topics: Mutex<HashMap<String, Entries>>,
    nodes: Mutex<Vec<mpsc::UnboundedSender<Live>>>,
    /// Held back, to come after the next one.
    late: Mutex<Vec<LiveEntry>>,
    pub(crate) faults: Faults,
    pub(crate) down: AtomicBool,
    /// Whether live entries are lost.
    pub(crate) mute: AtomicBool,
    /// Whether the next answer stays on its way, as true as it was, until it shall go on.
    pub(crate) hold_next: AtomicBool,
    pub(crate) go_on: Notify,
}

#[derive(Default)]
pub(crate) struct Entries {
    all: Vec<(Position, Bytes)>,
    trimmed: usize,
}

/// How often something went wrong.
#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) enabled: AtomicBool,
    pub(crate) lost: AtomicUsize,
    pub(crate) doubled: AtomicUsize,
    pub(crate) late: AtomicUsize,
}

impl Entries {
    fn position(&self, len: usize) -> Position {
        len.checked_sub(1)
            .map_or(Position::new(0, 0), |last| self.all[last].0)
    }
}

impl Engine {
    pub(crate) fn node(self: &Arc<Self>) -> Hub {
        self.node_that_keeps(Retention::DEFAULT_MAX_EVENTS)
    }

    pub(crate) fn node_that_keeps(self: &Arc<Self>, events: usize) -> Hub {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.nodes.lock().expect("not poisoned").push(sender);
        Hub::builder()
            .topics(move |_| TopicOptions::new().retention(Retention::new().max_events(events)))
            .log(Node {
                engine: Arc::clone(self),
                live: Mutex::new(receiver),
            })
            .build()
    }

    pub(crate) fn append(&self, topic: &str, event: Bytes) -> Result<Position, LogError> {
        self.is_up()?;
        let mut topics = self.topics.lock().expect("not poisoned");
        let entries = topics.entry(topic.to_owned()).or_default();
        let predecessor = entries.position(entries.all.len());
        // Positions of an engine have holes between them.
        let position = Position::new(7, predecessor.minor() + fastrand::u64(1..5));
        entries.all.push((position, event.clone()));
        self.tell(LiveEntry {
            topic: topic.to_owned(),
            predecessor,
            position,
            event,
        });
        Ok(position)
    }

    /// Loses everything.
    pub(crate) fn wipe(&self) {
        self.topics.lock().expect("not poisoned").clear();
    }

    /// Tells the nodes that live entries may be lost.
    pub(crate) fn interrupt(&self) {
        for node in &*self.nodes.lock().expect("not poisoned") {
            let _ = node.send(Live::Interrupted);
        }
    }

    fn tell(&self, entry: LiveEntry) {
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

    fn read(&self, topic: &str, after: Position) -> Result<Page, LogError> {
        self.is_up()?;
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
            .partition_point(|(position, _)| *position <= after);
        Ok(Page::Entries(
            entries.all[from..].iter().take(PAGE).cloned().collect(),
        ))
    }

    pub(crate) fn head(&self, topic: &str) -> Position {
        let topics = self.topics.lock().expect("not poisoned");
        topics.get(topic).map_or(Position::new(0, 0), |entries| {
            entries.position(entries.all.len())
        })
    }

    pub(crate) fn trim(&self, topic: &str, keep: usize) {
        let mut topics = self.topics.lock().expect("not poisoned");
        let entries = topics.get_mut(topic).expect("a topic");
        entries.trimmed = entries.all.len() - keep;
    }

    fn is_up(&self) -> Result<(), LogError> {
        if self.down.load(Ordering::Relaxed) {
            return Err(LogError::Engine("connection refused".into()));
        }
        Ok(())
    }
}

/// A node's connection to the engine.
pub(crate) struct Node {
    engine: Arc<Engine>,
    live: Mutex<mpsc::UnboundedReceiver<Live>>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Node")
    }
}

impl Node {
    fn later<T: Send + 'static>(
        &self,
        answer: impl FnOnce(&Engine) -> Result<T, LogError> + Send + 'static,
    ) -> Answer<T> {
        let engine = Arc::clone(&self.engine);
        Answer::later(async move {
            travel().await;
            let answer = answer(&engine);
            if engine.hold_next.swap(false, Ordering::Relaxed) {
                engine.go_on.notified().await;
            }
            travel().await;
            answer
        })
    }
}

/// The way to the engine, or back: others may be faster.
async fn travel() {
    let longest = if fastrand::u8(0..10) == 0 { 100 } else { 4 };
    for _ in 0..fastrand::u8(0..longest) {
        tokio::task::yield_now().await;
    }
}

impl Log for Node {
    fn open(&self, topic: &str) -> Answer<Span> {
        let topic = topic.to_owned();
        self.later(move |engine| {
            let head = engine.head(&topic);
            Ok(Span { floor: head, head })
        })
    }

    fn oldest(&self) -> Option<Position> {
        Some(Position::new(0, 0))
    }

    fn is_up(&self) -> bool {
        self.engine.is_up().is_ok()
    }

    fn close(&self, _: &str, _: Position) {}

    fn knows(&self, _: &str, _: Position) -> Option<bool> {
        None
    }

    fn append(&self, topic: TopicRef<'_>, entry: &[u8], _: Option<&str>) -> Answer<Position> {
        let topic = topic.name().to_owned();
        let entry = Bytes::copy_from_slice(entry);
        self.later(move |engine| engine.append(&topic, entry))
    }

    fn read(&self, topic: &str, after: Position) -> Answer<Page> {
        let topic = topic.to_owned();
        self.later(move |engine| engine.read(&topic, after))
    }

    fn poll_live(&self, cx: &mut Context<'_>) -> Poll<Option<Live>> {
        self.live.lock().expect("not poisoned").poll_recv(cx)
    }
}
