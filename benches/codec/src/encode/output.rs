//! Where encoded bytes go.

use std::hint::black_box;

use bytes::BytesMut;

/// Takes encoded bytes: of one event, of several, or of a part of one, always in order.
pub(crate) trait Output {
    fn bytes(&mut self, bytes: &[u8]);
}

/// Makes the compiler believe that the bytes are sent.
pub(crate) struct Discard;

impl Output for Discard {
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        black_box(bytes);
    }
}

/// Keeps them, to be looked at.
impl Output for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// How full a connection's buffer gets before it is written out.
const HIGH_WATER: usize = 16 << 10;

/// A connection's buffer, used over and over, for encoders that append to one.
pub(crate) struct Buffer<B>(B);

/// A buffer that can be used again.
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

    /// Lets `write` append to the buffer, and sends it when it is full enough.
    #[inline]
    pub(crate) fn append(&mut self, out: &mut impl Output, write: impl FnOnce(&mut B)) {
        write(&mut self.0);
        if self.0.as_ref().len() >= HIGH_WATER {
            self.send(out);
        }
    }

    /// Sends what is there.
    #[inline(never)]
    pub(crate) fn send(&mut self, out: &mut impl Output) {
        out.bytes(self.0.as_ref());
        self.0.empty();
    }
}
