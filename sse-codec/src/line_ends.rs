//! Where the lines of some bytes end, for encoder and decoder: found for 64 bytes at a time.
//!
//! Lines of an event stream are short, and searching for the end of each by itself costs more
//! than the search. So 64 bytes are compared at once into a bit mask, and its set bits are the
//! ends. That a CRLF is one line end and not two is left to the reader of the lines.

use crate::simd::{self, BLOCK};

/// The offsets of all LF and CR in a chunk, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineEnds {
    /// Where the block after that of `mask` begins.
    next_block: usize,
    /// A bit for each byte of the block that ends a line and was not handed out yet.
    mask: u64,
}

impl LineEnds {
    /// Those from `start` on.
    pub(crate) const fn new(start: usize) -> Self {
        Self {
            next_block: start,
            mask: 0,
        }
    }

    /// The next one at or after `from`, before which everything was passed. The chunk must be the
    /// same each time.
    #[inline]
    pub(crate) fn next(&mut self, chunk: &[u8], from: usize) -> Option<usize> {
        while self.mask == 0 {
            let rest = chunk.get(self.next_block..)?;
            self.mask = match rest.first_chunk() {
                Some(block) => simd::line_ends(block),
                None if rest.is_empty() => return None,
                None => mask_of_less(rest),
            };
            // Two bytes that were passed together may lie in two blocks.
            self.mask &= !u64::from(from > self.next_block);
            self.next_block += BLOCK;
        }
        let at = self.next_block - BLOCK + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(at)
    }

    /// Leaves out the next one, which is known to be the byte after the last one: who looks for
    /// more begins behind it.
    #[inline]
    pub(crate) fn skip_adjacent(&mut self) {
        self.mask &= self.mask.wrapping_sub(1);
    }
}

/// The mask of the end of a chunk.
fn mask_of_less(rest: &[u8]) -> u64 {
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

    /// The same, slow and obvious.
    fn obvious(chunk: &[u8], start: usize) -> Vec<usize> {
        (start..chunk.len())
            .filter(|at| matches!(chunk[*at], b'\n' | b'\r'))
            .collect()
    }

    proptest! {
        #[test]
        fn the_ends_are_those_of_a_plain_search(
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
            prop_assert_eq!(all(&chunk, start), obvious(&chunk, start));
            chunk.extend_from_slice(&long);
            chunk.push(b'\n');
            prop_assert_eq!(all(&chunk, start), obvious(&chunk, start));
        }
    }
}
