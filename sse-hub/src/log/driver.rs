//! Bringing an engine's entries to the windows of the topics in use here.
//!
//! Live entries may come late, twice or not at all. Each names its predecessor, so a hole is
//! noticed by the first entry after it, and mended by reading: several topics at a time, and again
//! and again while the engine does not answer. Entries of a topic that is being mended are dropped
//! meanwhile, as they are to be read too.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::hub::Core;
use crate::log::retry::Pause;
use crate::log::{Live, LiveEntry, Log, LogError, Page};
use crate::position::Position;
use crate::topic::Topic;
use crate::topic::cursor::Insertion;

/// How many topics are mended at a time.
const MOST_REPAIRS: usize = 64;

/// How many live entries are taken before something else gets its turn.
const BURST: usize = 256;

/// How often a history may turn out to be another one while it is read.
const MOST_RESTARTS: usize = 3;

/// Inserts live entries until the log has no more.
pub(crate) async fn drive(core: &Core) {
    let mut repairs = Repairs::default();
    poll_fn(|cx| {
        let is_over = poll_live(core, &mut repairs, cx);
        repairs.poll(core, cx);
        is_over
    })
    .await;
}

/// Takes live entries. They come first, so that they do not pile up before the windows.
fn poll_live(core: &Core, repairs: &mut Repairs, cx: &mut Context<'_>) -> Poll<()> {
    let log = core.registry().log();
    for _ in 0..BURST {
        match std::task::ready!(log.poll_live(cx)) {
            None => return Poll::Ready(()),
            Some(Live::Entry(entry)) => repairs.insert(core, entry),
            Some(Live::Interrupted) => {
                for topic in core.registry().topics() {
                    repairs.add(topic.name());
                }
            }
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// The topics whose windows may lack something at their end.
#[derive(Default)]
struct Repairs {
    running: FuturesUnordered<BoxFuture<'static, Arc<str>>>,
    waiting: VecDeque<Arc<str>>,
    /// All that wait or run.
    topics: HashMap<Arc<str>, Meanwhile>,
}

/// What happened to a topic while it was being mended, and has not been looked at.
#[derive(Default)]
struct Meanwhile {
    is_running: bool,
    latest: Option<LiveEntry>,
    was_interrupted: bool,
}

impl Repairs {
    /// Inserts an entry, unless the topic lacks what comes before it.
    fn insert(&mut self, core: &Core, entry: LiveEntry) {
        if let Some(meanwhile) = self.topics.get_mut(&*entry.topic) {
            meanwhile.latest = Some(entry);
            return;
        }
        // Otherwise nobody here wants it.
        if let Some(topic) = core.registry().get(&entry.topic)
            && let Insertion::Hole = topic.insert(&entry)
        {
            self.add(topic.name());
        }
    }

    fn add(&mut self, name: &Arc<str>) {
        if let Some(meanwhile) = self.topics.get_mut(name) {
            meanwhile.was_interrupted |= meanwhile.is_running;
            return;
        }
        self.topics.insert(Arc::clone(name), Meanwhile::default());
        self.waiting.push_back(Arc::clone(name));
    }

    fn poll(&mut self, core: &Core, cx: &mut Context<'_>) {
        loop {
            self.start_some(core);
            let Poll::Ready(Some(name)) = self.running.poll_next_unpin(cx) else {
                return;
            };
            let Some(meanwhile) = self.topics.remove(&name) else {
                continue;
            };
            if meanwhile.was_interrupted {
                self.add(&name);
            } else if let Some(latest) = meanwhile.latest {
                self.insert(core, latest);
            }
        }
    }

    fn start_some(&mut self, core: &Core) {
        while self.running.len() < MOST_REPAIRS {
            let Some(name) = self.waiting.pop_front() else {
                return;
            };
            let Some(topic) = core.registry().get(&name) else {
                self.topics.remove(&name);
                continue;
            };
            if let Some(meanwhile) = self.topics.get_mut(&name) {
                meanwhile.is_running = true;
                // Whatever came before the reading begins is read.
                meanwhile.latest = None;
            }
            let log = Arc::clone(core.registry().log());
            self.running.push(Box::pin(async move {
                repair(&*log, &topic).await;
                name
            }));
        }
    }
}

/// Brings a topic up to date, however long that takes.
async fn repair(log: &dyn Log, topic: &Topic) {
    let mut pause = Pause::default();
    while let Err(error) = catch_up(log, topic).await {
        if topic.is_gone() {
            return;
        }
        if pause.is_first() {
            tracing::warn!(
                topic = &**topic.name(),
                error = &error as &dyn std::error::Error,
                "entries are missing until the log can be read"
            );
        }
        pause.wait().await;
    }
}

/// Reads what came after the head of a topic's window, until there is no more.
pub(crate) async fn catch_up(log: &dyn Log, topic: &Topic) -> Result<(), LogError> {
    let mut head = topic.head();
    let mut restarts = 0;
    loop {
        match log.read(topic.name(), head).await? {
            Page::Entries(entries) if entries.is_empty() => return Ok(()),
            Page::Entries(entries) => {
                insert_all(topic, head, entries);
                head = topic.head();
            }
            Page::Trimmed | Page::Unknown if restarts < MOST_RESTARTS => {
                // What is missing is not to be had.
                restarts += 1;
                head = log.open(topic.name()).await?.head;
                log.close(topic.name(), head);
                topic.restart(head);
            }
            Page::Trimmed | Page::Unknown => {
                return Err(LogError::Engine("history changes while it is read".into()));
            }
        }
    }
}

/// Inserts entries that follow each other, the first one after `head`.
fn insert_all(topic: &Topic, head: Position, entries: Vec<(Position, Bytes)>) {
    let mut predecessor = head;
    for (position, event) in entries {
        topic.insert(&LiveEntry {
            topic: String::new(),
            predecessor,
            position,
            event,
        });
        predecessor = position;
    }
}
