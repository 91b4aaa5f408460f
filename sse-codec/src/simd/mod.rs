//! The two loops that pass over every byte: finding line ends, and checking UTF-8.
//!
//! The fast version of each uses vector instructions. Calling those takes `unsafe`, which this
//! crate forbids, so they come from crates that do nothing else. Without the feature `simd` the
//! portable versions are used; with it, the tests compare the two.

#[cfg(any(test, not(feature = "simd")))]
mod portable;
#[cfg(feature = "simd")]
mod vector;

#[cfg(not(feature = "simd"))]
pub(crate) use self::portable::{line_ends, utf8};
#[cfg(feature = "simd")]
pub(crate) use self::vector::{line_ends, utf8};

/// How many bytes are searched for line ends at once.
pub(crate) const BLOCK: usize = 64;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::portable::{line_ends as portable_line_ends, utf8 as portable_utf8};
    use super::*;

    /// Compares byte by byte.
    fn line_ends_bytewise(block: &[u8; BLOCK]) -> u64 {
        (0..BLOCK)
            .filter(|at| matches!(block[*at], b'\n' | b'\r'))
            .map(|at| 1 << at)
            .sum()
    }

    #[test]
    fn every_byte_is_recognized_at_every_place() {
        for at in 0..BLOCK {
            for byte in 0..=u8::MAX {
                let mut block = [0; BLOCK];
                block[at] = byte;
                let expected = line_ends_bytewise(&block);
                assert_eq!(line_ends(&block), expected, "{byte} at {at}");
                assert_eq!(portable_line_ends(&block), expected, "{byte} at {at}");
            }
        }
        assert_eq!(line_ends(&[b'\n'; BLOCK]), u64::MAX);
        assert_eq!(portable_line_ends(&[b'\r'; BLOCK]), u64::MAX);
    }

    proptest! {
        #[test]
        fn line_ends_are_those_of_a_bytewise_search(
            block in prop::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), 0_u8..32, any::<u8>()],
                BLOCK,
            ),
        ) {
            let block: &[u8; BLOCK] = block.as_slice().try_into().expect("one block");
            prop_assert_eq!(line_ends(block), line_ends_bytewise(block));
            prop_assert_eq!(portable_line_ends(block), line_ends_bytewise(block));
        }

        #[test]
        fn utf8_agrees_with_the_standard_library(
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
            prop_assert_eq!(portable_utf8(&bytes), expected);
        }
    }
}
