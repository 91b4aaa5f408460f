//! The buffers that events are encoded into.
//!
//! An encoder writes all of an event or nothing. If the data proves unusable, such as when a
//! serializer fails halfway, the buffer must be truncated to its previous length. `BufMut` cannot do
//! that, hence this trait.

use alloc::vec::Vec;
use core::mem;

use bytes::BytesMut;

/// A growable byte buffer that an [`Encoder`](crate::Encoder) appends to.
///
/// It is implemented for [`BytesMut`] and `Vec<u8>`, and sealed, since an encoder relies on exactly
/// their behavior. For any other sink, such as a fixed slice or a `BufMut`, encode a
/// [`Frame`](crate::Frame) and copy its bytes.
///
/// It has no methods to call. Implementations of [`Data`](crate::Data) and
/// [`Encode`](crate::Encode) only name it as a bound.
pub trait Buffer: sealed::Growable {}

impl Buffer for BytesMut {}
impl Buffer for Vec<u8> {}
impl<B: Buffer> Buffer for Limited<'_, B> {}

/// A buffer with an encoder's limit on ids.
#[derive(Debug)]
pub(super) struct Limited<'a, B> {
    buffer: &'a mut B,
    max_id_len: usize,
}

impl<'a, B: Buffer> Limited<'a, B> {
    #[inline(always)]
    pub(super) fn new(buffer: &'a mut B, max_id_len: usize) -> Self {
        Self { buffer, max_id_len }
    }
}

impl<B: Buffer> sealed::Growable for Limited<'_, B> {
    type Inner = B::Inner;

    #[inline(always)]
    fn inner(&mut self) -> &mut B::Inner {
        self.buffer.inner()
    }

    #[inline(always)]
    fn filled(&self) -> usize {
        self.buffer.filled()
    }

    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        self.buffer.put(bytes);
    }

    fn reserve(&mut self, len: usize) {
        self.buffer.reserve(len);
    }

    fn cut_back(&mut self, len: usize) {
        self.buffer.cut_back(len);
    }

    fn grow(&mut self, len: usize) -> &mut [u8] {
        self.buffer.grow(len)
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self.buffer.bytes()
    }

    #[inline(always)]
    fn max_id_len(&self) -> usize {
        self.max_id_len
    }
}

/// An event that is being appended to a buffer.
///
/// Unless it is kept, dropping it truncates the buffer to its previous length: when the event cannot
/// be encoded, or when the code of its data panics.
pub(super) struct Appended<'a, B: Buffer> {
    pub(super) buffer: &'a mut B,
    start: usize,
}

impl<'a, B: Buffer> Appended<'a, B> {
    #[inline]
    pub(super) fn new(buffer: &'a mut B) -> Self {
        let start = buffer.filled();
        Self { buffer, start }
    }

    #[inline]
    pub(super) fn keep(self) {
        mem::forget(self);
    }
}

impl<B: Buffer> Drop for Appended<'_, B> {
    fn drop(&mut self) {
        self.buffer.cut_back(self.start);
    }
}

pub(crate) mod sealed {
    use alloc::vec::Vec;

    use bytes::BytesMut;

    #[allow(unnameable_types, reason = "the seal of `Buffer`")]
    pub trait Growable {
        /// The buffer that the bytes are in. What writes in many pieces writes to it directly.
        type Inner: Growable;

        fn inner(&mut self) -> &mut Self::Inner;
        fn filled(&self) -> usize;
        fn put(&mut self, bytes: &[u8]);
        fn reserve(&mut self, len: usize);
        fn cut_back(&mut self, len: usize);
        /// Appends `len` zero bytes and returns the whole contents.
        fn grow(&mut self, len: usize) -> &mut [u8];
        fn bytes(&self) -> &[u8];

        /// Returns the length that an id may have.
        #[inline]
        fn max_id_len(&self) -> usize {
            usize::MAX
        }
    }

    // Their inherent methods have the same names and meanings.
    macro_rules! growable {
        ($($buffer:ty),+) => {$(
            impl Growable for $buffer {
                type Inner = Self;

                #[inline(always)]
                fn inner(&mut self) -> &mut Self {
                    self
                }

                #[inline]
                fn filled(&self) -> usize {
                    self.len()
                }

                #[inline]
                fn put(&mut self, bytes: &[u8]) {
                    self.extend_from_slice(bytes);
                }

                fn reserve(&mut self, len: usize) {
                    self.reserve(len);
                }

                fn cut_back(&mut self, len: usize) {
                    self.truncate(len);
                }

                fn grow(&mut self, len: usize) -> &mut [u8] {
                    self.resize(self.len().saturating_add(len), 0);
                    self
                }

                #[inline]
                fn bytes(&self) -> &[u8] {
                    self
                }
            }
        )+};
    }

    growable!(BytesMut, Vec<u8>);
}
