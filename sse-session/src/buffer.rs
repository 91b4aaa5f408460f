//! The bytes that wait to be taken as one frame, and the memory that they are in.

use std::mem;

use bytes::{Bytes, BytesMut};
use sse_codec::{Encode, EncodeError, Encoder};

/// Encoded events, up to the next frame.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: BytesMut,
    /// The length of the last frame. The next one is likely to need as much, so that a busy stream
    /// allocates once per frame.
    expected: usize,
}

impl Buffer {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[inline]
    pub(crate) fn encode(
        &mut self,
        encoder: &Encoder,
        event: &(impl Encode + ?Sized),
    ) -> Result<(), EncodeError> {
        if self.bytes.capacity() == 0 {
            self.allocate();
        }
        encoder.encode(event, &mut self.bytes)?;
        Ok(())
    }

    #[cold]
    fn allocate(&mut self) {
        self.bytes.reserve(self.expected);
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes all that is there as one frame, and the memory with it: an idle stream holds none,
    /// and a busy one gets from the allocator what was freed last, by any stream, and is still in
    /// the processor's cache.
    pub(crate) fn take(&mut self) -> Bytes {
        self.expected = self.bytes.len();
        mem::take(&mut self.bytes).freeze()
    }
}
