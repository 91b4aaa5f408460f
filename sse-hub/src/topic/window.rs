//! The newest part of a topic's log, which this process has in memory: bounded by bytes, number
//! and age.
//!
//! It knows positions, not subscribers; the topic knows those and wakes them.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::options::Retention;
use crate::position::Position;
use crate::topic::cursor::WindowRead;
use crate::topic::segment::{Piece, Segment};

/// The size of a topic's first allocation; each further one is twice as large, up to a segment.
const FIRST_CAPACITY: usize = 512;

#[derive(Debug)]
pub(crate) struct Window {
    segments: VecDeque<Segment>,
    /// How many of the first segment's entries are trimmed.
    trimmed: usize,
    /// The window has every entry after it.
    floor: Position,
    /// No entry follows it.
    head: Position,
    events: usize,
    bytes: usize,
    appended: u64,
    retention: Retention,
    segment_size: usize,
    capacity: usize,
    /// How often the window was restarted: earlier positions may be of another history.
    generation: u32,
    /// The location after the position that was looked up last: many readers are at the same one.
    located: Option<(Position, Location)>,
    /// The batch after the position that was read last: most readers take the same.
    batch: Option<(Position, Batch)>,
}

/// Where an event is.
#[derive(Clone, Copy, Debug)]
struct Location {
    segment: usize,
    index: usize,
}

/// The events from one position to the end of a segment.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) bytes: Bytes,
    /// The position of the last one.
    pub(crate) last: Position,
    pub(crate) events: u64,
}

impl Window {
    /// Creates an empty window that will have every entry after `floor`, of which there is none up
    /// to `head`.
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
            located: None,
            batch: None,
            retention,
        }
    }

    pub(crate) fn floor(&self) -> Position {
        self.floor
    }

    pub(crate) fn head(&self) -> Position {
        self.head
    }

    pub(crate) fn events(&self) -> usize {
        self.events
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many events were ever appended.
    pub(crate) fn appended(&self) -> u64 {
        self.appended
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the position is certainly one of this history: the floor, the head or that of an
    /// event in the window.
    pub(crate) fn has(&self, position: Position) -> bool {
        position == self.floor || position == self.head || self.locate(position).is_some()
    }

    /// Returns the lines of the event at a position, without its id and the blank line.
    pub(crate) fn event_at(&mut self, position: Position) -> Option<Bytes> {
        let Location { segment, index } = self.locate(position)?;
        let piece = self.segments.get_mut(segment)?.piece(index);
        piece.events().next().map(|(_, event)| event)
    }

    /// Returns where the event at a position is, if the window has it.
    fn locate(&self, position: Position) -> Option<Location> {
        let location = self.seek(|other| other < position);
        let segment = self.segments.get(location.segment)?;
        let entry = segment.entries().get(location.index);
        let is_there = entry.is_some_and(|entry| entry.position == position);
        let is_trimmed = position <= self.floor;
        (is_there && !is_trimmed).then_some(location)
    }

    /// Returns where the first event is whose position is not skipped. The skipped ones must be
    /// the first ones.
    fn seek(&self, is_skipped: impl Fn(Position) -> bool) -> Location {
        let segment = self.segments.partition_point(|segment| {
            let last = segment.entries().last();
            last.is_some_and(|last| is_skipped(last.position))
        });
        let entries = self.segments.get(segment).map(Segment::entries);
        let index = entries.map_or(0, |entries| {
            entries.partition_point(|entry| is_skipped(entry.position))
        });
        Location { segment, index }
    }

    /// Notes that there are no further entries up to `head`.
    pub(crate) fn advance(&mut self, head: Position) {
        self.head = self.head.max(head);
    }

    /// Discards all entries: there is a hole before what follows `at`.
    pub(crate) fn restart(&mut self, at: Position) {
        *self = Self {
            appended: self.appended,
            generation: self.generation.wrapping_add(1),
            ..Self::new(self.retention, at, at)
        };
    }

    /// Appends the lines of an event, then the line with its id and the blank line, at a position
    /// beyond the head.
    pub(crate) fn append(&mut self, position: Position, now: u64, lines: &[u8], id_line: &[u8]) {
        debug_assert!(position > self.head, "{position:?} {:?}", self.head);
        let len = lines.len() + id_line.len();
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
                lines,
                id_line,
                &mut self.capacity,
                self.segment_size,
            );
        }
        self.head = position;
        self.events += 1;
        self.bytes += len;
        self.appended += 1;
        self.batch = None;
        self.trim(now);
    }

    /// Discards what exceeds the retention at `now`. The newest event is kept whatever its length,
    /// until it is too old.
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
            self.discard_oldest();
        }
    }

    fn discard_oldest(&mut self) {
        let Some(first) = self.segments.front() else {
            return;
        };
        self.bytes -= first.entry_len(self.trimmed);
        self.events -= 1;
        self.trimmed += 1;
        // It would keep the memory of the discarded event.
        self.batch = None;
        if self.trimmed == first.entries().len() {
            self.segments.pop_front();
            self.trimmed = 0;
            self.located = None;
            if self.segments.is_empty() {
                // The topic was quiet for long: begin small again.
                self.capacity = FIRST_CAPACITY;
            }
        }
    }

    /// Returns what follows `after`, up to the end of the segment that it lies in, as one piece of
    /// memory.
    #[inline]
    pub(crate) fn batch(&mut self, after: Position) -> WindowRead<Batch> {
        match &self.batch {
            Some((known, batch)) if *known == after => WindowRead::Piece(batch.clone()),
            _ => self.read_batch(after),
        }
    }

    fn read_batch(&mut self, after: Position) -> WindowRead<Batch> {
        let read = self.read(after).map(|piece| Batch {
            last: piece.entries.last().map_or(after, |entry| entry.position),
            events: piece.entries.len() as u64,
            bytes: piece.bytes,
        });
        if let WindowRead::Piece(batch) = &read {
            self.batch = Some((after, batch.clone()));
        }
        read
    }

    /// Returns what follows `after`, up to the end of the segment that it lies in.
    pub(crate) fn read(&mut self, after: Position) -> WindowRead<Piece<'_>> {
        if after >= self.head {
            return WindowRead::UpToDate;
        }
        if after < self.floor {
            return WindowRead::Trimmed;
        }
        let location = match self.located {
            Some((known, location)) if known == after => location,
            _ => self.seek(|position| position <= after),
        };
        let Some(segment) = self.segments.get_mut(location.segment) else {
            return WindowRead::UpToDate;
        };
        self.located = Some((after, location));
        WindowRead::Piece(segment.piece(location.index))
    }

    /// Returns how many events follow `after`.
    pub(crate) fn count_after(&self, after: Position) -> u64 {
        let location = self.seek(|position| position <= after);
        let segments = self.segments.iter().skip(location.segment);
        let events: usize = segments.map(|segment| segment.entries().len()).sum();
        (events - location.index) as u64
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
                format!("data: {number}\n").as_bytes(),
                b"id: x\n\n",
            );
        }
    }

    fn read_all(window: &mut Window, mut after: Position) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        loop {
            match window.read(after) {
                WindowRead::Trimmed => return None,
                WindowRead::UpToDate => return Some(numbers),
                WindowRead::Piece(piece) => {
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
    fn a_batch_is_what_the_window_has_by_then() {
        let mut window = window(Retention::new().max_events(3));
        let take = |window: &mut Window, after| match window.batch(at(after)) {
            WindowRead::Piece(batch) => Some((batch.bytes.len(), batch.last.minor(), batch.events)),
            WindowRead::UpToDate => None,
            WindowRead::Trimmed => Some((0, 0, 0)),
        };
        fill(&mut window, 1..=2);
        let each = b"data: 1\nid: x\n\n".len();
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
    fn number_bytes_and_age_bound_the_window() {
        let mut by_number = window(Retention::new().max_events(3));
        fill(&mut by_number, 1..=10);
        assert_eq!(read_all(&mut by_number, at(7)), Some(vec![8, 9, 10]));
        assert_eq!(read_all(&mut by_number, at(6)), None);

        // Eight bytes of lines and seven bytes of id each.
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
        window.append(at(2), 0, &vec![b'x'; 100_000], b"id: x\n\n");
        fill(&mut window, 3..=3);
        assert_eq!(window.segments.len(), 3);
        assert_eq!(read_all(&mut window, at(0)), Some(vec![1, 2, 3]));
    }
}
