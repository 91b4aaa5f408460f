//! A gzip member (RFC 1952) out of pieces that are each complete, for the crates of this project.
//!
//! A member is the opening, then any number of pieces, then the trailer. Each piece is raw deflate
//! (RFC 1951) that ends on a byte and refers to nothing but the history that it was made with, which
//! is the end of the text that the receiver has by then. So what was received can be decoded at once
//! up to its last piece, and nothing needs a compressor of its own: each thread has one.
//!
//! To the receiver it is plain gzip with one member. RFC 1952 has no preset dictionaries, and there is
//! none in it: what the compressor takes for one is text that the receiver's window holds.

mod blocks;
mod compressor;
mod history;
mod member;
mod shared;
mod stream;
#[cfg(test)]
mod tests;

pub use blocks::{EMPTY_BLOCK, OPENING, store, trailer};
pub use compressor::{Level, deflate};
pub use history::{HISTORY, History};
pub use shared::SharedPiece;
pub use stream::GzipStream;
