//! The newest part of a topic's log, which this process has in memory: bounded by bytes, number
//! and age.
//!
//! It knows positions, not subscribers; the topic knows those and wakes them.

use std::collections::VecDeque;
#[cfg(feature = "gzip")]
use std::sync::Arc;

use bytes::Bytes;
#[cfg(feature = "gzip")]
use sse_session::gzip::{HISTORY, SharedPiece};

use crate::options::Retention;
use crate::position::Position;
use crate::topic::cursor::WindowRead;
use crate::topic::generations::Generations;
use crate::topic::segment::{Entry, Piece, Segment};
#[cfg(feature = "gzip")]
use crate::topic::shared_pieces::SharedPieces;

/// How many marks of losses there may be.
const MAX_MARKS: usize = 1_024;

/// The size of a topic's first allocation; each further one is twice as large, up to a segment.
const FIRST_CAPACITY: usize = 512;

#[derive(Debug)]
pub(crate) struct Window {
    segments: VecDeque<Segment>,
    /// How many of the first segment's entries are trimmed.
    trimmed: usize,
    /// The window has every entry after it.
    floor: Position,
    /// The positions of the marks of losses after the floor. Each is followed by a new segment, so that
    /// no batch goes beyond it.
    marks: VecDeque<Position>,
    /// Whether a mark follows the newest event, so that the next one begins a segment.
    ends_with_mark: bool,
    /// The floor, or the last mark: what follows it or a later position needs no closer look.
    barrier: Position,
    /// No entry follows it.
    head: Position,
    /// The position of the event that ends the topic, or a later one.
    end: Option<Position>,
    /// Whether the window is all that there is of the log.
    is_log: bool,
    events: usize,
    bytes: usize,
    appended: u64,
    retention: Retention,
    segment_size: usize,
    capacity: usize,
    generations: Generations,
    /// The location after the position that was looked up last: many readers are at the same one.
    located: Option<(Position, Location)>,
    /// The batch after the position that was read last: most readers take the same.
    batch: Option<(Position, Batch)>,
    #[cfg(feature = "gzip")]
    shared: SharedPieces,
}

/// Where an event is.
#[derive(Clone, Copy, Debug)]
struct Location {
    segment: usize,
    index: usize,
}

/// Returns a position as one number.
#[cfg(feature = "gzip")]
fn number(position: Position) -> u128 {
    u128::from(position.major()) << 64 | u128::from(position.minor())
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
            marks: VecDeque::new(),
            ends_with_mark: false,
            barrier: floor,
            head: head.max(floor),
            end: None,
            is_log: false,
            events: 0,
            bytes: 0,
            appended: 0,
            segment_size: retention.segment_size(),
            capacity: FIRST_CAPACITY,
            generations: Generations::default(),
            located: None,
            batch: None,
            #[cfg(feature = "gzip")]
            shared: SharedPieces::default(),
            retention,
        }
    }

    /// Notes that there is no log but the window: the topic is gone with its last event.
    pub(crate) fn set_log(&mut self) {
        self.is_log = true;
    }

    /// Notes that the topic ends at the head.
    pub(crate) fn finish(&mut self) {
        self.end = Some(self.head);
    }

    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    /// Returns the position of the event that ends the topic, or a later one, if the topic is finished.
    pub(crate) fn end(&self) -> Option<Position> {
        self.end
    }

    /// Whether the topic is finished, and nothing follows a position, not even the mark of a loss.
    pub(crate) fn is_end(&self, position: Position) -> bool {
        self.end.is_some_and(|end| position >= end) && position >= self.barrier
    }

    pub(crate) fn floor(&self) -> Position {
        self.floor
    }

    pub(crate) fn head(&self) -> Position {
        self.head
    }

    pub(crate) fn retention(&self) -> Retention {
        self.retention
    }

    pub(crate) fn events(&self) -> usize {
        self.events
    }

    /// Whether it has events or marks.
    pub(crate) fn has_entries(&self) -> bool {
        self.events > 0 || !self.marks.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns when the newest event will be too old; 0 if there is none.
    pub(crate) fn expires_at(&self) -> u64 {
        let newest = self.newest().filter(|_| self.events > 0);
        newest.map_or(0, |newest| self.too_old_at(newest))
    }

    fn newest(&self) -> Option<&Entry> {
        self.segments.back().and_then(|last| last.entries().last())
    }

    fn too_old_at(&self, entry: &Entry) -> u64 {
        entry.at.saturating_add(self.retention.max_age_millis())
    }

    /// Returns how many events were ever appended.
    pub(crate) fn appended(&self) -> u64 {
        self.appended
    }

    pub(crate) fn generations(&self) -> &Generations {
        &self.generations
    }

    /// Whether the position is certainly one of this history: the floor, the head or that of an
    /// entry in the window.
    pub(crate) fn has(&self, position: Position) -> bool {
        position == self.floor
            || position == self.head
            || self.has_mark(position)
            || self.locate(position).is_some()
    }

    /// Whether the window has a mark at the position.
    pub(crate) fn has_mark(&self, position: Position) -> bool {
        self.marks.binary_search(&position).is_ok()
    }

    /// Returns the positions that are certainly of this history, in their order.
    pub(crate) fn positions(&self) -> Vec<Position> {
        let entries = self.segments.iter().flat_map(Segment::entries);
        let events = entries.skip(self.trimmed).map(|entry| entry.position);
        let mut positions: Vec<_> = std::iter::once(self.floor)
            .chain(events)
            .chain(self.marks.iter().copied())
            .chain(std::iter::once(self.head))
            .collect();
        positions.sort_unstable();
        positions.dedup();
        positions
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
        // A reader of the last event is at the head then, and does not wait.
        if self.end.is_none() {
            self.head = self.head.max(head);
        }
    }

    /// Skips an entry that is beyond the head.
    pub(crate) fn skip(&mut self, position: Position) {
        self.head = position;
    }

    /// Discards all entries: there is a hole before what follows `at`.
    pub(crate) fn restart(&mut self, at: Position) {
        self.generations.restart();
        *self = Self {
            appended: self.appended,
            generations: std::mem::take(&mut self.generations),
            is_log: self.is_log,
            ..Self::new(self.retention, at, at)
        };
    }

    /// Appends the mark of a loss at a position beyond the head.
    pub(crate) fn mark(&mut self, position: Position) {
        debug_assert!(position > self.head, "{position:?} {:?}", self.head);
        if self.marks.len() == MAX_MARKS {
            // A quiet topic of an engine that loses something again and again.
            let is_finished = self.is_finished();
            self.restart(self.head);
            if is_finished {
                self.finish();
            }
        }
        self.marks.push_back(position);
        self.ends_with_mark = true;
        self.barrier = position;
        self.head = position;
    }

    /// Discards the entries after `at`, which the window has: the engine has lost them.
    pub(crate) fn cut(&mut self, at: Position) {
        let lost: Box<[_]> = self.positions().into_iter().filter(|it| *it > at).collect();
        let Location { segment, index } = self.seek(|position| position <= at);
        while self.segments.len() > segment {
            let keep = if self.segments.len() == segment + 1 {
                index
            } else {
                0
            };
            let first = if self.segments.len() == 1 {
                self.trimmed
            } else {
                0
            };
            let Some(last) = self.segments.back_mut() else {
                break;
            };
            for index in keep.max(first)..last.entries().len() {
                self.bytes -= last.entry_len(index);
                self.events -= 1;
            }
            last.truncate(keep);
            if keep > first {
                break;
            }
            self.segments.pop_back();
        }
        if self.segments.is_empty() {
            self.trimmed = 0;
        }
        self.marks.retain(|mark| *mark <= at);
        let newest = self.newest();
        self.ends_with_mark = self
            .marks
            .back()
            .is_some_and(|mark| newest.is_none_or(|newest| newest.position < *mark));
        self.head = at;
        self.end = self.end.filter(|end| *end <= at);
        // What was trimmed since is lost as well.
        self.floor = self.floor.min(at);
        self.set_barrier();
        self.located = None;
        self.batch = None;
        #[cfg(feature = "gzip")]
        self.shared.clear();
        self.generations.cut(at, lost);
    }

    fn set_barrier(&mut self) {
        let last = self.marks.back().copied();
        self.barrier = last.map_or(self.floor, |last| last.max(self.floor));
    }

    /// Appends the lines of an event, then the line with its id and the blank line, at a position
    /// beyond the head.
    pub(crate) fn append(&mut self, position: Position, now: u64, lines: &[u8], id_line: &[u8]) {
        debug_assert!(position > self.head, "{position:?} {:?}", self.head);
        let len = lines.len() + id_line.len();
        let has_room = !self.ends_with_mark
            && self
                .segments
                .back()
                .is_some_and(|last| last.has_room(len, self.segment_size));
        if !has_room {
            if let Some(last) = self.segments.back_mut() {
                last.seal();
            }
            self.segments.push_back(Segment::default());
            self.ends_with_mark = false;
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
            let too_old = self.too_old_at(oldest) <= now;
            let too_much = self.events > 1
                && (self.events > self.retention.max_events
                    || self.bytes > self.retention.max_bytes);
            if !too_old && !too_much {
                return;
            }
            self.floor = oldest.position;
            self.discard_oldest();
            while self.marks.front().is_some_and(|mark| *mark <= self.floor) {
                self.marks.pop_front();
            }
            self.set_barrier();
        }
        if self.is_log && self.end.is_some() {
            // The name can be used again.
            self.end = None;
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
        #[cfg(feature = "gzip")]
        self.shared.forget_up_to(self.floor);
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

    /// Returns the end of what precedes the events after a position, as they follow each other in the log.
    #[cfg(feature = "gzip")]
    fn text_before(&self, after: Position, max_len: usize) -> Vec<u8> {
        let Location { segment, index } = self.seek(|position| position <= after);
        let mut end = Vec::with_capacity(max_len);
        let first = self.segments.get(segment).map(|it| (it, index));
        let before = self.segments.iter().take(segment).rev();
        let before = before.map(|it| (it, it.entries().len()));
        for (segment, index) in first.into_iter().chain(before) {
            segment.prepend_before(index, max_len, &mut end);
            if end.len() >= max_len {
                break;
            }
        }
        end
    }

    /// As [`batch`](Self::batch), as a piece that is compressed once for all readers at this position. `text`
    /// identifies the topic.
    #[cfg(feature = "gzip")]
    pub(crate) fn shared(
        &mut self,
        after: Position,
        text: u64,
    ) -> WindowRead<(Position, u64, Arc<SharedPiece>)> {
        self.batch(after).map(|batch| {
            let mut pieces = std::mem::take(&mut self.shared);
            let piece = pieces.get(after, batch.last, || {
                let before = self.text_before(after, HISTORY).into();
                let [from, to] = [after, batch.last].map(number);
                SharedPiece::new(text, from, to, before, batch.bytes)
            });
            self.shared = pieces;
            (batch.last, batch.events, piece)
        })
    }

    /// Returns what follows `after`, up to the end of the segment that it lies in.
    pub(crate) fn read(&mut self, after: Position) -> WindowRead<Piece<'_>> {
        if after >= self.head {
            return WindowRead::UpToDate;
        }
        if after < self.barrier {
            if after < self.floor {
                return WindowRead::Trimmed;
            }
            if let Some(mark) = self.next_mark(after) {
                return WindowRead::Mark(mark);
            }
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

    /// Returns the mark after a position, if no event comes before it; of several, the last one.
    #[cold]
    fn next_mark(&self, after: Position) -> Option<Position> {
        let Location { segment, index } = self.seek(|position| position <= after);
        let entries = self.segments.get(segment).map(Segment::entries);
        let event = entries.and_then(|entries| entries.get(index));
        let is_before = |mark: &Position| event.is_none_or(|event| *mark < event.position);
        let last = self.marks.partition_point(is_before).checked_sub(1)?;
        let mark = self.marks[last];
        (mark > after).then_some(mark)
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
                WindowRead::Mark(mark) => {
                    // As a number that no event has.
                    numbers.push(1_000 + mark.minor());
                    after = mark;
                }
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
            WindowRead::Mark(_) | WindowRead::Trimmed => Some((0, 0, 0)),
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

    #[test]
    fn a_mark_comes_between_the_events_before_it_and_those_after_it() {
        let mut window = window(Retention::new().max_events(4));
        fill(&mut window, 1..=2);
        window.mark(at(3));
        assert_eq!(read_all(&mut window, at(0)), Some(vec![1, 2, 1_003]));
        assert_eq!(read_all(&mut window, at(3)), Some(vec![]));
        fill(&mut window, 4..=5);
        window.mark(at(6));
        // Two that follow each other are passed together.
        window.advance(at(7));
        window.mark(at(8));
        window.advance(at(9));
        assert_eq!(
            read_all(&mut window, at(1)),
            Some(vec![2, 1_003, 4, 5, 1_008])
        );
        assert_eq!(read_all(&mut window, at(6)), Some(vec![1_008]));
        fill(&mut window, 10..=11);
        assert_eq!(
            read_all(&mut window, at(2)),
            Some(vec![1_003, 4, 5, 1_008, 10, 11])
        );
        assert!([3, 6, 8].iter().all(|mark| window.has(at(*mark))));
        fill(&mut window, 12..=13);
        assert_eq!(window.marks, [at(6), at(8)]);
        assert_eq!(
            read_all(&mut window, at(5)),
            Some(vec![1_008, 10, 11, 12, 13])
        );
        window.trim(u64::MAX);
        assert_eq!(window.floor(), at(13));
        assert!(window.marks.is_empty());
    }

    #[test]
    fn a_window_is_cut_anywhere_and_continues_from_there() {
        let mut uncut = window(Retention::new().max_bytes(64 * 1024));
        fill(&mut uncut, 1..=1_000);
        uncut.mark(at(1_001));
        fill(&mut uncut, 1_002..=2_000);
        assert!(uncut.segments.len() > 2);
        let all: Vec<_> = read_all(&mut uncut, at(0)).expect("all of them");
        let number = |number: &u64| if *number == 2_001 { 1_001 } else { *number };
        for at_number in [0, 1, 500, 999, 1_000, 1_001, 1_002, 1_999, 2_000] {
            let mut window = window(Retention::new().max_bytes(64 * 1024));
            fill(&mut window, 1..=1_000);
            window.mark(at(1_001));
            fill(&mut window, 1_002..=2_000);
            let generation = window.generations().current();
            window.cut(at(at_number));
            let mut left = all.clone();
            left.retain(|it| number(it) <= at_number);
            let events = left.iter().filter(|it| **it != 2_001).count();
            assert_eq!((window.head(), window.events()), (at(at_number), events));
            assert_eq!(read_all(&mut window, at(0)).as_ref(), Some(&left));
            assert_ne!(window.generations().current(), generation);
            fill(&mut window, 3_000..=3_001);
            left.extend([3_000, 3_001]);
            assert_eq!(read_all(&mut window, at(0)).as_ref(), Some(&left));
            window.trim(u64::MAX);
            assert_eq!(
                (window.events(), window.bytes(), window.segments.len()),
                (0, 0, 0)
            );
        }
    }

    #[test]
    fn a_window_is_cut_among_what_is_trimmed() {
        for at_number in 7..=10 {
            let mut window = window(Retention::new().max_events(3));
            fill(&mut window, 1..=10);
            assert_eq!(window.floor(), at(7));
            window.cut(at(at_number));
            let left: Vec<_> = (8..=at_number).collect();
            assert_eq!(window.events(), left.len());
            assert_eq!(read_all(&mut window, at(7)), Some(left.clone()));
            fill(&mut window, 20..=21);
            let after: Vec<_> = left.into_iter().chain([20, 21]).collect();
            let after = after[after.len().saturating_sub(3)..].to_vec();
            let bytes = |number: &u64| format!("data: {number}\nid: x\n\n").len();
            assert_eq!(window.bytes(), after.iter().map(bytes).sum::<usize>());
            let floor = window.floor();
            assert_eq!(read_all(&mut window, floor), Some(after));
        }
    }
}
