//! A part of a topic's log: encoded events one after the other, handed out without a copy.
//!
//! Events are appended to an open buffer. The first reader freezes it into a block, and all readers
//! at the same position share the block. A reader that has several blocks ahead joins them into
//! one, and leaves the joined block for later readers. So no reader costs more than one copy of
//! what it is about to be sent, and readers that are up to date, the usual case, cost none. The
//! blocks of one allocation cannot be joined without a copy in safe code, as `Bytes` has no way
//! back from a shared slice to the whole.

use bytes::{Bytes, BytesMut};

use crate::position::Position;

/// One event of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) position: Position,
    /// When it was appended, in milliseconds on the hub's clock.
    pub(crate) at: u64,
    end: u32,
    /// The length of the line with the id, which is the last one, and of the blank line.
    id_len: u8,
}

#[derive(Debug)]
struct Block {
    start: usize,
    bytes: Bytes,
}

#[derive(Debug, Default)]
pub(crate) struct Segment {
    entries: Vec<Entry>,
    blocks: Vec<Block>,
    /// How many bytes the blocks have, which is where `open` begins.
    frozen: usize,
    open: BytesMut,
}

/// The events from one entry of a segment to its end.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) bytes: Bytes,
    pub(crate) entries: &'a [Entry],
    start: usize,
}

impl Piece<'_> {
    /// Returns the lines of each event, without the one with the id and the blank line.
    pub(crate) fn events(&self) -> impl Iterator<Item = (Position, Bytes)> {
        let mut start = self.start;
        self.entries.iter().map(move |entry| {
            let from = start - self.start;
            start = entry.end as usize;
            let to = start - self.start - usize::from(entry.id_len);
            (entry.position, self.bytes.slice(from..to))
        })
    }
}

impl Segment {
    pub(crate) fn len(&self) -> usize {
        self.frozen + self.open.len()
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns how many bytes the entry at `index` takes.
    pub(crate) fn entry_len(&self, index: usize) -> usize {
        self.entries
            .get(index)
            .map_or(0, |entry| entry.end as usize - self.start_of(index))
    }

    /// Whether an event of this length can be appended; offsets are 32 bits.
    pub(crate) fn has_room(&self, len: usize, segment_size: usize) -> bool {
        self.entries.is_empty() || self.len().saturating_add(len) <= segment_size
    }

    /// Appends the lines of an event, then the line with its id and the blank line. `capacity` is the
    /// size of a new allocation.
    pub(crate) fn append(
        &mut self,
        position: Position,
        at: u64,
        lines: &[u8],
        id_line: &[u8],
        capacity: &mut usize,
        segment_size: usize,
    ) {
        let len = lines.len() + id_line.len();
        if self.open.capacity() - self.open.len() < len {
            // Not grown in place: that would copy or unshare what is there.
            self.freeze();
            self.open = BytesMut::with_capacity(len.max(*capacity));
            *capacity = segment_size.min(*capacity * 2);
        }
        self.open.extend_from_slice(lines);
        self.open.extend_from_slice(id_line);
        self.entries.push(Entry {
            position,
            at,
            end: u32::try_from(self.len()).unwrap_or(u32::MAX),
            id_len: u8::try_from(id_line.len()).unwrap_or(u8::MAX),
        });
    }

    /// Discards the entries from the one at `index` on.
    pub(crate) fn truncate(&mut self, index: usize) {
        self.freeze();
        let end = self.start_of(index);
        self.entries.truncate(index);
        self.blocks.retain_mut(|block| {
            block.bytes.truncate(end.saturating_sub(block.start));
            !block.bytes.is_empty()
        });
        self.frozen = end;
        self.open = BytesMut::new();
    }

    /// Frees the memory for further events, as there will be none.
    pub(crate) fn seal(&mut self) {
        self.freeze();
        self.open = BytesMut::new();
        self.entries.shrink_to_fit();
    }

    /// Returns the events from the one at `index` on.
    pub(crate) fn piece(&mut self, index: usize) -> Piece<'_> {
        let start = self.start_of(index);
        Piece {
            bytes: self.bytes_from(start),
            entries: self.entries.get(index..).unwrap_or_default(),
            start,
        }
    }

    /// Puts the end of what precedes the entry at `index` before what is in `end`, which may have so many bytes then.
    #[cfg(feature = "gzip")]
    pub(crate) fn prepend_before(&self, index: usize, max_len: usize, end: &mut Vec<u8>) {
        let mut to = self.start_of(index);
        let from = to.saturating_sub(max_len.saturating_sub(end.len()));
        // What is not frozen is the last.
        let open = (self.frozen, &self.open[..]);
        let blocks = self
            .blocks
            .iter()
            .map(|block| (block.start, &block.bytes[..]));
        let all: Vec<_> = blocks.chain([open]).collect();
        for (start, bytes) in all.into_iter().rev() {
            if start < to {
                let within = from.saturating_sub(start)..to - start;
                end.splice(..0, bytes.get(within).unwrap_or_default().iter().copied());
                to = start;
            }
            if to <= from {
                return;
            }
        }
    }

    fn start_of(&self, index: usize) -> usize {
        index
            .checked_sub(1)
            .and_then(|before| self.entries.get(before))
            .map_or(0, |entry| entry.end as usize)
    }

    fn freeze(&mut self) {
        if !self.open.is_empty() {
            let bytes = self.open.split().freeze();
            self.frozen += bytes.len();
            self.blocks.push(Block {
                start: self.frozen - bytes.len(),
                bytes,
            });
        }
    }

    fn bytes_from(&mut self, start: usize) -> Bytes {
        self.freeze();
        let after = match self.blocks.last() {
            // Most readers are up to date.
            Some(last) if last.start <= start => self.blocks.len(),
            _ => self.blocks.partition_point(|block| block.start <= start),
        };
        let Some((block, rest)) = self
            .blocks
            .get_mut(after.saturating_sub(1)..)
            .and_then(<[Block]>::split_first_mut)
        else {
            return Bytes::new();
        };
        let within = (start - block.start).min(block.bytes.len());
        if rest.is_empty() {
            return block.bytes.slice(within..);
        }

        let mut joined = Vec::with_capacity(self.frozen - start);
        joined.extend_from_slice(&block.bytes[within..]);
        for block in &*rest {
            joined.extend_from_slice(&block.bytes);
        }
        let joined = Bytes::from(joined);
        block.bytes.truncate(within);
        let keep = if within == 0 { after - 1 } else { after };
        self.blocks.truncate(keep);
        self.blocks.push(Block {
            start,
            bytes: joined.clone(),
        });
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 1024;

    fn filled(events: u64) -> Segment {
        let mut segment = Segment::default();
        for number in 0..events {
            append(&mut segment, number);
        }
        segment
    }

    fn append(segment: &mut Segment, number: u64) {
        let lines = format!("data: {number}\n");
        segment.append(
            Position::new(0, number),
            0,
            lines.as_bytes(),
            b"id: x\n\n",
            &mut 64,
            SIZE,
        );
    }

    #[test]
    fn readers_at_the_same_position_share_the_same_memory() {
        let mut segment = filled(3);
        let first = segment.piece(1).bytes;
        let second = segment.piece(1).bytes;
        assert_eq!(first, "data: 1\nid: x\n\ndata: 2\nid: x\n\n");
        assert_eq!(first.as_ptr(), second.as_ptr());
        // What a reader further on gets is a part of it.
        assert_eq!(segment.piece(2).bytes.as_ptr(), first[15..].as_ptr());
    }

    #[test]
    fn blocks_are_joined_once_for_all_readers_that_lag() {
        let mut segment = Segment::default();
        for number in 0..20 {
            append(&mut segment, number);
            // A reader that is up to date makes each event a block.
            assert_eq!(
                segment.piece(number as usize).bytes,
                format!("data: {number}\nid: x\n\n")
            );
        }
        let whole = segment.piece(5).bytes;
        let events: String = (5..20).map(|n| format!("data: {n}\nid: x\n\n")).collect();
        assert_eq!(whole, events);
        assert_eq!(segment.piece(5).bytes.as_ptr(), whole.as_ptr());
        assert_eq!(
            segment.piece(12).bytes.as_ptr(),
            whole[whole.len() - segment.piece(12).bytes.len()..].as_ptr()
        );
        // The blocks before are still there.
        assert!(segment.piece(0).bytes.starts_with(b"data: 0\nid: x\n\n"));
    }

    #[test]
    fn a_piece_gives_the_lines_of_its_events_without_their_ids() {
        let mut segment = filled(4);
        let piece = segment.piece(2);
        let events: Vec<_> = piece
            .events()
            .map(|(p, event)| (p.minor(), event.to_vec()))
            .collect();
        assert_eq!(
            events,
            [(2, b"data: 2\n".to_vec()), (3, b"data: 3\n".to_vec())]
        );
    }
}
