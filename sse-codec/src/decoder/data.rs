//! The data of an event that is assembled from several lines or chunks.
//!
//! It is stored as bytes and checked for UTF-8 once, when the event is complete. Checking each part
//! as it arrives would cost more than the rest of the work on a small chunk.

use alloc::string::String;
use alloc::vec::Vec;

use super::limits::EventLimit;
use super::text;
use crate::simd;

/// Decoded text is less than this many times as long as the bytes, since U+FFFD, in place of at
/// least one byte, has three. A power of two, for a cheap division.
const MAX_EXPANSION: usize = 4;

/// How many bytes are copied as one block of fixed length, which needs no call.
const COPIED_BLOCK: usize = 128;

#[derive(Clone, Debug)]
pub(super) struct Data {
    /// The lines, each followed by an LF.
    bytes: Vec<u8>,
    /// How many bytes were measured: the text for them is `expansion` bytes longer.
    measured: usize,
    expansion: usize,
    /// The text with replacements, if the bytes are not UTF-8.
    replaced: String,
}

impl Data {
    pub(super) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            measured: 0,
            expansion: 0,
            replaced: String::new(),
        }
    }

    /// Returns whether there is a line, even an empty one.
    #[inline]
    pub(super) fn has_line(&self) -> bool {
        !self.bytes.is_empty()
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.measured = 0;
        self.expansion = 0;
    }

    /// Appends a part of a line, unless the limit is already exceeded. That is reported at the end
    /// of the line, since the line itself may prove too long first.
    #[inline]
    pub(super) fn push(&mut self, part: &[u8], limit: usize) {
        if self.bytes.len() <= limit {
            self.bytes.extend_from_slice(part);
        }
    }

    /// Ends the line, and checks the limit, which applies to the text.
    #[inline]
    pub(super) fn end_line(&mut self, limit: usize) -> Result<(), EventLimit> {
        self.bytes.push(b'\n');
        self.check(limit)
    }

    /// Appends a whole line: the first `len` bytes of `rest`, including its LF. Returns `false` and
    /// appends nothing unless the text is certainly within the limit.
    #[inline(always)]
    pub(super) fn push_line(&mut self, rest: &[u8], len: usize, limit: usize) -> bool {
        let end = self.bytes.len() + len;
        if end > limit / MAX_EXPANSION {
            return false;
        }
        match rest.first_chunk::<COPIED_BLOCK>() {
            // Copying a block and truncating it is faster than a call.
            Some(block) if len <= COPIED_BLOCK => {
                self.bytes.extend_from_slice(block);
                self.bytes.truncate(end);
            }
            _ => self.bytes.extend_from_slice(&rest[..len]),
        }
        true
    }

    #[inline]
    fn check(&mut self, limit: usize) -> Result<(), EventLimit> {
        if self.bytes.len() <= limit / MAX_EXPANSION || self.measure() <= limit {
            Ok(())
        } else {
            Err(EventLimit(limit))
        }
    }

    /// Returns the length of the text. Each line is measured once, as no character extends beyond a
    /// line.
    #[cold]
    fn measure(&mut self) -> usize {
        let line = &self.bytes[self.measured..];
        if simd::utf8(line).is_err() {
            self.expansion += line
                .utf8_chunks()
                .filter(|part| !part.invalid().is_empty())
                .map(|part| char::REPLACEMENT_CHARACTER.len_utf8() - part.invalid().len())
                .sum::<usize>();
        }
        self.measured = self.bytes.len();
        joined(&self.bytes).len() + self.expansion
    }

    /// Returns the text. No line must be unfinished.
    pub(super) fn text(&mut self) -> &str {
        let Self {
            bytes, replaced, ..
        } = self;
        let joined = joined(bytes);
        match simd::utf8(joined) {
            Ok(text) => text,
            Err(_) => {
                replaced.clear();
                text::push_lossy(replaced, joined);
                replaced
            }
        }
    }
}

/// Returns the lines joined with LF: without the LF after the last one.
#[inline]
fn joined(lines: &[u8]) -> &[u8] {
    match lines {
        [joined @ .., _] => joined,
        [] => &[],
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn data(lines: &[&[u8]], limit: usize) -> (Data, Result<(), EventLimit>) {
        let mut data = Data::new();
        let mut result = Ok(());
        for line in lines {
            for byte in *line {
                data.push(&[*byte], limit);
            }
            result = result.and(data.end_line(limit));
        }
        (data, result)
    }

    #[test]
    fn lines_are_joined_and_replaced_where_they_are_not_text() {
        let (mut joined, result) = data(&[b"a", b"", b"\xFFb", "é".as_bytes()], 100);
        assert_eq!(result, Ok(()));
        assert_eq!(joined.text(), "a\n\n\u{fffd}b\né");
        joined.clear();
        assert!(!joined.has_line());
        assert_eq!(joined.text(), "");
    }

    #[test]
    fn whole_lines_of_any_length_are_copied_and_nothing_after_them() {
        for len in [1, 2, COPIED_BLOCK - 1, COPIED_BLOCK, COPIED_BLOCK + 1] {
            for after in [0, 1, COPIED_BLOCK] {
                let mut line = vec![b'x'; len];
                line[len - 1] = b'\n';
                let rest = [&line[..], &vec![b'?'; after]].concat();
                let mut joined = Data::new();
                assert!(joined.push_line(&rest, len, MAX_EXPANSION * 2 * len));
                assert!(joined.push_line(&rest, len, MAX_EXPANSION * 2 * len));
                assert_eq!(joined.bytes, line.repeat(2));
                assert!(!joined.push_line(&rest, len, MAX_EXPANSION * 2 * len));
                assert_eq!(joined.bytes, line.repeat(2));
            }
        }
    }

    #[test]
    fn a_character_does_not_go_on_in_the_next_line() {
        let (mut joined, _) = data(&[b"\xC3", b"\xA9"], 100);
        assert_eq!(joined.text(), "\u{fffd}\n\u{fffd}");
    }

    #[test]
    fn the_limit_is_on_the_text() {
        for lines in [
            &[&b"\xFF"[..], b"\xE2\x82", b"abc"][..],
            &[b"abc", b"\xFF\xFF"],
            &[b"", b"12345678", b""],
            &["é€😀".as_bytes(), b"\xF0\x9F\x98"],
        ] {
            let len = data(lines, 100).0.text().len();
            let (mut joined, result) = data(lines, len);
            assert_eq!(result, Ok(()));
            assert!(!joined.clone().push_line(b"\n", 1, len));
            joined.push(b"", len);
            assert_eq!(joined.end_line(len), Err(EventLimit(len)));
            let limit = EventLimit(len - 1);
            assert_eq!(data(lines, len - 1).1, Err(limit));
        }
    }
}
