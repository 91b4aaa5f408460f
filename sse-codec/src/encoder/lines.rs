//! Text as the lines of a field.
//!
//! A line ends at LF, CR or CRLF (HTML § 9.2.5). Data and comments that contain one are written as
//! several lines of the same field, or the rest of the text would be read as another field. In a
//! name or an id, a line end is an error.

use memchr::{memchr, memchr2};

use super::buffer::Buffer;
use super::buffer::sealed::Growable;
use super::error::EncodeError;
use super::field::Field;
use super::low_bytes::{self, has_low_byte};
use crate::line_ends::LineEnds;

/// How many bytes of a long line are searched before they are copied. They are still in the nearest
/// cache then, which takes a third of the time off a line of 4 KiB.
const SEARCHED: usize = 2048;

/// Writes the lines of one event.
///
/// The end of a line is written together with the beginning of the next, or with the blank line: each
/// call of `put` has its cost, and a small event consists of few of them.
#[derive(Debug)]
pub(super) struct LineWriter<'a, B> {
    pub(super) out: &'a mut B,
    /// Whether a line has no end yet.
    is_open: bool,
    /// Whether a line was written that takes effect only with the blank line. Comments and `retry`
    /// do not need one.
    is_block: bool,
}

impl<'a, B: Buffer> LineWriter<'a, B> {
    #[inline]
    pub(super) fn new(out: &'a mut B) -> Self {
        Self {
            out,
            is_open: false,
            is_block: false,
        }
    }

    /// Begins a line of a field. `next` is LF and the field's prefix.
    #[inline(always)]
    pub(super) fn begin<const N: usize>(&mut self, next: &[u8; N]) {
        self.is_block = true;
        self.begin_line(next);
    }

    /// Begins a line that takes effect without a blank line.
    #[inline(always)]
    pub(super) fn begin_line<const N: usize>(&mut self, next: &[u8; N]) {
        if self.is_open {
            self.out.put(next);
        } else {
            self.out.put(&next[1..]);
            self.is_open = true;
        }
    }

    /// Writes each line of `text` as a line of a field. Empty text is one line.
    #[inline(always)]
    pub(super) fn text<const N: usize>(&mut self, next: &[u8; N], text: &str) {
        self.is_block = true;
        self.lines(next, text);
    }

    /// Writes each line of `text` as a comment line.
    #[inline(always)]
    pub(super) fn comment(&mut self, text: &str) {
        self.lines(b"\n: ", text);
    }

    #[inline(always)]
    fn lines<const N: usize>(&mut self, next: &[u8; N], text: &str) {
        self.begin_line(next);
        let text = text.as_bytes();
        if text.len() <= low_bytes::MAX_LEN && !has_low_byte(text) {
            self.out.put(text);
        } else {
            put_long(self.out.inner(), next, text);
        }
    }

    /// Writes the event's name. A line break in it would forge a field, and is an error.
    #[inline(always)]
    pub(super) fn name(&mut self, name: &str) -> Result<(), EncodeError> {
        if has_low_byte(name.as_bytes()) {
            check_line(Field::Event, name)?;
        }
        self.begin(b"\nevent: ");
        self.out.put(name.as_bytes());
        Ok(())
    }

    /// Writes the event's id. Clients ignore an id with NUL (HTML § 9.2.6) and could not resume from
    /// the event, so it is an error.
    #[inline(always)]
    pub(super) fn id(&mut self, id: &str) -> Result<(), EncodeError> {
        let limit = self.out.max_id_len();
        if id.len() > limit {
            return Err(EncodeError::IdTooLong {
                len: id.len(),
                limit,
            });
        }
        if has_low_byte(id.as_bytes()) {
            check_id(id)?;
        }
        self.begin(b"\nid: ");
        self.out.put(id.as_bytes());
        Ok(())
    }

    /// Ends the last line, and the event with a blank line. An event without lines is nothing.
    /// Comments and `retry` alone end without a blank line.
    #[inline(always)]
    pub(super) fn end(self) {
        if self.is_block {
            self.out.put(b"\n\n");
        } else if self.is_open {
            self.out.put(b"\n");
        }
    }
}

/// Appends `text`, which is long or may contain line breaks.
// Cold, which saves small texts two instructions.
#[cold]
fn put_long<B: Growable, const N: usize>(out: &mut B, next: &[u8; N], text: &[u8]) {
    out.reserve(text.len() + 2);
    let mut rest = text;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.len().min(SEARCHED));
        if let Some(first) = memchr2(b'\n', b'\r', part) {
            return put_broken(out, next, rest, first);
        }
        out.put(part);
        rest = after;
    }
}

/// Appends `text`, whose first line break is at `first`. Such text often has many short lines, so
/// their ends are found in blocks, as in the decoder. Collecting the lines on the stack first was
/// not faster.
fn put_broken<B: Growable, const N: usize>(out: &mut B, next: &[u8; N], text: &[u8], first: usize) {
    let mut start = 0;
    let mut ends = LineEnds::new(first);
    while let Some(end) = ends.next(text, first) {
        // The LF of a CRLF ends no second line.
        if end >= start {
            out.put(&text[start..end]);
            out.put(next);
            start = end + 1;
            if text[end] == b'\r' && text.get(start) == Some(&b'\n') {
                start += 1;
            }
        }
    }
    out.put(&text[start..]);
}

/// Splits what was appended after `start` into lines: every line break becomes `next`, which is LF
/// and the field's prefix.
///
/// Formatters write in pieces, and a CRLF may extend over two of them. One pass over the whole text
/// is simpler than a check of each piece, and cheap where there is no line break.
pub(super) fn split_written<B: Growable>(out: &mut B, start: usize, next: &[u8]) {
    let written = &out.bytes()[start..];
    let (mut breaks, mut break_bytes) = (0_usize, 0_usize);
    let mut at = 0;
    while let Some(found) = memchr2(b'\n', b'\r', &written[at..]) {
        at += found;
        let len = break_len(&written[at..]);
        at += len;
        breaks += 1;
        break_bytes += len;
    }
    if breaks == 0 {
        return;
    }

    // Moves the bytes from back to front, so that none is overwritten before it has moved. `next`
    // is longer than any line break, so the target never precedes the source.
    let end = out.filled();
    let growth = breaks * next.len() - break_bytes;
    let all = out.grow(growth);
    let (mut source, mut target) = (end, end + growth);
    while source > start {
        source -= 1;
        let byte = all[source];
        if byte == b'\n' || byte == b'\r' {
            if byte == b'\n' && source > start && all[source - 1] == b'\r' {
                source -= 1;
            }
            target -= next.len();
            all[target..target + next.len()].copy_from_slice(next);
        } else {
            target -= 1;
            all[target] = byte;
        }
    }
    debug_assert_eq!(source, target);
}

/// Returns the length of the line break that `bytes` begins with.
#[inline]
fn break_len(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\r\n") { 2 } else { 1 }
}

#[cold]
fn check_id(id: &str) -> Result<(), EncodeError> {
    let field = Field::Id;
    match memchr(0, id.as_bytes()) {
        Some(position) => Err(EncodeError::Nul { field, position }),
        None => check_line(field, id),
    }
}

#[cold]
fn check_line(field: Field, value: &str) -> Result<(), EncodeError> {
    match memchr2(b'\n', b'\r', value.as_bytes()) {
        Some(position) => Err(EncodeError::LineBreak { field, position }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// Appends whole lines.
    fn put_all<const N: usize>(out: &mut Vec<u8>, next: &[u8; N], text: &str) {
        LineWriter::new(out).text(next, text);
        out.put(b"\n");
    }

    #[test]
    fn lf_cr_and_crlf_each_end_one_line() {
        let mut out = Vec::new();
        put_all(&mut out, b"\n> ", "a\nb\rc\r\nd\n\re");
        assert_eq!(out, b"> a\n> b\n> c\n> d\n> \n> e\n");
    }

    /// Splits the text with the standard library.
    fn put_lines_simply(text: &str) -> Vec<u8> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines = text.split('\n').map(|line| format!("> {line}\n"));
        lines.collect::<String>().into_bytes()
    }

    #[test]
    fn a_line_break_is_found_wherever_it_lies_in_a_long_text() {
        for len in [
            low_bytes::MAX_LEN - 1,
            low_bytes::MAX_LEN,
            SEARCHED,
            SEARCHED + 1,
            3 * SEARCHED,
        ] {
            let places = [
                0,
                1,
                low_bytes::MAX_LEN - 1,
                low_bytes::MAX_LEN,
                SEARCHED - 2,
                SEARCHED - 1,
                SEARCHED,
                len - 1,
            ];
            for at in places.into_iter().filter(|at| *at < len) {
                for line_end in ["\n", "\r", "\r\n", "\n\r", "\t"] {
                    let mut text = "a".repeat(len);
                    text.insert_str(at, line_end);
                    let mut out = Vec::new();
                    put_all(&mut out, b"\n> ", &text);
                    let expected = put_lines_simply(&text);
                    assert!(out == expected, "{line_end:?} at {at} of {len}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_standard_library(
            pieces in prop::collection::vec("[ab\t]{0,90}(\r|\n|\r\n|\n\n)?", 0..40),
        ) {
            let text = pieces.concat();
            let mut out = Vec::new();
            put_all(&mut out, b"\n> ", &text);
            prop_assert_eq!(out, put_lines_simply(&text));
        }

        #[test]
        fn splitting_afterwards_equals_splitting_beforehand(
            before in "[a\r\n]{0,4}",
            text in "[ab\r\n]{0,24}",
        ) {
            let mut forward = before.clone().into_bytes();
            put_all(&mut forward, b"\ndata: ", &text);

            let mut afterwards = before.into_bytes();
            afterwards.put(b"data: ");
            let start = afterwards.len();
            afterwards.put(text.as_bytes());
            split_written(&mut afterwards, start, b"\ndata: ");
            afterwards.put(b"\n");
            prop_assert_eq!(forward, afterwards);
        }
    }
}
