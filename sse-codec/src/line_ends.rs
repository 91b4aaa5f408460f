//! The positions of line ends, for encoder and decoder.
//!
//! Lines of an event stream are short, and starting a search for each one costs more than the
//! search itself. So 64 bytes are compared at once into a bit mask, whose set bits are the line
//! ends. The caller handles CRLF, which is one line end.

use crate::simd::{self, BLOCK};

/// The offsets of all LF and CR in a chunk, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineEnds {
    /// The offset of the block after that of `mask`.
    next_block: usize,
    /// A bit for each byte of the block that is LF or CR and was not returned yet.
    mask: u64,
}

impl LineEnds {
    /// Returns those from `start` on.
    pub(crate) const fn new(start: usize) -> Self {
        Self {
            next_block: start,
            mask: 0,
        }
    }

    /// Returns the next one. Everything before `from` is already read. The chunk must be the same in
    /// each call.
    #[inline]
    pub(crate) fn next(&mut self, chunk: &[u8], from: usize) -> Option<usize> {
        while self.mask == 0 {
            let rest = chunk.get(self.next_block..)?;
            self.mask = match rest.first_chunk() {
                Some(block) => simd::line_ends(block),
                None if rest.is_empty() => return None,
                None => mask_of_partial(rest),
            };
            // The second byte of a pair that was read together may be the first of this block.
            self.mask &= !u64::from(from > self.next_block);
            self.next_block += BLOCK;
        }
        let at = self.next_block - BLOCK + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(at)
    }

    /// Skips the next one, which must be the byte after the last one. The next call has a `from`
    /// after it.
    #[inline]
    pub(crate) fn skip_adjacent(&mut self) {
        self.mask &= self.mask.wrapping_sub(1);
    }
}

/// Returns the mask of the end of a chunk, which is shorter than a block.
fn mask_of_partial(rest: &[u8]) -> u64 {
    let mut block = [0; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    simd::line_ends(&block)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn all(chunk: &[u8], start: usize) -> Vec<usize> {
        let mut ends = LineEnds::new(start);
        core::iter::from_fn(|| ends.next(chunk, start)).collect()
    }

    /// Compares byte by byte.
    fn all_bytewise(chunk: &[u8], start: usize) -> Vec<usize> {
        (start..chunk.len())
            .filter(|at| matches!(chunk[*at], b'\n' | b'\r'))
            .collect()
    }

    proptest! {
        #[test]
        fn the_ends_are_those_of_a_bytewise_search(
            chunk in prop::collection::vec(prop_oneof![
                4 => Just(b'a'),
                1 => Just(b'\n'),
                1 => Just(b'\r'),
                1 => any::<u8>(),
            ], 0..300),
            long in prop::collection::vec(Just(b'a'), 0..2000),
            start in 0_usize..100,
        ) {
            let mut chunk = chunk;
            let start = start.min(chunk.len());
            prop_assert_eq!(all(&chunk, start), all_bytewise(&chunk, start));
            chunk.extend_from_slice(&long);
            chunk.push(b'\n');
            prop_assert_eq!(all(&chunk, start), all_bytewise(&chunk, start));
        }
    }
}
