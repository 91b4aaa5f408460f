//! One topic: its window, its readers, and the tasks that wait for more.

pub(crate) mod change;
pub(crate) mod cursor;
pub(crate) mod elsewhere;
pub(crate) mod expiry;
mod generations;
pub(crate) mod idempotency;
mod inserting;
pub(crate) mod meeting;
pub(crate) mod member;
pub(crate) mod members;
pub(crate) mod reading;
mod segment;
#[cfg(feature = "gzip")]
mod shared_pieces;
pub(crate) mod snapshot;
pub(crate) mod waiting;
pub(crate) mod watching;
mod window;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use slab::Slab;

use crate::clock::Clock;
use crate::entry;
use crate::id::Ids;
use crate::log::Span;
use crate::metrics::{Counts, TopicMetrics};
use crate::options::{Retention, TopicOptions};
use crate::position::Position;
use crate::sync::{AtomicBool, Mutex, MutexGuard};
use crate::topic::cursor::{Appended, Cursor, Start};
use crate::topic::expiry::Expiry;
use crate::topic::idempotency::IdempotencyKeys;
use crate::topic::member::Member;
use crate::topic::members::Members;
use crate::topic::snapshot::Snapshots;
use crate::topic::waiting::{WaitEpoch, WaitList, WaitSlot, Wakers};
use crate::topic::window::Window;

/// Counts the topics that there were.
#[cfg(feature = "gzip")]
static TEXTS: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Topic {
    name: Arc<str>,
    ids: Arc<Ids>,
    tag: u32,
    /// Identifies its text to what compresses it.
    #[cfg(feature = "gzip")]
    text: u64,
    slot: usize,
    max_event_len: usize,
    clock: Clock,
    pub(crate) snapshots: Snapshots,
    /// Whether the window has everything that the engine had when the topic was opened. Not used
    /// without an engine.
    is_caught_up: AtomicBool,
    wait_epoch: WaitEpoch,
    /// How many of the events that its readers have taken were hidden by filters.
    hidden: AtomicU64,
    state: Mutex<State>,
}

struct State {
    window: Window,
    readers: Slab<Reader>,
    waiting: WaitList,
    members: Members,
    counts: Counts,
    /// The idempotency keys that are remembered; `None` if there are none.
    keys: Option<Box<IdempotencyKeys>>,
    /// How many guards keep the topic in the registry.
    pins: usize,
    /// When nothing needs the topic.
    expiry: Expiry,
    /// The number of the eviction by which the topic has left the registry; another one of its name may
    /// be added.
    evicted: Option<u64>,
    id_line: Vec<u8>,
}

/// A subscription, as the topic knows it.
struct Reader {
    /// How many of the topic's events it has taken, or skipped by a gap; a guess while its cursor is not
    /// counted.
    seen: u64,
}

impl Topic {
    pub(crate) fn new(
        name: Arc<str>,
        options: TopicOptions,
        span: Span,
        is_log: bool,
        clock: Clock,
        mut expiry: Expiry,
        ids: Arc<Ids>,
    ) -> Arc<Self> {
        // Until something is published.
        expiry.set(Some(0));
        let mut window = Window::new(options.retention, span.floor, span.head);
        if span.is_finished {
            window.finish();
        }
        if is_log {
            window.set_log();
        }
        Arc::new(Self {
            tag: ids.tag(&name),
            #[cfg(feature = "gzip")]
            text: TEXTS.fetch_add(1, Ordering::Relaxed),
            ids,
            name,
            slot: expiry.slot(),
            max_event_len: options.retention.max_event_len(),
            clock,
            snapshots: Snapshots::new(options.snapshot),
            is_caught_up: AtomicBool::new(false),
            wait_epoch: WaitEpoch::new(),
            hidden: AtomicU64::new(0),
            state: Mutex::new(State {
                window,
                readers: Slab::new(),
                waiting: WaitList::new(),
                members: Members::new(),
                counts: Counts::default(),
                keys: None,
                pins: 0,
                expiry,
                evicted: None,
                id_line: Vec::new(),
            }),
        })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns what stands for the topic in ids.
    pub(crate) fn tag(&self) -> u32 {
        self.tag
    }

    pub(crate) fn max_event_len(&self) -> usize {
        self.max_event_len
    }

    pub(crate) fn retention(&self) -> Retention {
        self.state().window.retention()
    }

    /// Notes that events which a reader has taken were not delivered, as a filter has hidden them.
    pub(crate) fn note_hidden(&self, events: u64) {
        self.hidden.fetch_add(events, Ordering::Relaxed);
    }

    /// Returns the topic's slot in the registry.
    pub(crate) fn slot(&self) -> usize {
        self.slot
    }

    /// Appends an event at the position that `next` returns under the topic's lock, unless an event
    /// with the same key was appended before. One that is the last finishes the topic. The caller [wakes](Self::wake) the tasks that wait.
    pub(crate) fn append(
        &self,
        next: impl FnOnce() -> Option<Position>,
        event: &[u8],
        key: Option<&str>,
        is_last: bool,
    ) -> Appended {
        let mut state = self.state();
        if state.evicted.is_some() {
            return Appended::Evicted;
        }
        if let Some(key) = key
            && let Some(keys) = &mut state.keys
            && let Some(position) = keys.get(key, self.clock.millis())
        {
            return Appended::At(position, Wakers::default());
        }
        if state.window.is_finished() {
            // It may be too old.
            state.window.trim(self.clock.millis());
            if state.window.is_finished() {
                return Appended::Finished;
            }
        }
        let Some(position) = next() else {
            return Appended::NoPosition;
        };
        if let Some(key) = key {
            let keys = state.keys.get_or_insert_default();
            keys.insert(key, position, self.clock.millis());
        }
        self.push(&mut state, position, event);
        if is_last {
            state.window.finish();
        }
        Appended::At(position, self.take_wakers(&mut state))
    }

    fn push(&self, state: &mut State, position: Position, event: &[u8]) {
        let State {
            window, id_line, ..
        } = state;
        id_line.clear();
        id_line.extend_from_slice(b"id: ");
        self.ids.put_event(id_line, self.tag, position);
        id_line.extend_from_slice(b"\n\n");
        let lines = entry::lines(event);
        let now = self.clock.millis();
        window.append(position, now, lines, id_line);
        if state.readers.is_empty() {
            state.expiry.postpone(state.expires_at(), now);
        }
    }

    fn wake_after(&self, mut state: MutexGuard<'_, State>) {
        let wakers = self.take_wakers(&mut state);
        drop(state);
        self.wake(wakers);
    }

    /// Takes all tasks that wait, to be woken when no lock is held.
    fn take_wakers(&self, state: &mut State) -> Wakers {
        let wakers = state.waiting.take();
        self.wait_epoch.follow(&state.waiting);
        wakers
    }

    /// Wakes tasks that have waited. That is code of the caller's, which may use the hub: no lock may
    /// be held.
    pub(crate) fn wake(&self, wakers: Wakers) {
        if let Some(emptied) = wakers.wake() {
            self.state().waiting.reuse(emptied);
        }
    }

    pub(crate) fn wake_all(&self) {
        let wakers = self.take_wakers(&mut self.state());
        self.wake(wakers);
    }

    /// Notes that the topic is finished, if its window still ends at `head`.
    pub(crate) fn finish(&self, head: Position) {
        let mut state = self.state();
        if state.window.head() == head && !state.window.is_finished() {
            state.window.finish();
            self.wake_after(state);
        }
    }

    /// Whether the topic is finished, as far as is known here.
    pub(crate) fn is_finished(&self) -> bool {
        let mut state = self.state();
        state.window.trim(self.clock.millis());
        state.window.is_finished()
    }

    /// Whether a subscription that starts there gets nothing, now or later, as the topic is finished.
    pub(crate) fn is_over(&self, start: Start) -> bool {
        let mut state = self.state();
        state.window.trim(self.clock.millis());
        let window = &state.window;
        match start {
            Start::Now => window.is_finished() && !self.snapshots.exist(),
            Start::Oldest => false,
            Start::After(position) => window.is_end(position),
            Start::Checked(position) => window.is_end(position) && window.has(position),
        }
    }

    /// Adds a subscription. Returns its cursor, and whether it starts before what the window has.
    /// No entry follows `head`, if that is known. The topic must be pinned.
    pub(crate) fn join(
        &self,
        start: Start,
        head: Option<Position>,
        member: Option<&Arc<Member>>,
    ) -> (Cursor, bool) {
        let mut state = self.state();
        state.window.trim(self.clock.millis());
        if let Some(head) = head {
            state.window.advance(head);
        }
        let after = match start {
            Start::Now => state.window.head(),
            Start::Oldest => state.window.floor(),
            Start::After(position) | Start::Checked(position) => position,
        };
        let is_known = !matches!(start, Start::Checked(_)) || state.window.has(after);
        let generation = if is_known {
            state.window.generations().current()
        } else {
            state.window.generations().none()
        };
        let is_trimmed = after < state.window.floor() || !is_known;
        let is_counted = !is_trimmed && after <= state.window.head();
        let seen = state.window.appended() - state.window.count_after(after);
        let key = state.readers.insert(Reader { seen });
        state.expiry.set(None);
        let subscribers = state.readers.len();
        let watchers = state.members.join(member, subscribers);
        drop(state);
        watchers.wake();
        let cursor = Cursor {
            after,
            generation,
            is_counted,
            is_at_end: false,
            key,
            slot: WaitSlot::default(),
        };
        (cursor, is_trimmed)
    }

    /// Removes a subscription. Returns whether nothing needs the topic.
    pub(crate) fn leave(&self, cursor: &mut Cursor, member: Option<&Arc<Member>>) -> bool {
        let mut state = self.state();
        let waker = state.waiting.leave(&mut cursor.slot);
        state.readers.try_remove(cursor.key);
        let subscribers = state.readers.len();
        let watchers = state.members.leave(member, subscribers);
        let is_idle = state.note_expiry(self.clock.millis());
        drop(state);
        drop(waker);
        watchers.wake();
        is_idle
    }

    /// Keeps the topic in the registry until it is unpinned; `false` if it was evicted.
    pub(crate) fn pin(&self) -> bool {
        let mut state = self.state();
        let is_in_use = state.evicted.is_none();
        state.pins += usize::from(is_in_use);
        is_in_use
    }

    /// Undoes one [`pin`](Self::pin). Returns whether nothing needs the topic.
    pub(crate) fn unpin(&self) -> bool {
        let mut state = self.state();
        state.pins -= 1;
        state.note_expiry(self.clock.millis())
    }

    /// Whether nothing but one pin needs the topic.
    pub(crate) fn is_last_use(&self) -> bool {
        let state = self.state();
        state.pins == 1 && state.readers.is_empty() && !state.has_history()
    }

    /// Discards what is too old. Returns whether nothing needs the topic then.
    pub(crate) fn trim(&self) -> bool {
        let mut state = self.state();
        let now = self.clock.millis();
        state.window.trim(now);
        if let Some(keys) = &mut state.keys {
            keys.trim(now);
            if keys.is_empty() {
                state.keys = None;
            }
        }
        let expires_at = state.is_unused().then(|| state.expires_at());
        state.expiry.set(expires_at);
        state.evicted.is_none() && state.is_idle()
    }

    /// Evicts the topic if nothing needs it, as the eviction of this number. Returns the position after
    /// which its window had entries, and its counts. The registry calls this under its own lock.
    pub(crate) fn evict(&self, number: u64) -> Option<(Position, Counts)> {
        let mut state = self.state();
        if state.evicted.is_some() || !state.is_idle() {
            return None;
        }
        state.evicted = Some(number);
        state.expiry.end();
        Some((state.window.floor(), state.counts_now(self.hidden())))
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.state().readers.len()
    }

    /// Returns the metrics, unless the topic was evicted by one of the first `evictions`.
    pub(crate) fn metrics_after(&self, evictions: u64) -> Option<TopicMetrics> {
        let state = self.state();
        let is_after = state.evicted.is_none_or(|number| number > evictions);
        is_after.then(|| state.metrics(self.hidden()))
    }

    pub(crate) fn metrics(&self) -> TopicMetrics {
        self.state().metrics(self.hidden())
    }

    fn hidden(&self) -> u64 {
        self.hidden.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code of users runs under the lock, so no panic leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn metrics(&self, hidden: u64) -> TopicMetrics {
        let slowest = self.readers.iter().map(|(_, reader)| reader.seen).min();
        let appended = self.window.appended();
        let counts = self.counts_now(hidden);
        TopicMetrics {
            published: counts.published,
            delivered: counts.delivered,
            gaps: counts.gaps,
            subscribers: self.readers.len(),
            retained_events: self.window.events(),
            retained_bytes: self.window.bytes(),
            lag: slowest.map_or(0, |seen| appended.saturating_sub(seen)),
        }
    }

    fn is_idle(&self) -> bool {
        self.is_unused() && !self.has_history()
    }

    /// Whether nothing but its history needs the topic.
    fn is_unused(&self) -> bool {
        self.pins == 0 && self.readers.is_empty()
    }

    fn has_history(&self) -> bool {
        self.window.events() > 0 || self.keys.is_some()
    }

    /// Returns when the history will be too old.
    fn expires_at(&self) -> u64 {
        let keys = self.keys.as_ref().map_or(0, |keys| keys.expires_at());
        self.window.expires_at().max(keys)
    }

    /// Notes when the topic expires, if nothing but its history needs it. Returns whether nothing does.
    fn note_expiry(&mut self, now: u64) -> bool {
        if self.is_unused() && self.has_history() {
            self.expiry.postpone(self.expires_at(), now);
        }
        self.is_idle()
    }

    fn counts_now(&self, hidden: u64) -> Counts {
        Counts {
            published: self.window.appended(),
            delivered: self.counts.delivered.saturating_sub(hidden),
            ..self.counts
        }
    }
}
