//! Text as lines of one field.
//!
//! A line ends at LF, CR or CRLF (HTML § 9.2.5), so text that holds one of them must become
//! several lines of the same field, or what follows it would be read as a field of its own.

use memchr::{memchr, memchr2};

use super::buffer::Buffer;
use super::error::EncodeError;
use super::field::Field;
use super::plain::{SHORT, is_plain};
use crate::line_ends::LineEnds;

/// How much of a long line is searched before it is copied: few enough bytes for them to be in
/// the nearest cache still, which takes a third of the time off a line of 4 KiB.
const STRETCH: usize = 2048;

/// Whether `text` is one line, and short enough to be looked at as a whole before it is copied. It
/// may say no of text that is.
#[inline(always)]
pub(crate) fn is_short_line(text: &[u8]) -> bool {
    if text.len() <= SHORT {
        is_plain(text)
    } else {
        text.len() <= STRETCH && memchr2(b'\n', b'\r', text).is_none()
    }
}

/// Appends every line of `text` as a line of one field, the first of which was begun and the last
/// of which is not ended. Text without a line break, empty text included, is one line.
///
/// `next` is what goes between two lines: LF and the field's prefix.
#[inline]
pub(crate) fn put_lines<B: Buffer, const N: usize>(out: &mut B, next: &[u8; N], text: &[u8]) {
    if text.len() <= SHORT && is_plain(text) {
        out.put(text);
    } else {
        put_long(out, next, text);
    }
}

/// Appends `text`, which is long or may hold line breaks.
fn put_long<B: Buffer, const N: usize>(out: &mut B, next: &[u8; N], text: &[u8]) {
    out.reserve(text.len() + 2);
    let mut rest = text;
    while !rest.is_empty() {
        let (stretch, after) = rest.split_at(rest.len().min(STRETCH));
        if let Some(first) = memchr2(b'\n', b'\r', stretch) {
            return put_broken(out, next, rest, first);
        }
        out.put(stretch);
        rest = after;
    }
}

/// Appends `text` whose first line break is at `first`. Where there is one there are more, and
/// the lines tend to be short, so they are found as the decoder finds them. Gathering them on the
/// stack first was no faster.
fn put_broken<B: Buffer, const N: usize>(out: &mut B, next: &[u8; N], text: &[u8], first: usize) {
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

/// Makes lines of what was appended raw after `start`: every line break becomes `next`, LF
/// and the field's prefix.
///
/// Formatters write in pieces, and a CRLF may lie across two of them; going over the whole once
/// afterwards is simpler than watching each piece, and free where there is no break to be found.
pub(crate) fn split_written<B: Buffer>(out: &mut B, start: usize, next: &[u8]) {
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

    // From the back to the front, so that nothing is overwritten before it has moved. Each break
    // of one or two bytes grows to `next`, so the target never falls behind the source.
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

/// The length of the line break that `bytes` begins with.
#[inline]
fn break_len(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\r\n") { 2 } else { 1 }
}

/// Appends `event: name`. A line break would end the line and forge a field.
#[inline]
pub(crate) fn put_name<B: Buffer>(out: &mut B, name: &str) -> Result<(), EncodeError> {
    if !is_plain(name.as_bytes()) {
        check_line(Field::Event, name)?;
    }
    put_one_line(out, b"event: ", name);
    Ok(())
}

/// Appends `id: id`. HTML § 9.2.6: an id with NUL is ignored by the client, so it is an error
/// here rather than an event that silently cannot be resumed from.
#[inline]
pub(crate) fn put_id<B: Buffer>(out: &mut B, id: &str) -> Result<(), EncodeError> {
    if !is_plain(id.as_bytes()) {
        check_id(id)?;
    }
    put_one_line(out, b"id: ", id);
    Ok(())
}

#[inline]
fn put_one_line<B: Buffer, const N: usize>(out: &mut B, prefix: &[u8; N], value: &str) {
    out.put(prefix);
    out.put(value.as_bytes());
    out.put(b"\n");
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
    use crate::encoder::buffer::sealed::Growable as _;

    /// Whole lines.
    fn put_all<const N: usize>(out: &mut Vec<u8>, next: &[u8; N], text: &[u8]) {
        out.put(&next[1..]);
        put_lines(out, next, text);
        out.put(b"\n");
    }

    #[test]
    fn lf_cr_and_crlf_each_end_one_line() {
        let mut out = Vec::new();
        put_all(&mut out, b"\n> ", b"a\nb\rc\r\nd\n\re");
        assert_eq!(out, b"> a\n> b\n> c\n> d\n> \n> e\n");
    }

    /// Slow and obvious.
    fn put_lines_obviously(text: &str) -> Vec<u8> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines = text.split('\n').map(|line| format!("> {line}\n"));
        lines.collect::<String>().into_bytes()
    }

    #[test]
    fn a_line_break_is_found_wherever_it_lies_in_a_long_text() {
        for len in [SHORT - 1, SHORT, STRETCH, STRETCH + 1, 3 * STRETCH] {
            let places = [
                0,
                1,
                SHORT - 1,
                SHORT,
                STRETCH - 2,
                STRETCH - 1,
                STRETCH,
                len - 1,
            ];
            for at in places.into_iter().filter(|at| *at < len) {
                for line_end in ["\n", "\r", "\r\n", "\n\r", "\t"] {
                    let mut text = "a".repeat(len);
                    text.insert_str(at, line_end);
                    let mut out = Vec::new();
                    put_all(&mut out, b"\n> ", text.as_bytes());
                    let expected = put_lines_obviously(&text);
                    assert!(out == expected, "{line_end:?} at {at} of {len}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn lines_are_those_of_a_plain_search(
            pieces in prop::collection::vec("[ab\t]{0,90}(\r|\n|\r\n|\n\n)?", 0..40),
        ) {
            let text = pieces.concat();
            let mut out = Vec::new();
            put_all(&mut out, b"\n> ", text.as_bytes());
            prop_assert_eq!(out, put_lines_obviously(&text));
        }

        #[test]
        fn splitting_afterwards_equals_splitting_beforehand(
            before in "[a\r\n]{0,4}",
            text in "[ab\r\n]{0,24}",
        ) {
            let mut forward = before.clone().into_bytes();
            put_all(&mut forward, b"\ndata: ", text.as_bytes());

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
