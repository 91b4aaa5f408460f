//! A fast check for small texts: whether they contain a byte of at most CR.
//!
//! For a name, an id or a token, starting a search for a line break costs more than the search
//! itself. This check compares all bytes at once with CR. NUL, LF and CR are found this way, and few
//! other texts contain a smaller byte, such as a tab. The exact check is left to the slow path.

use core::array;

/// The longest text for which this check is faster than a search.
pub(crate) const MAX_LEN: usize = 512;

/// The greatest of the bytes that are looked for. NUL, LF and CR are among them.
const LAST: u8 = b'\r';

/// Returns whether `text` contains a byte of at most CR.
// Always inlined: it is smaller than the call.
#[inline(always)]
pub(crate) fn has_low_byte(text: &[u8]) -> bool {
    // The last block overlaps the others, so that there is no remainder.
    if let Some(last) = text.last_chunk() {
        let before = text[..text.len() - 1].as_chunks::<16>().0;
        let least = before.iter().fold(*last, least_of);
        least
            .iter()
            .fold(false, |found, byte| found | (*byte <= LAST))
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        low_bytes(u64::from_ne_bytes(*first)) | low_bytes(u64::from_ne_bytes(*last)) != 0
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let (first, last) = (u32::from_ne_bytes(*first), u32::from_ne_bytes(*last));
        low_bytes(u64::from(first) << 32 | u64::from(last)) != 0
    } else {
        text.iter().any(|byte| *byte <= LAST)
    }
}

/// Returns the lesser of both bytes at each place. The compiler makes one instruction of it.
#[inline(always)]
fn least_of(block: [u8; 16], other: &[u8; 16]) -> [u8; 16] {
    array::from_fn(|at| block[at].min(other[at]))
}

/// Returns a nonzero value if one of eight bytes is at most CR. The subtraction sets the highest bit
/// of each such byte; a byte that has this bit already is excluded.
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
    fn every_byte_is_recognized_at_every_place_of_every_length() {
        for len in 0..70 {
            assert!(!has_low_byte(&vec![b'a'; len]), "{len}");
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'a'; len];
                    text[at] = byte;
                    assert_eq!(has_low_byte(&text), byte <= LAST, "{byte} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn bytes_with_the_highest_bit_do_not_hide_their_neighbours() {
        for at in 0..8 {
            let mut text = [0xFF; 8];
            assert!(!has_low_byte(&text));
            text[at] = b'\n';
            assert!(has_low_byte(&text), "{at}");
        }
    }
}
