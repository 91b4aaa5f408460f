//! A quick look at short text: whether it can be copied as it is.
//!
//! A search for the first line break costs more in getting started than in looking at the few
//! bytes of a name, an id or a token. So all bytes are asked at once whether one of them is CR or
//! less, which hardly any text has but that with line breaks. Where in the text, and whether it
//! is only a tab, is left to the slow path.

/// The longest text that is looked at in this way. Searching is as fast from there on.
pub(crate) const SHORT: usize = 128;

/// The last of the bytes that are looked for: NUL, LF and CR are among these.
const LAST: u8 = b'\r';

/// Whether `text` certainly holds no NUL, LF and CR. It may say no of text that does not either.
// Always inlined: it is less than the call.
#[inline(always)]
pub(crate) fn is_plain(text: &[u8]) -> bool {
    // The last block overlaps with those before, rather than to leave a remainder.
    if let Some(last) = text.last_chunk() {
        let before = text[..text.len() - 1].as_chunks::<16>().0;
        !(before.iter().any(any_low) || any_low(last))
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        low_bytes(u64::from_ne_bytes(*first)) | low_bytes(u64::from_ne_bytes(*last)) == 0
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let (first, last) = (u32::from_ne_bytes(*first), u32::from_ne_bytes(*last));
        low_bytes(u64::from(first) << 32 | u64::from(last)) == 0
    } else {
        text.iter().all(|byte| *byte > LAST)
    }
}

/// [`is_plain`] of text that begins with `first` and ends with `last`, without a gap in between.
#[inline(always)]
pub(crate) fn are_plain(first: &[u8; 16], last: &[u8; 16]) -> bool {
    !(any_low(first) | any_low(last))
}

/// Whether one of 16 bytes is looked for; the compiler makes vector instructions of it.
#[inline(always)]
fn any_low(block: &[u8; 16]) -> bool {
    block
        .iter()
        .fold(false, |found, byte| found | (*byte <= LAST))
}

/// Not zero if one of eight bytes is looked for: subtracting borrows from those that are less,
/// and the highest bit tells, unless the byte had it before.
#[inline]
const fn low_bytes(bytes: u64) -> u64 {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    bytes.wrapping_sub(EACH * (LAST as u64 + 1)) & !bytes & (EACH << 7)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn every_byte_is_told_apart_at_every_place_of_every_length() {
        for len in 0..70 {
            assert!(is_plain(&vec![b'a'; len]), "{len}");
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'a'; len];
                    text[at] = byte;
                    assert_eq!(is_plain(&text), byte > LAST, "{byte} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn bytes_with_the_highest_bit_do_not_hide_their_neighbours() {
        for at in 0..8 {
            let mut text = [0xFF; 8];
            assert!(is_plain(&text));
            text[at] = b'\n';
            assert!(!is_plain(&text), "{at}");
        }
    }
}
