//! The bytes that wait to be taken as one frame, and the memory that they are in.

use std::mem;

use bytes::{Bytes, BytesMut};
use sse_codec::{Encode, EncodeError, Encoder};

/// How much memory is prepared for short text: enough for some forty events, and so little that
/// it is no loss if they do not come.
const STRETCH: usize = 1024;

/// Encoded events, up to the next frame.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// What is filled, and behind it what is prepared: zeroed, so that safe code can store there.
    bytes: BytesMut,
    filled: usize,
    /// How long the last frame was. The next one is likely to need as much, so that a busy stream
    /// allocates once per frame.
    expected: usize,
}

impl Buffer {
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.filled
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    #[inline(always)]
    pub(crate) fn encode(
        &mut self,
        encoder: &Encoder,
        event: &(impl Encode + ?Sized),
    ) -> Result<(), EncodeError> {
        if self.bytes.capacity() == 0 {
            self.allocate();
        }
        self.bytes.truncate(self.filled);
        encoder.encode(event, &mut self.bytes)?;
        self.filled = self.bytes.len();
        Ok(())
    }

    /// [`encode`](Self::encode) where that takes next to nothing, and whether it does.
    #[inline(always)]
    pub(crate) fn encode_short(&mut self, encoder: &Encoder, text: &str) -> bool {
        let room = self.bytes.get_mut(self.filled..);
        let len = room.and_then(|room| encoder.encode_short(text, room));
        self.filled += len.unwrap_or_default();
        len.is_some()
    }

    /// Makes it ready for more events of short text.
    pub(crate) fn prepare(&mut self) {
        if self.bytes.capacity() == 0 {
            self.allocate();
        }
        let room = self.bytes.capacity() - self.filled;
        if room >= Encoder::SHORT_LEN {
            self.bytes.resize(self.filled + room.min(STRETCH), 0);
        }
    }

    #[cold]
    fn allocate(&mut self) {
        self.bytes.reserve(self.expected);
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.bytes.truncate(self.filled);
        self.bytes.extend_from_slice(bytes);
        self.filled = self.bytes.len();
    }

    /// Moves all of `later` behind what is here.
    pub(crate) fn append_all(&mut self, later: Self) {
        if self.is_empty() {
            self.bytes = later.bytes;
            self.filled = later.filled;
        } else {
            self.append(&later.bytes[..later.filled]);
        }
    }

    /// Takes all that is there as one frame, and the memory with it: an idle stream holds none,
    /// and a busy one gets that back from the allocator which was used last, by whatever stream,
    /// and is still in the processor's cache.
    pub(crate) fn take(&mut self) -> Bytes {
        self.bytes.truncate(self.filled);
        self.expected = mem::take(&mut self.filled);
        mem::take(&mut self.bytes).freeze()
    }
}
