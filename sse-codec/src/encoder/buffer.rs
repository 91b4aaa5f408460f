//! The growable buffers an event can be written to.
//!
//! An encoding is all or nothing, so what was begun must be taken back when the data turns out
//! to be unusable (a serializer that fails half-way). That needs a buffer which can be cut back
//! to a length, and `BufMut` cannot do so: hence a small trait of our own.

use alloc::vec::Vec;

use bytes::BytesMut;

/// A growable byte buffer that an [`Encoder`](crate::Encoder) can append to and cut back.
///
/// Implemented for [`BytesMut`] and `Vec<u8>`; it is sealed, as an encoder relies on exactly
/// their behaviour. For any other sink (a fixed slice, a `BufMut`), encode a
/// [`Frame`](crate::Frame) and copy its bytes.
pub trait Buffer: sealed::Growable {}

impl Buffer for BytesMut {}
impl Buffer for Vec<u8> {}

pub(crate) mod sealed {
    use alloc::vec::Vec;

    use bytes::BytesMut;

    #[allow(unnameable_types, reason = "the seal of `Buffer`")]
    pub trait Growable {
        fn filled(&self) -> usize;
        fn put(&mut self, bytes: &[u8]);
        fn reserve(&mut self, len: usize);
        fn cut_back(&mut self, len: usize);
        /// Appends `len` zero bytes and hands out all that is filled.
        fn grow(&mut self, len: usize) -> &mut [u8];
        fn bytes(&self) -> &[u8];
    }

    impl Growable for BytesMut {
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

    impl Growable for Vec<u8> {
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
}
