//! Bytes as text: checked once where they are UTF-8, replaced where they are not.
//!
//! A malformed character never reaches over an ASCII byte, such as those that end lines and
//! names. So decoding each value by itself gives what decoding the whole stream would.

use alloc::string::String;

use crate::simd;

/// The first stretch that is checked. Few bytes, so that little is wasted on who takes one event
/// and goes.
const FIRST_WINDOW: usize = 64;

/// The longest stretch that is checked at once, so that it is still in the cache when it is read.
const LONGEST_WINDOW: usize = 16 * 1024;

/// Hands out parts of a chunk as text. Checking a long stretch is much cheaper than checking each
/// short value in it, so it goes ahead, in stretches that grow.
#[derive(Debug)]
pub(super) struct Text<'c> {
    /// A part of the chunk that is UTF-8, and where it begins.
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

    /// The bytes from `start` to `end` of `chunk`, if they are UTF-8. The chunk must be the same
    /// each time, and no `start` before an earlier one.
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

/// As much of `bytes` as is text.
fn valid_prefix(bytes: &[u8]) -> &str {
    let bytes = &bytes[..bytes.len() - cut_character(bytes)];
    match simd::utf8(bytes) {
        Ok(text) => text,
        // It takes a second look to have it as text, but only where something is broken.
        Err(valid_up_to) => simd::utf8(&bytes[..valid_up_to]).unwrap_or_default(),
    }
}

/// How many bytes at the end begin a character that would go on behind them.
pub(super) fn cut_character(bytes: &[u8]) -> usize {
    for (len, byte) in (1..4).zip(bytes.iter().rev()) {
        match byte {
            // The middle of a character, look further ahead.
            0x80..0xC0 => {}
            0xC0.. => return if utf8_len(*byte) > len { len } else { 0 },
            _ => return 0,
        }
    }
    0
}

/// The length of the character that `first` begins.
fn utf8_len(first: u8) -> usize {
    first.leading_ones() as usize
}

/// Appends `bytes` as text. The Encoding Standard's decoder replaces each maximal subpart of a
/// character that is not one by U+FFFD, and this does the same.
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
    fn text_longer_than_a_stretch_is_found_whole() {
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
        assert_eq!(replaced("plain é".as_bytes()), "plain é");
        assert_eq!(replaced(b"a\xFFb"), "a\u{fffd}b");
        assert_eq!(replaced(b"\xF0\x9F\x98"), "\u{fffd}");
        assert_eq!(replaced(b"\xF0\x9F\x98a"), "\u{fffd}a");
        assert_eq!(replaced(b"\xED\xA0\x80"), "\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(replaced(b"\xC0\x80"), "\u{fffd}\u{fffd}");
        assert_eq!(replaced(b"\xE2\x82\xF0\x9F"), "\u{fffd}\u{fffd}");
    }
}
