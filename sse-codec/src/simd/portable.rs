//! The loops for any processor.

use super::BLOCK;

/// Returns a bit for each byte of `block` that is LF or CR, the lowest for the first byte.
///
/// The compiler can vectorize the first loop: each byte becomes its bit within a group of eight,
/// and the sum of a group is its part of the mask.
#[inline]
pub(crate) fn line_ends(block: &[u8; BLOCK]) -> u64 {
    let mut bits = [0_u8; BLOCK];
    for (at, (bit, byte)) in bits.iter_mut().zip(block).enumerate() {
        *bit = if (*byte == b'\n') | (*byte == b'\r') {
            1 << (at % 8)
        } else {
            0
        };
    }
    let mut sums = [0_u8; BLOCK / 8];
    for (sum, eight) in sums.iter_mut().zip(bits.as_chunks::<8>().0) {
        *sum = eight.iter().fold(0, |sum, bit| sum.wrapping_add(*bit));
    }
    u64::from_le_bytes(sums)
}

/// Returns `bytes` as text, or the length of the longest prefix that is valid.
#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, usize> {
    core::str::from_utf8(bytes).map_err(|error| error.valid_up_to())
}
