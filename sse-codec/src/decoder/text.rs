//! Bytes as text: checked for UTF-8, and replaced where they are not.
//!
//! A malformed character never extends over an ASCII byte, and lines and names end with one. So
//! decoding each value by itself gives the same text as decoding the whole stream.

use alloc::string::String;

use crate::simd;

/// How many bytes are checked ahead at first. Few, in case only one event of the chunk is taken.
const FIRST_WINDOW: usize = 64;

/// How many bytes are checked ahead at most, so that they are still in the cache when read.
const LONGEST_WINDOW: usize = 16 * 1024;

/// Returns parts of a chunk as text. It checks ahead, in windows that grow, as checking a long
/// window is much cheaper than checking each short value in it.
#[derive(Debug)]
pub(super) struct Text<'c> {
    /// A part of the chunk that is UTF-8, and its offset.
    valid: &'c str,
    start: usize,
    window: usize,
}

impl<'c> Text<'c> {
    pub(super) const fn new() -> Self {
        Self {
            valid: "",
            start: 0,
            window: FIRST_WINDOW,
        }
    }

    /// Returns the bytes from `start` to `end` of `chunk`, if they are UTF-8. The chunk must be the
    /// same in each call, and `start` must not decrease.
    #[inline(always)]
    pub(super) fn get(&mut self, chunk: &'c [u8], start: usize, end: usize) -> Option<&'c str> {
        if end - self.start > self.valid.len() {
            self.check(chunk, start, end);
        }
        self.valid.get(start - self.start..end - self.start)
    }

    #[inline(never)]
    fn check(&mut self, chunk: &'c [u8], start: usize, end: usize) {
        let ahead = start.saturating_add(self.window).min(chunk.len()).max(end);
        self.window = (self.window * 4).min(LONGEST_WINDOW);
        self.start = start;
        self.valid = valid_prefix(&chunk[start..ahead]);
    }
}

/// Returns the longest prefix of `bytes` that is text.
fn valid_prefix(bytes: &[u8]) -> &str {
    let bytes = &bytes[..bytes.len() - cut_character(bytes)];
    match simd::utf8(bytes) {
        Ok(text) => text,
        // A second check, but only where bytes are invalid.
        Err(valid_up_to) => simd::utf8(&bytes[..valid_up_to]).unwrap_or_default(),
    }
}

/// Returns how many bytes at the end are the beginning of an incomplete character.
pub(super) fn cut_character(bytes: &[u8]) -> usize {
    for (len, byte) in (1..4).zip(bytes.iter().rev()) {
        match byte {
            // The middle of a character, whose first byte is further ahead.
            0x80..0xC0 => {}
            0xC0.. => return if utf8_len(*byte) > len { len } else { 0 },
            _ => return 0,
        }
    }
    0
}

/// Returns the length of the character that begins with `first`.
fn utf8_len(first: u8) -> usize {
    first.leading_ones() as usize
}

/// Appends `bytes` as text. Like the decoder of the Encoding Standard, it replaces each maximal
/// subpart of a malformed character by U+FFFD.
pub(super) fn push_lossy(out: &mut String, bytes: &[u8]) {
    if let Ok(text) = simd::utf8(bytes) {
        out.push_str(text);
        return;
    }
    for part in bytes.utf8_chunks() {
        out.push_str(part.valid());
        if !part.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_found_up_to_what_is_not_utf_8_and_after_it() {
        let chunk = b"one\xFFtwo \xC3\xA9\xC3";
        let mut text = Text::new();
        assert_eq!(text.get(chunk, 0, 2), Some("on"));
        assert_eq!(text.get(chunk, 1, 3), Some("ne"));
        assert_eq!(text.get(chunk, 1, 4), None);
        assert_eq!(text.get(chunk, 3, 4), None);
        assert_eq!(text.get(chunk, 4, 10), Some("two é"));
        assert_eq!(text.get(chunk, 8, 9), None);
        assert_eq!(text.get(chunk, 8, 11), None);
        assert_eq!(text.get(chunk, 11, 11), Some(""));
    }

    #[test]
    fn text_longer_than_a_window_is_found_whole() {
        let long = "é".repeat(20_000);
        let chunk = long.as_bytes();
        let mut text = Text::new();
        for at in (0..1_000).step_by(10) {
            assert_eq!(text.get(chunk, at, at + 10), Some("ééééé"));
        }
        assert_eq!(text.get(chunk, 1_000, chunk.len()), Some(&long[1_000..]));
        assert_eq!(text.get(chunk, 1_001, 1_003), None);
    }

    #[test]
    fn each_maximal_subpart_is_replaced_once() {
        let replaced = |bytes: &[u8]| {
            let mut out = String::new();
            push_lossy(&mut out, bytes);
            out
        };
        assert_eq!(replaced("valid é".as_bytes()), "valid é");
        assert_eq!(replaced(b"a\xFFb"), "a\u{fffd}b");
        assert_eq!(replaced(b"\xF0\x9F\x98"), "\u{fffd}");
        assert_eq!(replaced(b"\xF0\x9F\x98a"), "\u{fffd}a");
        assert_eq!(replaced(b"\xED\xA0\x80"), "\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(replaced(b"\xC0\x80"), "\u{fffd}\u{fffd}");
        assert_eq!(replaced(b"\xE2\x82\xF0\x9F"), "\u{fffd}\u{fffd}");
    }
}
