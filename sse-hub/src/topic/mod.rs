//! One topic: its window, who reads it, and who waits for more.

pub(crate) mod cursor;
pub(crate) mod idempotency;
mod reading;
mod segment;
pub(crate) mod snapshot;
mod waiting;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use slab::Slab;
use tokio::sync::broadcast;

use self::waiting::{Round, Waiting};
use crate::clock::Clock;
use crate::entry;
use crate::id;
use crate::log::{LiveEntry, Span};
use crate::metrics::{Counts, TopicMetrics};
use crate::options::TopicOptions;
use crate::position::Position;
use crate::presence::{Attendance, Change};
use crate::topic::cursor::{Appended, Cursor, Insertion, Start};
use crate::topic::idempotency::Keys;
use crate::topic::snapshot::Snapshots;
use crate::topic::window::Window;

pub(crate) use self::waiting::Place;

pub(crate) struct Topic {
    name: Arc<str>,
    tag: u32,
    max_event_len: usize,
    clock: Clock,
    pub(crate) snapshots: Snapshots,
    round: Round,
    state: Mutex<State>,
}

struct State {
    window: Window,
    readers: Slab<Reader>,
    waiting: Waiting,
    attendance: Attendance,
    counts: Counts,
    /// The idempotency keys of late; `None` if there are none.
    keys: Option<Box<Keys>>,
    /// How many need it to stay in the registry without being subscribers.
    holds: usize,
    /// It has left the registry; another of its name may come.
    gone: bool,
    id_line: Vec<u8>,
    id_scratch: Vec<u8>,
}

/// A subscription, as the topic knows it.
struct Reader {
    /// How many of the topic's events it has taken, or skipped by a gap.
    seen: u64,
}

impl Topic {
    pub(crate) fn new(
        name: Arc<str>,
        options: TopicOptions,
        span: Span,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new(Self {
            tag: id::tag(&name),
            name,
            max_event_len: options.retention.max_event_len(),
            clock,
            snapshots: Snapshots::new(options.snapshot),
            round: Round::new(),
            state: Mutex::new(State {
                window: Window::new(options.retention, span.floor, span.head),
                readers: Slab::new(),
                waiting: Waiting::new(),
                attendance: Attendance::default(),
                counts: Counts::default(),
                keys: None,
                holds: 0,
                gone: false,
                id_line: Vec::new(),
                id_scratch: Vec::new(),
            }),
        })
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What ids call it.
    pub(crate) const fn tag(&self) -> u32 {
        self.tag
    }

    pub(crate) const fn max_event_len(&self) -> usize {
        self.max_event_len
    }

    /// Appends an event at the position that `next` gives under the topic's lock, and wakes who
    /// waits; unless one with the same key was appended before.
    pub(crate) fn append(
        &self,
        next: impl FnOnce() -> Option<Position>,
        event: &[u8],
        key: Option<&str>,
    ) -> Appended {
        let mut state = self.state();
        if state.gone {
            return Appended::Gone;
        }
        if let Some(key) = key
            && let Some(keys) = &mut state.keys
            && let Some(position) = keys.get(key, self.clock.millis())
        {
            return Appended::At(position);
        }
        let Some(position) = next() else {
            return Appended::NoPosition;
        };
        if let Some(key) = key {
            let keys = state.keys.get_or_insert_default();
            keys.insert(key, position, self.clock.millis());
        }
        self.push(&mut state, position, event);
        self.wake(state);
        Appended::At(position)
    }

    /// Appends an entry that was appended elsewhere, if it is the next one.
    pub(crate) fn insert(&self, entry: &LiveEntry) -> Insertion {
        let mut state = self.state();
        let head = state.window.head();
        if entry.position <= head {
            return if state.is_contradicted_by(entry) {
                Insertion::Hole
            } else {
                Insertion::Known
            };
        }
        if entry.predecessor != head {
            return Insertion::Hole;
        }
        if let Err(error) = entry::check(&entry.event) {
            // Somebody else has written to the engine. Its place is passed over.
            state.window.advance(entry.position);
            drop(state);
            tracing::error!(
                topic = &*self.name,
                error = &error as &dyn std::error::Error,
                "entry ignored"
            );
            return Insertion::Appended;
        }
        self.push(&mut state, entry.position, &entry.event);
        self.wake(state);
        Insertion::Appended
    }

    /// There is nothing after it, as far as is known here.
    pub(crate) fn head(&self) -> Position {
        self.state().window.head()
    }

    /// Forgets what is held: events before `at` are missing for good. Subscribers get a gap.
    pub(crate) fn restart(&self, at: Position) {
        let mut state = self.state();
        state.window.restart(at);
        self.wake(state);
    }

    fn push(&self, state: &mut State, position: Position, event: &[u8]) {
        let State {
            window,
            id_line,
            id_scratch,
            ..
        } = state;
        id_line.clear();
        id_line.extend_from_slice(b"id: ");
        id::put(id_line, id_scratch, [(self.tag, position)]);
        id_line.push(b'\n');
        window.append(position, self.clock.millis(), id_line, event);
    }

    /// Wakes all that wait, without holding the lock meanwhile.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let mut all = state.waiting.take();
        self.round.follow(&state.waiting);
        drop(state);
        if all.is_empty() {
            return;
        }
        all.drain(..).flatten().for_each(Waker::wake);
        self.state().waiting.reuse(all);
    }

    pub(crate) fn wake_all(&self) {
        self.wake(self.state());
    }

    /// Adds a subscription. The answer is its cursor, and whether it begins behind what is held;
    /// `None` if the topic has left the registry. `head` is what the log knows of the head.
    pub(crate) fn join(
        &self,
        start: Start,
        head: Option<Position>,
        member: Option<&Arc<str>>,
    ) -> Option<(Cursor, bool)> {
        let mut state = self.state();
        if state.gone {
            return None;
        }
        state.window.trim(self.clock.millis());
        if let Some(head) = head {
            state.window.advance(head);
        }
        let after = match start {
            Start::Now => state.window.head(),
            Start::Oldest => state.window.floor(),
            Start::After(position) | Start::Checked(position) => position,
        };
        let generation = state.window.generation();
        let is_known = !matches!(start, Start::Checked(_)) || state.window.holds(after);
        let behind = after < state.window.floor() || !is_known;
        let seen = state.window.appended() - state.window.count_after(after);
        let key = state.readers.insert(Reader { seen });
        let subscribers = state.readers.len();
        state.attendance.join(member, subscribers);
        let cursor = Cursor {
            after,
            generation: if is_known {
                generation
            } else {
                generation.wrapping_sub(1)
            },
            key,
            place: Place::default(),
        };
        Some((cursor, behind))
    }

    /// Removes a subscription, and tells whether the topic is of no more use.
    pub(crate) fn leave(&self, cursor: &mut Cursor, member: Option<&Arc<str>>) -> bool {
        let mut state = self.state();
        let waker = state.waiting.leave(&mut cursor.place);
        state.readers.try_remove(cursor.key);
        let subscribers = state.readers.len();
        state.attendance.leave(member, subscribers);
        let idle = state.is_idle();
        drop(state);
        drop(waker);
        idle
    }

    /// Keeps the topic in the registry until it is released; `false` if it has left that.
    pub(crate) fn hold(&self) -> bool {
        let mut state = self.state();
        if !state.gone {
            state.holds += 1;
        }
        !state.gone
    }

    /// Takes back a hold, and tells whether the topic is of no more use.
    pub(crate) fn release(&self) -> bool {
        let mut state = self.state();
        state.holds -= 1;
        state.is_idle()
    }

    /// Takes the topic out of use if nobody needs it; the registry calls this under its own lock.
    pub(crate) fn retire(&self) -> Option<(Position, Counts)> {
        let mut state = self.state();
        let now = self.clock.millis();
        state.window.trim(now);
        if let Some(keys) = &mut state.keys {
            keys.forget(now);
            if keys.is_empty() {
                state.keys = None;
            }
        }
        if state.gone || !state.is_idle() {
            return None;
        }
        state.gone = true;
        Some((state.window.floor(), state.counts_now()))
    }

    /// Whether it has left the registry.
    pub(crate) fn is_gone(&self) -> bool {
        self.state().gone
    }

    pub(crate) fn subscribers(&self) -> usize {
        self.state().readers.len()
    }

    /// Who attends, and the joins and leaves from then on.
    pub(crate) fn attend(&self) -> (Vec<Arc<str>>, usize, broadcast::Receiver<Change>) {
        let mut state = self.state();
        let subscribers = state.readers.len();
        let (members, changes) = state.attendance.watch();
        (members, subscribers, changes)
    }

    pub(crate) fn metrics(&self) -> TopicMetrics {
        let state = self.state();
        let slowest = state.slowest();
        let appended = state.window.appended();
        let counts = state.counts_now();
        TopicMetrics {
            published: counts.published,
            delivered: counts.delivered,
            gaps: counts.gaps,
            subscribers: state.readers.len(),
            held_events: state.window.events(),
            held_bytes: state.window.bytes(),
            lag: slowest.map_or(0, |seen| appended.saturating_sub(seen)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code of users runs under the lock, so there is nothing to be found half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_idle(&self) -> bool {
        let is_unused = self.readers.is_empty() && self.holds == 0;
        is_unused && self.window.events() == 0 && self.keys.is_none()
    }

    /// Whether the history that this entry is from is another than the one that is held.
    fn is_contradicted_by(&mut self, entry: &LiveEntry) -> bool {
        entry.position > self.window.floor()
            && self.window.event_at(entry.position).as_ref() != Some(&entry.event)
            && entry::check(&entry.event).is_ok()
    }

    /// How many events the subscription has seen or skipped that is behind all others.
    fn slowest(&self) -> Option<u64> {
        self.readers.iter().map(|(_, reader)| reader.seen).min()
    }

    fn counts_now(&self) -> Counts {
        Counts {
            published: self.window.appended(),
            ..self.counts
        }
    }
}
