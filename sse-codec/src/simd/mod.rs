//! The two loops over all bytes, in vector instructions.
//!
//! Those are not ours: calling one takes `unsafe`, which this crate forbids, so they are left to
//! crates that do nothing else. Without the `simd` feature plain versions take their place, and
//! with it they are what the fast ones are tested against.

#[cfg(any(test, not(feature = "simd")))]
mod plain;

/// The length of what is searched at once.
pub(crate) const BLOCK: usize = 64;

#[cfg(not(feature = "simd"))]
pub(crate) use self::plain::{line_ends, utf8};

/// A bit for each byte of `block` that is LF or CR, the first byte's being the lowest.
#[cfg(feature = "simd")]
#[inline]
pub(crate) fn line_ends(block: &[u8; BLOCK]) -> u64 {
    use wide::u8x16;

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
#[cfg(feature = "simd")]
#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, usize> {
    // The first only says whether, and is quicker; the second also says where it is not.
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(_) => simdutf8::compat::from_utf8(bytes).map_err(|error| error.valid_up_to()),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::plain::{line_ends as plain_line_ends, utf8 as plain_utf8};
    use super::*;

    /// Slow and obvious.
    fn line_ends_one_by_one(block: &[u8; BLOCK]) -> u64 {
        (0..BLOCK)
            .filter(|at| matches!(block[*at], b'\n' | b'\r'))
            .map(|at| 1 << at)
            .sum()
    }

    #[test]
    fn every_byte_is_told_apart_at_every_place() {
        for at in 0..BLOCK {
            for byte in 0..=u8::MAX {
                let mut block = [0; BLOCK];
                block[at] = byte;
                let expected = line_ends_one_by_one(&block);
                assert_eq!(line_ends(&block), expected, "{byte} at {at}");
                assert_eq!(plain_line_ends(&block), expected, "{byte} at {at}");
            }
        }
        assert_eq!(line_ends(&[b'\n'; BLOCK]), u64::MAX);
        assert_eq!(plain_line_ends(&[b'\r'; BLOCK]), u64::MAX);
    }

    proptest! {
        #[test]
        fn line_ends_are_those_of_a_plain_search(
            block in prop::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), 0_u8..32, any::<u8>()],
                BLOCK,
            ),
        ) {
            let block: &[u8; BLOCK] = block.as_slice().try_into().expect("one block");
            prop_assert_eq!(line_ends(block), line_ends_one_by_one(block));
            prop_assert_eq!(plain_line_ends(block), line_ends_one_by_one(block));
        }

        #[test]
        fn text_is_what_the_standard_library_takes_for_text(
            text in "\\PC{0,80}",
            broken in prop::collection::vec((0_usize..200, any::<u8>()), 0..3),
        ) {
            let mut bytes: Vec<u8> = text.into_bytes();
            for (at, byte) in broken {
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            let expected = core::str::from_utf8(&bytes).map_err(|error| error.valid_up_to());
            prop_assert_eq!(utf8(&bytes), expected);
            prop_assert_eq!(plain_utf8(&bytes), expected);
        }
    }
}
