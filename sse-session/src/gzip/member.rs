//! The member of one stream.

use std::ops::Range;

use bytes::Bytes;
use flate2::Crc;

use super::blocks::{OPENING, store, trailer};
use super::compressor::{Level, deflate};
use super::history::History;
use super::shared::{Run, SharedPiece};

/// A member that is written piece by piece.
#[derive(Debug, Default)]
pub(super) struct Member {
    is_open: bool,
    /// What was written of its own since the last shared piece.
    history: History,
    /// The stretch of shared pieces that it ends with.
    run: Option<Run>,
    crc: Crc,
    /// Modulo 2^32.
    len: u32,
}

impl Member {
    /// Appends the opening, unless that was done before.
    pub(super) fn open(&mut self, to: &mut Vec<u8>) {
        if !self.is_open {
            self.is_open = true;
            to.extend_from_slice(&OPENING);
        }
    }

    /// Appends the text as one piece, and all before it that is missing. The `secrets` in it are stored, and
    /// nothing refers to them: their length alone is seen on the wire.
    pub(super) fn write(&mut self, plain: &[u8], secrets: &[Range<usize>], to: &mut Vec<u8>) {
        self.open(to);
        self.run = None;
        let mut written = 0;
        for secret in secrets {
            self.write_plain(&plain[written..secret.start], to);
            store(&plain[secret.clone()], to);
            // What comes after a secret cannot refer to what was before it either: a history is one
            // stretch of text.
            self.history.clear();
            written = secret.end;
        }
        self.write_plain(&plain[written..], to);
        self.count(plain);
    }

    fn write_plain(&mut self, plain: &[u8], to: &mut Vec<u8>) {
        deflate(self.history.text(), plain, Level::Fast, to);
        self.history.push(plain);
    }

    /// Returns a piece that many streams are sent, which is appended to what was opened before.
    pub(super) fn write_shared(&mut self, piece: &SharedPiece) -> Bytes {
        let (compressed, run) = Run::extend(self.run, piece);
        self.run = Some(run);
        // Of no use after this piece, and with many streams the most of what each takes.
        self.history = History::default();
        self.count(piece.plain());
        compressed
    }

    fn count(&mut self, plain: &[u8]) {
        self.crc.update(plain);
        // Truncated on purpose.
        self.len = self.len.wrapping_add(plain.len() as u32);
    }

    /// Appends the trailer.
    pub(super) fn end(&mut self, to: &mut Vec<u8>) {
        self.open(to);
        to.extend_from_slice(&trailer(self.crc.sum(), self.len));
    }
}
