//! One topic: its window, who reads it, and who waits for more.

mod errand;
mod groups;
mod waiting;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Waker};

use bytes::Bytes;
use slab::Slab;
use sse_session::{Direct, Sse};
use tokio::sync::broadcast;

use self::errand::{Errand, Return};
use self::groups::{Groups, Key, Look, Member};
use self::waiting::{Round, Waiting};
use crate::clock::Clock;
use crate::cursor::{Appended, Cursor, Found, Insertion, Standing, Start};
use crate::entry::{self, EventError};
use crate::id;
use crate::keys::Keys;
use crate::log::{LiveEntry, Span};
use crate::metrics::{Counts, TopicMetrics};
use crate::options::TopicOptions;
use crate::position::Position;
use crate::presence::{Attendance, Change};
use crate::snapshot::Snapshots;
use crate::window::{Read, Taken, Window};

pub(crate) use self::waiting::Place;

pub(crate) struct Topic {
    this: Weak<Self>,
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
    groups: Groups,
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
    /// Where it is. While it reads for itself, its cursor knows better after what.
    standing: Standing,
    /// The group that it waits in, which knows better where it is.
    group: Option<Key>,
}

impl Topic {
    pub(crate) fn new(
        name: Arc<str>,
        options: TopicOptions,
        span: Span,
        clock: Clock,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
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
                groups: Groups::default(),
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
        self.recall(state);
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

    /// Tells all that wait that there is something new, without holding the lock meanwhile.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let sent = state.groups.send_out();
        self.wake_waiting(state);
        if !sent.is_empty()
            && let Some(this) = self.this.upgrade()
        {
            for sent in sent {
                Errand::new(Arc::clone(&this), sent).send();
            }
        }
    }

    /// Wakes all that wait, so that each looks for itself.
    fn recall(&self, mut state: MutexGuard<'_, State>) {
        let recalled = state.groups.recall();
        for (member, standing) in &recalled {
            state.release(member.reader, *standing);
        }
        self.wake_waiting(state);
        for (member, _) in recalled {
            member.waker.wake();
        }
    }

    fn wake_waiting(&self, mut state: MutexGuard<'_, State>) {
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
        self.recall(self.state());
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
        let key = state.readers.insert(Reader {
            standing: Standing { after, seen },
            group: None,
        });
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
            is_grouped: false,
            is_away: false,
        };
        Some((cursor, behind))
    }

    /// Removes a subscription, and tells whether the topic is of no more use.
    pub(crate) fn leave(&self, cursor: &mut Cursor, member: Option<&Arc<str>>) -> bool {
        let mut state = self.state();
        let waker = state.waiting.leave(&mut cursor.place);
        let reader = state.readers.try_remove(cursor.key);
        let group = reader.and_then(|reader| reader.group);
        let left = group.and_then(|group| state.groups.leave(group, cursor.key));
        let subscribers = state.readers.len();
        state.attendance.leave(member, subscribers);
        let idle = state.is_idle();
        drop(state);
        drop((waker, left));
        idle
    }

    /// Takes what follows the cursor, as one piece. If there is nothing, the waker is kept; what
    /// follows then may be delivered to `direct`, which has got all that was taken before.
    #[inline]
    pub(crate) fn read(
        &self,
        cursor: &mut Cursor,
        cx: &Context<'_>,
        direct: Option<&Sse>,
    ) -> (Found, Bytes) {
        if cursor.place.is_waiting(cx.waker(), &self.round) {
            return (Found::Nothing, Bytes::new());
        }
        self.find(cursor, cx, direct, |window, after| {
            let taken = window.take(after);
            taken.map(|taken| (taken.last, taken.events, taken.bytes))
        })
    }

    /// Takes what follows the cursor event by event and without ids, until it is `enough` bytes.
    pub(crate) fn read_events(
        &self,
        cursor: &mut Cursor,
        cx: &Context<'_>,
        enough: usize,
    ) -> (Found, Vec<(Position, Bytes)>) {
        if cursor.place.is_waiting(cx.waker(), &self.round) {
            return (Found::Nothing, Vec::new());
        }
        self.find(cursor, cx, None, |window, after| {
            window.read(after).map(|piece| {
                let (mut taken, mut bytes) = (Vec::new(), 0);
                for (position, event) in piece.events() {
                    bytes += event.len();
                    taken.push((position, event));
                    if bytes >= enough {
                        break;
                    }
                }
                let last = taken.last().map_or(after, |(position, _)| *position);
                (last, taken.len() as u64, taken)
            })
        })
    }

    /// Finds what follows the cursor, which then moves to the last position that `take` took, and
    /// over as many events.
    fn find<T: Default>(
        &self,
        cursor: &mut Cursor,
        cx: &Context<'_>,
        direct: Option<&Sse>,
        take: impl FnOnce(&mut Window, Position) -> Read<(Position, u64, T)>,
    ) -> (Found, T) {
        let mut state = self.state();
        if cursor.is_grouped {
            let replaced = state.ask_group(cursor, cx.waker());
            if cursor.is_grouped {
                drop(state);
                drop(replaced);
                return (Found::Nothing, T::default());
            }
        }
        if cursor.generation != state.window.generation() {
            return (Found::Restarted, T::default());
        }
        let (found, taken) = match take(&mut state.window, cursor.after) {
            Read::Piece((last, events, taken)) => {
                state.advance(cursor, last, events);
                (Found::Events(events), taken)
            }
            Read::Behind => return (Found::Behind, T::default()),
            Read::Nothing => (Found::Nothing, T::default()),
        };
        let is_nothing = matches!(found, Found::Nothing);
        let replaced = if direct.is_some() && !is_nothing {
            // What it took is still in its hands, and must not be overtaken.
            None
        } else if let Some(direct) = direct.and_then(Sse::direct) {
            state.group(cursor, direct, cx.waker())
        } else if is_nothing || cursor.after == state.window.head() {
            // Even if it took some: it will ask for more, and that needs no second lock then.
            state.waiting.wait(&mut cursor.place, cx.waker())
        } else {
            None
        };
        drop(state);
        drop(replaced);
        (found, taken)
    }

    /// What a group that was sent out is to be delivered, if that can be taken as a whole.
    fn take_for(&self, group: Key) -> Option<Taken> {
        let mut state = self.state();
        let standing = state.groups.standing(group)?;
        match state.window.take(standing.after) {
            Read::Piece(taken) if !state.groups.is_recalled(group) => Some(taken),
            _ => None,
        }
    }

    /// A group comes back, the `members` of which got what was `delivered`.
    fn come_back(
        &self,
        group: Key,
        mut members: Vec<Member>,
        mut refused: Vec<Member>,
        delivered: Option<(Position, u64)>,
    ) -> Return {
        let mut back = Return::default();
        let mut state = self.state();
        let Some((before, away)) = state.groups.account(group) else {
            return back;
        };
        if !away.left.is_empty() {
            let has_left = |member: &mut Member| away.left.contains(&member.reader);
            back.gone.extend(members.extract_if(.., has_left));
            back.gone.extend(refused.extract_if(.., has_left));
        }
        let mut after = before;
        if let Some((last, events)) = delivered {
            after.after = last;
            after.seen += events;
            state.counts.delivered += events * members.len() as u64;
        }
        for (reader, waker) in away.asked {
            if let Some(member) = members.iter_mut().find(|it| it.reader == reader) {
                let before = std::mem::replace(&mut member.waker, waker.clone());
                back.replaced.push(before);
            }
            back.wakers.push(waker);
        }
        for member in &refused {
            state.release(member.reader, before);
        }
        back.woken = refused;
        if away.is_recalled {
            for member in &members {
                state.release(member.reader, after);
            }
            back.woken.append(&mut members);
        }
        let has_more = !matches!(state.window.take(after.after), Read::Nothing);
        if has_more && !members.is_empty() {
            back.again = state.groups.stay_out(group, after, members);
            return back;
        }
        for (reader, group) in state.groups.come_back(group, after, members) {
            if let Some(reader) = state.readers.get_mut(reader) {
                reader.group = Some(group);
            }
        }
        back
    }

    /// Notes that the log is asked about the cursor, whose position is as good as the answer then.
    /// What comes back is where the window begins now.
    pub(crate) fn is_asked_for(&self, cursor: &mut Cursor) -> Position {
        let state = self.state();
        cursor.generation = state.window.generation();
        state.window.floor()
    }

    /// Moves the cursor over events that it got from the log behind the window.
    pub(crate) fn skip_to(&self, cursor: &mut Cursor, position: Position, events: u64) {
        self.state().advance(cursor, position, events);
    }

    /// Moves the cursor to the head, and tells how many events it has missed as far as they came
    /// through here.
    pub(crate) fn skip_to_head(&self, cursor: &mut Cursor, head: Option<Position>) -> u64 {
        let mut state = self.state();
        if let Some(head) = head {
            state.window.advance(head);
        }
        let seen = state.readers.get(cursor.key).map(|it| it.standing.seen);
        let missed = state
            .window
            .appended()
            .saturating_sub(seen.unwrap_or_default());
        state.move_to_head(cursor);
        state.counts.gaps += 1;
        missed
    }

    /// The topic's state as an event without an id, and the cursor moved to what follows it;
    /// `None` if there is no state.
    pub(crate) fn take_snapshot(&self, cursor: &mut Cursor) -> Result<Option<Bytes>, EventError> {
        self.snapshots.take(|| {
            let mut state = self.state();
            state.move_to_head(cursor);
            cursor.after
        })
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

    fn advance(&mut self, cursor: &mut Cursor, last: Position, events: u64) {
        cursor.after = last;
        self.counts.delivered += events;
        if let Some(reader) = self.readers.get_mut(cursor.key) {
            reader.standing.seen += events;
        }
    }

    fn move_to_head(&mut self, cursor: &mut Cursor) {
        cursor.after = self.window.head();
        cursor.generation = self.window.generation();
        if let Some(reader) = self.readers.get_mut(cursor.key) {
            reader.standing.seen = self.window.appended();
        }
    }

    /// Has a subscription that has all there is wait in a group.
    #[must_use]
    fn group(&mut self, cursor: &mut Cursor, direct: Direct, waker: &Waker) -> Option<Waker> {
        let replaced = self.waiting.leave(&mut cursor.place);
        let member = Member {
            reader: cursor.key,
            direct,
            waker: waker.clone(),
        };
        if let Some(reader) = self.readers.get_mut(cursor.key) {
            reader.standing.after = cursor.after;
            reader.group = Some(self.groups.join(member, reader.standing));
            cursor.is_grouped = true;
        }
        replaced
    }

    /// A subscription that waits in a group asks. Its cursor is where it is then, unless the group
    /// is away. What comes back is the waker that it had before, if that was another.
    #[must_use]
    fn ask_group(&mut self, cursor: &mut Cursor, waker: &Waker) -> Option<Waker> {
        let reader = self.readers.get(cursor.key)?;
        cursor.is_away = false;
        let (standing, replaced) = match reader.group {
            None => {
                cursor.is_grouped = false;
                (reader.standing, None)
            }
            Some(group) => match self.groups.look(group, cursor.key, waker) {
                Look::Nothing(standing, replaced) => (standing, replaced),
                Look::Away(replaced) => {
                    cursor.is_away = true;
                    return replaced;
                }
            },
        };
        cursor.after = standing.after;
        replaced
    }

    /// A subscription is in no group any more.
    fn release(&mut self, reader: usize, standing: Standing) {
        if let Some(reader) = self.readers.get_mut(reader) {
            reader.standing = standing;
            reader.group = None;
        }
    }

    /// How many events the subscription has seen or skipped that is behind all others.
    fn slowest(&self) -> Option<u64> {
        let standing = |reader: &Reader| {
            let group = reader.group.and_then(|group| self.groups.standing(group));
            group.unwrap_or(reader.standing)
        };
        let seen = |(_, reader)| standing(reader).seen;
        self.readers.iter().map(seen).min()
    }

    fn counts_now(&self) -> Counts {
        Counts {
            published: self.window.appended(),
            ..self.counts
        }
    }
}
