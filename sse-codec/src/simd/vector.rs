//! The loops with vector instructions, through `wide` and `simdutf8`.

use wide::u8x16;

use super::BLOCK;

/// Returns a bit for each byte of `block` that is LF or CR, the lowest for the first byte.
#[inline]
pub(crate) fn line_ends(block: &[u8; BLOCK]) -> u64 {
    let (lf, cr) = (u8x16::splat(b'\n'), u8x16::splat(b'\r'));
    let mut ends = 0;
    for (at, bytes) in block.as_chunks::<16>().0.iter().enumerate() {
        let bytes = u8x16::new(*bytes);
        let found = bytes.simd_eq(lf) | bytes.simd_eq(cr);
        ends |= u64::from(found.to_bitmask()) << (16 * at);
    }
    ends
}

/// Returns `bytes` as text, or the length of the longest prefix that is valid.
#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, usize> {
    // `basic` is faster, but does not report where the text is invalid.
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(_) => simdutf8::compat::from_utf8(bytes).map_err(|error| error.valid_up_to()),
    }
}
