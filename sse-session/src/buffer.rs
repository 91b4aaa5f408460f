//! The bytes that wait to be taken as one frame, and the memory that they are in.

use bytes::Bytes;
use sse_codec::{Encode, EncodeError, Encoder, EventBuffer};

/// Encoded events, up to the next frame.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: EventBuffer,
}

impl Buffer {
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[inline(always)]
    pub(crate) fn encode(
        &mut self,
        encoder: &Encoder,
        event: &(impl Encode + ?Sized),
    ) -> Result<(), EncodeError> {
        encoder.encode(event, &mut self.bytes)?;
        Ok(())
    }

    /// Puts an event of short text, if the buffer is ready for that.
    #[inline(always)]
    pub(crate) fn put_text(&mut self, text: &str) -> bool {
        self.bytes.put_text(text)
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.bytes.put_encoded(bytes);
    }

    /// Moves all of `later` behind what is here.
    pub(crate) fn append_all(&mut self, mut later: Self) {
        if self.bytes.is_empty() {
            self.bytes = later.bytes;
        } else if !later.is_empty() {
            self.bytes.put_encoded(&later.bytes.take());
        }
    }

    /// Takes all that is there as one frame, and the memory with it: an idle stream holds none,
    /// and a busy one gets that back from the allocator which was used last, by whatever stream,
    /// and is still in the processor's cache.
    pub(crate) fn take(&mut self) -> Bytes {
        self.bytes.take().freeze()
    }
}
