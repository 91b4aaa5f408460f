//! Text as lines of one field.
//!
//! A line ends at LF, CR or CRLF (HTML § 9.2.5), so text that holds one of them must become
//! several lines of the same field, or what follows it would be read as a field of its own.

use memchr::memchr2;

use crate::buffer::Buffer;

/// Appends every line of `text` with `prefix` in front and LF behind. Text without a line break,
/// empty text included, is one line.
#[inline]
pub(crate) fn put_lines<B: Buffer>(out: &mut B, prefix: &[u8], text: &[u8]) {
    let mut rest = text;
    loop {
        out.put(prefix);
        let Some(end) = memchr2(b'\n', b'\r', rest) else {
            out.put(rest);
            out.put(b"\n");
            return;
        };
        out.put(&rest[..end]);
        out.put(b"\n");
        rest = &rest[end + break_len(&rest[end..])..];
    }
}

/// Makes lines of what was appended raw after `start`: every line break becomes LF and `prefix`.
///
/// Formatters write in pieces, and a CRLF may lie across two of them; going over the whole once
/// afterwards is simpler than watching each piece, and free where there is no break to be found.
pub(crate) fn split_written<B: Buffer>(out: &mut B, start: usize, prefix: &[u8]) {
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
    // of one or two bytes grows to LF + prefix, so the target never falls behind the source.
    let end = out.filled();
    let growth = breaks * (1 + prefix.len()) - break_bytes;
    let all = out.grow(growth);
    let (mut source, mut target) = (end, end + growth);
    while source > start {
        source -= 1;
        let byte = all[source];
        if byte == b'\n' || byte == b'\r' {
            if byte == b'\n' && source > start && all[source - 1] == b'\r' {
                source -= 1;
            }
            target -= prefix.len();
            all[target..target + prefix.len()].copy_from_slice(prefix);
            target -= 1;
            all[target] = b'\n';
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

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::buffer::sealed::Growable as _;

    #[test]
    fn lf_cr_and_crlf_each_end_one_line() {
        let mut out = Vec::new();
        put_lines(&mut out, b"> ", b"a\nb\rc\r\nd\n\re");
        assert_eq!(out, b"> a\n> b\n> c\n> d\n> \n> e\n");
    }

    proptest! {
        #[test]
        fn splitting_afterwards_equals_splitting_beforehand(
            before in "[a\r\n]{0,4}",
            text in "[ab\r\n]{0,24}",
        ) {
            let mut forward = before.clone().into_bytes();
            put_lines(&mut forward, b"data: ", text.as_bytes());

            let mut afterwards = before.into_bytes();
            afterwards.put(b"data: ");
            let start = afterwards.len();
            afterwards.put(text.as_bytes());
            split_written(&mut afterwards, start, b"data: ");
            afterwards.put(b"\n");
            prop_assert_eq!(forward, afterwards);
        }
    }
}
