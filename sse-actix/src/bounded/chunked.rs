//! Where a body in chunks ends (RFC 9112 § 7.1).
//!
//! The bytes are passed to actix as they are; only their end has to be known. So what actix refuses
//! may pass here, but the end of what it accepts must be found exactly.

/// Follows the framing of a body in chunks.
#[derive(Debug)]
pub(super) struct ChunkedScan {
    state: State,
    /// What is left of the chunk, or its size as far as it was read.
    left: u64,
    /// How many chunks have begun.
    chunks: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the digits of a size.
    Size,
    /// After the digits, in the rest of their line.
    Extension,
    Data,
    /// In the line end after the data.
    DataEnd,
    /// At the beginning of a line after the last chunk.
    TrailerStart,
    /// Within a line after the last chunk. It ends with CR LF, and may contain LF for actix.
    Trailer,
    /// After a CR in a line after the last chunk.
    TrailerCr,
    /// After a CR at the beginning of a line after the last chunk.
    End,
}

impl ChunkedScan {
    pub(super) const fn new() -> Self {
        Self {
            state: State::Size,
            left: 0,
            chunks: 0,
        }
    }

    /// Returns how many chunks have begun so far.
    pub(super) const fn chunks(&self) -> usize {
        self.chunks
    }

    /// Reads a piece of a body. Returns where the body ends in it.
    pub(super) fn advance(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            at += 1;
            self.state = match (self.state, byte) {
                (State::Size | State::Extension, b'\n') => {
                    self.chunks += 1;
                    if self.left == 0 {
                        State::TrailerStart
                    } else {
                        State::Data
                    }
                }
                (State::Size, _) => match char::from(byte).to_digit(16) {
                    Some(digit) => {
                        self.left = self.left.wrapping_mul(16).wrapping_add(digit.into());
                        State::Size
                    }
                    None => State::Extension,
                },
                (State::Data, _) => {
                    let rest = piece.len() - (at - 1);
                    let skipped = usize::try_from(self.left).map_or(rest, |left| left.min(rest));
                    at += skipped - 1;
                    self.left -= skipped as u64;
                    if self.left == 0 {
                        State::DataEnd
                    } else {
                        State::Data
                    }
                }
                (State::DataEnd, b'\n') => State::Size,
                (State::TrailerStart, b'\r') => State::End,
                (State::End, b'\n') => return Some(at),
                (State::Trailer, b'\r') => State::TrailerCr,
                (State::TrailerCr, b'\n') => State::TrailerStart,
                (State::TrailerStart | State::Trailer | State::TrailerCr | State::End, _) => {
                    State::Trailer
                }
                (state @ (State::Extension | State::DataEnd), _) => state,
            };
        }
        None
    }
}
