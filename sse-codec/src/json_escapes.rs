//! Escapes for the characters beyond ASCII that some clients take for line ends.
//!
//! U+0085, U+2028 and U+2029 end no line of an event stream, and JSON allows them in strings. But
//! clients that split text with `str.splitlines` of Python or by a regular expression of
//! JavaScript cut the data there. In JSON they can be escaped, and occur in strings only, so that
//! all of them can be replaced once a value is written. What a value needs is found by one comparison
//! for each block of bytes; a formatter of the serializer would search each string.

use memchr::memchr3_iter;

use crate::encoder::Growable;

/// Whether `json` has neither line breaks nor characters beyond ASCII, as most JSON does.
// Nonnegative bytes are ASCII, so one signed comparison finds both. The compiler vectorizes it.
#[inline]
pub(crate) fn is_plain(json: &[u8]) -> bool {
    let (blocks, rest) = json.as_chunks::<64>();
    if !blocks.iter().all(are_plain) {
        return false;
    }
    let (blocks, rest) = match json.last_chunk::<16>() {
        // The last block overlaps the others, so that there is no remainder.
        Some(last) if are_plain(last) => (rest.as_chunks::<16>().0, &[][..]),
        Some(_) => return false,
        None => (&[][..], rest),
    };
    blocks.iter().all(are_plain) && rest.iter().all(|byte| are_plain(&[*byte]))
}

#[inline(always)]
fn are_plain<const N: usize>(block: &[u8; N]) -> bool {
    let is_plain = |byte: u8| byte.cast_signed() > b'\r'.cast_signed();
    block
        .iter()
        .fold(true, |plain, byte| plain & is_plain(*byte))
}

/// Replaces the characters in the JSON that was appended after `start` by their escapes.
#[cold]
pub(crate) fn escape_line_ends<B: Growable>(out: &mut B, start: usize) {
    let written = &out.bytes()[start..];
    // The last byte of each character. Text is UTF-8, but others may end with these bytes too.
    let growth: usize = memchr3_iter(0x85, 0xA8, 0xA9, written)
        .filter_map(|last| line_end(&written[..=last]))
        .map(|(len, escape)| escape.len() - len)
        .sum();

    // Moves the bytes from back to front, so that none is overwritten before it has moved, until
    // those are reached that stay in their place.
    let mut source = out.filled();
    let mut target = source + growth;
    let all = out.grow(growth);
    while target > source {
        if let Some((len, escape)) = line_end(&all[start..source]) {
            source -= len;
            let end = target;
            target -= escape.len();
            all[target..end].copy_from_slice(escape);
        } else {
            source -= 1;
            target -= 1;
            all[target] = all[source];
        }
    }
}

/// Returns the length and the escape of the character that `text` ends with, if it is one of these.
fn line_end(text: &[u8]) -> Option<(usize, &'static [u8; 6])> {
    match text {
        [.., 0xC2, 0x85] => Some((2, br"\u0085")),
        [.., 0xE2, 0x80, 0xA8] => Some((3, br"\u2028")),
        [.., 0xE2, 0x80, 0xA9] => Some((3, br"\u2029")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str) -> String {
        let before = "\u{2028}before\u{85}";
        let mut out = Vec::from(before);
        out.extend_from_slice(text.as_bytes());
        escape_line_ends(&mut out, before.len());
        let out = String::from_utf8(out).expect("UTF-8");
        out.strip_prefix(before).expect("unchanged").into()
    }

    #[test]
    fn the_three_characters_are_escaped_wherever_they_are() {
        assert_eq!(escaped(""), "");
        assert_eq!(escaped("\u{85}"), r"\u0085");
        assert_eq!(
            escaped("a\u{2028}\u{2028}b\u{2029}"),
            r"a\u2028\u2028b\u2029"
        );
        let neighbours = "\u{84}\u{86}\u{2027}\u{202A}\u{A8}\u{4085}é…日本語😀";
        assert_eq!(escaped(neighbours), neighbours);
    }

    #[test]
    fn every_byte_is_recognized_at_every_place_of_every_length() {
        for len in 0..150 {
            assert!(is_plain(&vec![b'a'; len]), "{len}");
            for at in 0..len {
                for byte in [0, b'\n', b'\r', 0x0E, b'~', 0x7F, 0x80, 0xC2, 0xE2, 0xFF] {
                    let mut json = vec![b'a'; len];
                    json[at] = byte;
                    let expected = byte > b'\r' && byte.is_ascii();
                    assert_eq!(is_plain(&json), expected, "{byte} at {at} of {len}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn other_characters_stay_as_they_are(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just("\u{85}".into()),
                    Just("\u{2028}".into()),
                    Just("\u{2029}".into()),
                    "[a-z\u{80}-\u{90}\u{2020}-\u{2030}]{0,5}",
                    any::<String>(),
                ],
                0..12,
            ),
        ) {
            let text = pieces.concat();
            let expected = text
                .replace('\u{85}', r"\u0085")
                .replace('\u{2028}', r"\u2028")
                .replace('\u{2029}', r"\u2029");
            prop_assert_eq!(escaped(&text), expected);
        }
    }
}
