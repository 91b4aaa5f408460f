//! Both with vector instructions, by way of `wide` and `simdutf8`.

use wide::u8x16;

use super::BLOCK;

/// A bit for each byte of `block` that is LF or CR, the first byte's being the lowest.
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

/// `bytes` as text, or the length up to which they are.
#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, usize> {
    // The first only says whether, and is quicker; the second also says where it is not.
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(_) => simdutf8::compat::from_utf8(bytes).map_err(|error| error.valid_up_to()),
    }
}
