//! Receivers of encoded bytes.

use std::hint::black_box;

use bytes::BytesMut;

/// Receives encoded bytes in order: those of an event, of several, or of a part of one.
pub(crate) trait Output {
    fn bytes(&mut self, bytes: &[u8]);
}

/// Keeps the compiler from leaving bytes out.
pub(crate) struct Discard;

impl Output for Discard {
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        black_box(bytes);
    }
}

/// Keeps the bytes, for comparing them.
impl Output for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The length at which a connection's buffer is sent.
const HIGH_WATER: usize = 16 << 10;

/// A connection's buffer, which is reused, for encoders that append to one.
pub(crate) struct Buffer<B>(B);

/// A buffer that can be reused.
pub(crate) trait Reusable: AsRef<[u8]> + Sized {
    fn with_room(len: usize) -> Self;
    fn empty(&mut self);
}

impl Reusable for BytesMut {
    fn with_room(len: usize) -> Self {
        Self::with_capacity(len)
    }

    fn empty(&mut self) {
        self.clear();
    }
}

impl Reusable for Vec<u8> {
    fn with_room(len: usize) -> Self {
        Self::with_capacity(len)
    }

    fn empty(&mut self) {
        self.clear();
    }
}

impl<B: Reusable> Buffer<B> {
    pub(crate) fn new() -> Self {
        Self(B::with_room(16 * HIGH_WATER))
    }

    /// Calls `write` to append to the buffer, and sends the buffer if it is long enough.
    #[inline]
    pub(crate) fn append(&mut self, out: &mut impl Output, write: impl FnOnce(&mut B)) {
        write(&mut self.0);
        if self.0.as_ref().len() >= HIGH_WATER {
            self.send(out);
        }
    }

    /// Sends the contents of the buffer.
    #[inline(never)]
    pub(crate) fn send(&mut self, out: &mut impl Output) {
        out.bytes(self.0.as_ref());
        self.0.empty();
    }
}
