//! The compressor of a thread.

use std::cell::Cell;

use flate2::{Compress, Compression, FlushCompress, Status};

use super::blocks::{BLOCK_HEAD, MAX_BLOCK, store};
use super::history::last;

/// Shorter text is stored: with what each piece adds, compression would gain nothing.
const MIN_DEFLATED: usize = 64;

/// How much work is done for a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// zlib's level 1, for a piece that one stream alone is sent.
    Fast = 1,
    /// zlib's level 6, for a piece that many streams are sent.
    Small = 6,
}

/// Appends `plain` as a piece whose receiver has `history` as the end of its text: compressed, or stored
/// where that is no longer.
///
/// A piece of more than 65,535 bytes is several blocks.
pub fn deflate(history: &[u8], plain: &[u8], level: Level, to: &mut Vec<u8>) {
    let mut history = last(history);
    for block in plain.chunks(MAX_BLOCK) {
        let is_deflated = block.len() >= MIN_DEFLATED && deflate_block(history, block, level, to);
        if !is_deflated {
            store(block, to);
        }
        // Only a whole block has one after it, and is longer than any history.
        history = last(block);
    }
}

thread_local! {
    static COMPRESSOR: Cell<Option<Compressor>> = const { Cell::new(None) };
}

struct Compressor {
    state: Compress,
    level: Level,
    /// Of one block at a time: how long that is becomes known only here.
    output: Vec<u8>,
}

/// Appends the compressed block. Returns `false` if that would be no shorter than a stored one.
fn deflate_block(history: &[u8], block: &[u8], level: Level, to: &mut Vec<u8>) -> bool {
    // While a thread ends, it has none: one is made then, and dropped.
    let compressor = COMPRESSOR.try_with(Cell::take).ok().flatten();
    let mut compressor = compressor.unwrap_or_else(|| Compressor::new(level));
    if !compressor.deflate(history, block, level) {
        return false;
    }
    let is_shorter = compressor.output.len() < BLOCK_HEAD + block.len();
    if is_shorter {
        to.extend_from_slice(&compressor.output);
    }
    // Only one that has completed its block: zlib-rs 0.6.8 does not reset all that is left of another.
    let _ = COMPRESSOR.try_with(|place| place.set(Some(compressor)));
    is_shorter
}

impl Compressor {
    fn new(level: Level) -> Self {
        Self {
            state: Compress::new(level.into(), false),
            level,
            output: Vec::new(),
        }
    }

    /// Compresses a block into the output. Returns whether all of it is there.
    fn deflate(&mut self, history: &[u8], block: &[u8], level: Level) -> bool {
        self.state.reset();
        if self.level != level {
            if self.state.set_level(level.into()).is_err() {
                return false;
            }
            self.level = level;
        }
        if !history.is_empty() && self.state.set_dictionary(history).is_err() {
            return false;
        }
        self.output.clear();
        // More than any block can take, which is an eighth more: where there is less room, level 1 of zlib-rs
        // 0.6.8 may panic.
        self.output
            .reserve_exact(block.len() + block.len() / 4 + 64);
        let flush = FlushCompress::Sync;
        let status = self.state.compress_vec(block, &mut self.output, flush);
        // Room that is left shows that all was flushed.
        matches!(status, Ok(Status::Ok))
            && self.output.len() < self.output.capacity()
            && self.state.total_in() == block.len() as u64
    }
}

impl From<Level> for Compression {
    fn from(level: Level) -> Self {
        Self::new(level as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(history: &[u8], plain: &[u8], level: Level) -> Vec<u8> {
        let mut to = Vec::new();
        deflate(history, plain, level, &mut to);
        to
    }

    #[test]
    fn what_repeats_the_history_is_short() {
        let event = br#"data: {"id":"a1","object":"chunk","choices":[{"index":0,"delta":{"content":"one"}}]}"#;
        for level in [Level::Fast, Level::Small] {
            let alone = piece(b"", event, level);
            let primed = piece(event, event, level);
            assert!(primed.len() < 20, "{} bytes", primed.len());
            assert!(2 * primed.len() < alone.len());
            assert!(primed.ends_with(&[0, 0, 0xff, 0xff]));
        }
    }

    #[test]
    fn what_is_short_or_would_grow_is_stored() {
        let short = [b'x'; MIN_DEFLATED - 1];
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<u8> = (0..1000).map(|_| random.u8(..)).collect();
        for plain in [&short[..], &noise] {
            let mut stored = Vec::new();
            store(plain, &mut stored);
            assert_eq!(
                piece(plain, plain, Level::Fast).len() < stored.len(),
                plain.len() > 64
            );
            assert_eq!(piece(b"", plain, Level::Fast), stored);
        }
        assert_eq!(piece(b"", b"", Level::Fast), b"");
    }

    #[test]
    fn the_level_is_that_of_the_piece_whatever_came_before() {
        let plain: Vec<u8> = (0..2000_u32)
            .flat_map(|i| (i * i % 977).to_string().into_bytes())
            .collect();
        let fast = piece(b"", &plain, Level::Fast);
        let small = piece(b"", &plain, Level::Small);
        assert!(small.len() < fast.len());
        assert_eq!(piece(b"", &plain, Level::Fast), fast);
    }
}
