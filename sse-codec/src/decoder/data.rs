//! The data of an event that is put together from several lines or chunks, as bytes until it is
//! handed out.
//!
//! Whether it is text is looked at once, when the event is complete: checking every part as it
//! comes would cost more than the rest of the work on a small chunk.

use alloc::string::String;
use alloc::vec::Vec;

use super::limits::EventLimit;
use super::text;
use crate::simd;

/// Text is not as many times as long as the bytes that it replaces: U+FFFD for a single one is
/// three. (A power of two is quicker to divide by.)
const MUCH_LONGER: usize = 4;

/// What the compiler copies without a call.
const SHORT_LINE: usize = 128;

#[derive(Clone, Debug)]
pub(super) struct Data {
    /// The lines, each with an LF behind it.
    bytes: Vec<u8>,
    /// Up to where it is known by how much the text will be longer than the bytes.
    measured: usize,
    longer: usize,
    /// The text, if it is not what the bytes are.
    replaced: String,
}

impl Data {
    pub(super) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            measured: 0,
            longer: 0,
            replaced: String::new(),
        }
    }

    /// Whether there is a line, if only an empty one.
    #[inline]
    pub(super) fn is_any(&self) -> bool {
        !self.bytes.is_empty()
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.measured = 0;
        self.longer = 0;
    }

    /// Goes on with a line, unless the limit was passed already. That is no error before the line
    /// has an end, as the line may turn out to be too long itself.
    #[inline]
    pub(super) fn push(&mut self, part: &[u8], limit: usize) {
        if self.bytes.len() <= limit {
            self.bytes.extend_from_slice(part);
        }
    }

    /// Ends the line. The limit is on the text.
    #[inline]
    pub(super) fn end_line(&mut self, limit: usize) -> Result<(), EventLimit> {
        self.bytes.push(b'\n');
        self.check(limit)
    }

    /// Adds a whole line: the first `len` bytes of `rest`, the last of which is its LF. Whether it
    /// is certain that the limit is not passed; if not, nothing was added.
    #[inline(always)]
    pub(super) fn push_line(&mut self, rest: &[u8], len: usize, limit: usize) -> bool {
        let end = self.bytes.len() + len;
        if end > limit / MUCH_LONGER {
            return false;
        }
        match rest.first_chunk::<SHORT_LINE>() {
            // Copying a block and taking back what is too much is quicker than a call.
            Some(block) if len <= SHORT_LINE => {
                self.bytes.extend_from_slice(block);
                self.bytes.truncate(end);
            }
            _ => self.bytes.extend_from_slice(&rest[..len]),
        }
        true
    }

    #[inline]
    fn check(&mut self, limit: usize) -> Result<(), EventLimit> {
        if self.bytes.len() <= limit / MUCH_LONGER || self.measure() <= limit {
            Ok(())
        } else {
            Err(EventLimit(limit))
        }
    }

    /// The length of the text. No character goes on behind a line, so each is measured once.
    #[cold]
    fn measure(&mut self) -> usize {
        let line = &self.bytes[self.measured..];
        if simd::utf8(line).is_err() {
            self.longer += line
                .utf8_chunks()
                .filter(|part| !part.invalid().is_empty())
                .map(|part| char::REPLACEMENT_CHARACTER.len_utf8() - part.invalid().len())
                .sum::<usize>();
        }
        self.measured = self.bytes.len();
        joined(&self.bytes).len() + self.longer
    }

    /// All of it, when no line is unfinished.
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

/// The lines, joined with LF instead of each with one behind it.
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
        assert!(!joined.is_any());
        assert_eq!(joined.text(), "");
    }

    #[test]
    fn whole_lines_of_any_length_are_copied_and_nothing_behind_them() {
        for len in [1, 2, SHORT_LINE - 1, SHORT_LINE, SHORT_LINE + 1] {
            for behind in [0, 1, SHORT_LINE] {
                let mut line = vec![b'x'; len];
                line[len - 1] = b'\n';
                let rest = [&line[..], &vec![b'?'; behind]].concat();
                let mut joined = Data::new();
                assert!(joined.push_line(&rest, len, MUCH_LONGER * 2 * len));
                assert!(joined.push_line(&rest, len, MUCH_LONGER * 2 * len));
                assert_eq!(joined.bytes, line.repeat(2));
                assert!(!joined.push_line(&rest, len, MUCH_LONGER * 2 * len));
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
