//! The stretch of a topic's log that this process holds: bounded by bytes, number and age.
//!
//! It knows positions, not subscribers; waiting and telling are the topic's.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::options::Retention;
use crate::position::Position;
use crate::topic::segment::{Piece, Segment};

/// What a topic's first allocation holds; each further one holds twice as much, up to a segment.
const FIRST_CAPACITY: usize = 512;

#[derive(Debug)]
pub(crate) struct Window {
    segments: VecDeque<Segment>,
    /// How many of the first segment's entries are trimmed.
    trimmed: usize,
    /// Everything after it is held.
    floor: Position,
    /// There is nothing after it.
    head: Position,
    events: usize,
    bytes: usize,
    appended: u64,
    retention: Retention,
    segment_size: usize,
    capacity: usize,
    /// How often it was restarted: positions of before may be anything now.
    generation: u32,
    /// What was found last, and for which position: many readers are at the same one.
    found: Option<(Position, Found)>,
    /// What was taken last as a whole, and after which position. Most readers take the same.
    taken: Option<(Position, Taken)>,
}

/// Where an event is: which segment, and which of its entries.
#[derive(Clone, Copy, Debug)]
struct Found {
    segment: usize,
    index: usize,
}

/// Events as they are handed out: all from one place to the end of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) bytes: Bytes,
    /// The position of the last one.
    pub(crate) last: Position,
    pub(crate) events: u64,
}

/// What a reader finds after its position.
#[derive(Debug)]
pub(crate) enum Read<T> {
    Piece(T),
    Nothing,
    /// Not all that followed its position is held any more.
    Behind,
}

impl<T> Read<T> {
    #[inline]
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> Read<U> {
        match self {
            Self::Piece(piece) => Read::Piece(map(piece)),
            Self::Nothing => Read::Nothing,
            Self::Behind => Read::Behind,
        }
    }
}

impl Window {
    /// An empty window in which everything after `floor` will be, and of which it is known that
    /// nothing came up to `head`.
    pub(crate) fn new(retention: Retention, floor: Position, head: Position) -> Self {
        Self {
            segments: VecDeque::new(),
            trimmed: 0,
            floor,
            head: head.max(floor),
            events: 0,
            bytes: 0,
            appended: 0,
            segment_size: retention.segment_size(),
            capacity: FIRST_CAPACITY,
            generation: 0,
            found: None,
            taken: None,
            retention,
        }
    }

    pub(crate) const fn floor(&self) -> Position {
        self.floor
    }

    pub(crate) const fn head(&self) -> Position {
        self.head
    }

    pub(crate) const fn events(&self) -> usize {
        self.events
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many events were ever appended.
    pub(crate) const fn appended(&self) -> u64 {
        self.appended
    }

    pub(crate) const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether this is the floor, the head or the position of an event that is held: one of this
    /// history for sure.
    pub(crate) fn holds(&self, position: Position) -> bool {
        position == self.floor || position == self.head || self.find(position).is_some()
    }

    /// The event at a position, without its id.
    pub(crate) fn event_at(&mut self, position: Position) -> Option<Bytes> {
        let Found { segment, index } = self.find(position)?;
        let piece = self.segments.get_mut(segment)?.piece(index);
        piece.events().next().map(|(_, event)| event)
    }

    /// Where the event at a position is, if it is held.
    fn find(&self, position: Position) -> Option<Found> {
        let found = self.seek(|other| other < position);
        let entry = self.segments.get(found.segment)?.entries().get(found.index);
        let is_there = entry.is_some_and(|entry| entry.position == position);
        let is_trimmed = position <= self.floor;
        (is_there && !is_trimmed).then_some(found)
    }

    /// Where the first event is whose position is not passed over. Those that are must be the
    /// first ones.
    fn seek(&self, is_passed: impl Fn(Position) -> bool) -> Found {
        let segment = self.segments.partition_point(|segment| {
            let last = segment.entries().last();
            last.is_some_and(|last| is_passed(last.position))
        });
        let entries = self.segments.get(segment).map(Segment::entries);
        let index = entries.map_or(0, |entries| {
            entries.partition_point(|entry| is_passed(entry.position))
        });
        Found { segment, index }
    }

    /// Notes that nothing came up to `head`.
    pub(crate) fn advance(&mut self, head: Position) {
        self.head = self.head.max(head);
    }

    /// Forgets all that is held: there is a hole before what comes after `at`.
    pub(crate) fn restart(&mut self, at: Position) {
        *self = Self {
            appended: self.appended,
            generation: self.generation.wrapping_add(1),
            ..Self::new(self.retention, at, at)
        };
    }

    /// Appends an event at a position beyond the head.
    pub(crate) fn append(&mut self, position: Position, now: u64, id_line: &[u8], event: &[u8]) {
        debug_assert!(position > self.head, "{position:?} {:?}", self.head);
        let len = id_line.len() + event.len();
        let has_room = self
            .segments
            .back()
            .is_some_and(|last| last.has_room(len, self.segment_size));
        if !has_room {
            if let Some(last) = self.segments.back_mut() {
                last.seal();
            }
            self.segments.push_back(Segment::default());
        }
        if let Some(last) = self.segments.back_mut() {
            last.append(
                position,
                now,
                id_line,
                event,
                &mut self.capacity,
                self.segment_size,
            );
        }
        self.head = position;
        self.events += 1;
        self.bytes += len;
        self.appended += 1;
        self.taken = None;
        self.trim(now);
    }

    /// Lets go of what is beyond the retention at `now`. The newest event is held whatever its
    /// length, until it is too old.
    pub(crate) fn trim(&mut self, now: u64) {
        while let Some(oldest) = self
            .segments
            .front()
            .and_then(|first| first.entries().get(self.trimmed))
        {
            let too_old = oldest.at.saturating_add(self.retention.max_age_millis()) <= now;
            let too_much = self.events > 1
                && (self.events > self.retention.max_events
                    || self.bytes > self.retention.max_bytes);
            if !too_old && !too_much {
                return;
            }
            self.floor = oldest.position;
            self.let_go_of_oldest();
        }
    }

    fn let_go_of_oldest(&mut self) {
        let Some(first) = self.segments.front() else {
            return;
        };
        self.bytes -= first.entry_len(self.trimmed);
        self.events -= 1;
        self.trimmed += 1;
        // It would keep what is let go of.
        self.taken = None;
        if self.trimmed == first.entries().len() {
            self.segments.pop_front();
            self.trimmed = 0;
            self.found = None;
            if self.segments.is_empty() {
                // Quiet for long: begin small again.
                self.capacity = FIRST_CAPACITY;
            }
        }
    }

    /// What follows `after`, up to the end of the segment that it lies in, as one piece.
    pub(crate) fn take(&mut self, after: Position) -> Read<Taken> {
        if let Some((known, taken)) = &self.taken
            && *known == after
        {
            return Read::Piece(taken.clone());
        }
        let read = self.read(after).map(|piece| Taken {
            last: piece.entries.last().map_or(after, |entry| entry.position),
            events: piece.entries.len() as u64,
            bytes: piece.bytes,
        });
        if let Read::Piece(taken) = &read {
            self.taken = Some((after, taken.clone()));
        }
        read
    }

    /// What follows `after`, up to the end of the segment that it lies in.
    pub(crate) fn read(&mut self, after: Position) -> Read<Piece<'_>> {
        if after >= self.head {
            return Read::Nothing;
        }
        if after < self.floor {
            return Read::Behind;
        }
        let found = match self.found {
            Some((known, found)) if known == after => found,
            _ => self.seek(|position| position <= after),
        };
        let Some(segment) = self.segments.get_mut(found.segment) else {
            return Read::Nothing;
        };
        self.found = Some((after, found));
        Read::Piece(segment.piece(found.index))
    }

    /// How many events follow `after`.
    pub(crate) fn count_after(&self, after: Position) -> u64 {
        let found = self.seek(|position| position <= after);
        let segments = self.segments.iter().skip(found.segment);
        let events: usize = segments.map(|segment| segment.entries().len()).sum();
        (events - found.index) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(number: u64) -> Position {
        Position::new(1, number)
    }

    fn window(retention: Retention) -> Window {
        Window::new(retention, at(0), at(0))
    }

    fn fill(window: &mut Window, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            window.append(
                at(number),
                number,
                b"id: x\n",
                format!("data: {number}\n\n").as_bytes(),
            );
        }
    }

    fn read_all(window: &mut Window, mut after: Position) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        loop {
            match window.read(after) {
                Read::Behind => return None,
                Read::Nothing => return Some(numbers),
                Read::Piece(piece) => {
                    numbers.extend(piece.entries.iter().map(|entry| entry.position.minor()));
                    after = piece.entries.last().expect("a piece has entries").position;
                }
            }
        }
    }

    #[test]
    fn everything_after_a_position_is_found_across_segments() {
        let mut window = window(Retention::new().max_bytes(64 * 1024));
        fill(&mut window, 1..=2000);
        assert!(window.segments.len() > 2);
        for after in [0, 1, 700, 1999, 2000] {
            assert_eq!(
                read_all(&mut window, at(after)),
                Some((after + 1..=2000).collect())
            );
            assert_eq!(window.count_after(at(after)), 2000 - after);
        }
    }

    #[test]
    fn what_is_taken_is_what_is_there_by_then() {
        let mut window = window(Retention::new().max_events(3));
        let take = |window: &mut Window, after| match window.take(at(after)) {
            Read::Piece(taken) => Some((taken.bytes.len(), taken.last.minor(), taken.events)),
            Read::Nothing => None,
            Read::Behind => Some((0, 0, 0)),
        };
        fill(&mut window, 1..=2);
        let each = b"id: x\ndata: 1\n\n".len();
        for _ in 0..2 {
            assert_eq!(take(&mut window, 0), Some((2 * each, 2, 2)));
        }
        assert_eq!(take(&mut window, 1), Some((each, 2, 1)));
        fill(&mut window, 3..=3);
        assert_eq!(take(&mut window, 1), Some((2 * each, 3, 2)));
        fill(&mut window, 4..=5);
        assert_eq!(take(&mut window, 1), Some((0, 0, 0)));
        assert_eq!(take(&mut window, 2), Some((3 * each, 5, 3)));
        window.restart(at(7));
        assert_eq!(take(&mut window, 2), Some((0, 0, 0)));
        assert_eq!(take(&mut window, 7), None);
    }

    #[test]
    fn number_bytes_and_age_bound_what_is_held() {
        let mut by_number = window(Retention::new().max_events(3));
        fill(&mut by_number, 1..=10);
        assert_eq!(read_all(&mut by_number, at(7)), Some(vec![8, 9, 10]));
        assert_eq!(read_all(&mut by_number, at(6)), None);

        // Nine bytes of event and six of id each.
        let mut by_bytes = window(Retention::new().max_bytes(45));
        fill(&mut by_bytes, 1..=9);
        assert_eq!((by_bytes.events(), by_bytes.bytes()), (3, 45));
        assert_eq!(by_bytes.floor(), at(6));

        let mut by_age = window(Retention::new().max_age(Duration::from_millis(5)));
        fill(&mut by_age, 1..=10);
        assert_eq!(by_age.floor(), at(5));
        by_age.trim(100);
        assert_eq!(
            (by_age.events(), by_age.bytes(), by_age.segments.len()),
            (0, 0, 0)
        );
        assert_eq!((by_age.floor(), by_age.head()), (at(10), at(10)));
        assert_eq!(read_all(&mut by_age, at(9)), None);
        assert_eq!(read_all(&mut by_age, at(10)), Some(vec![]));
    }

    #[test]
    fn an_event_longer_than_a_segment_has_one_of_its_own() {
        let mut window = window(Retention::new());
        fill(&mut window, 1..=1);
        window.append(at(2), 0, b"id: x\n", &vec![b'x'; 100_000]);
        fill(&mut window, 3..=3);
        assert_eq!(window.segments.len(), 3);
        assert_eq!(read_all(&mut window, at(0)), Some(vec![1, 2, 3]));
    }
}
