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

    // Always: with a call, `send_all` takes 110 instead of 84 instructions for a text of 16 bytes.
    #[inline(always)]
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

    /// Appends encoded events.
    pub(crate) fn extend(&mut self, events: &[u8]) {
        self.bytes.extend_from_slice(events);
    }

    /// Appends the events of `batch`, whose memory becomes that of an empty buffer. Returns the
    /// memory that is left over.
    #[must_use = "it is to be freed outside of the lock"]
    pub(crate) fn append(&mut self, batch: Batch) -> BytesMut {
        let mut events = batch.buffer.bytes;
        if self.is_empty() {
            mem::swap(&mut self.bytes, &mut events);
        } else {
            self.extend(&events);
        }
        events
    }

    /// Takes all of it as one frame, together with the memory: an idle stream holds none, and a
    /// busy one is given by the allocator what another stream has just freed, which is still in the
    /// processor's cache.
    pub(crate) fn take(&mut self) -> Bytes {
        self.expected = self.bytes.len();
        mem::take(&mut self.bytes).freeze()
    }
}

/// Events that are encoded outside of the pipe's lock, to be appended to its buffer at once.
#[derive(Debug)]
pub(crate) struct Batch {
    encoder: Encoder,
    room: usize,
    buffer: Buffer,
    events: usize,
}

impl Batch {
    /// Enough for most events: growing step by step would cost more than the encoding.
    const USUAL: usize = 256;

    /// An empty batch with `room` bytes for events, to be appended to `to`.
    pub(crate) fn new(encoder: Encoder, room: usize, to: &Buffer) -> Self {
        // Its memory becomes that of an empty buffer; otherwise the events are copied from it.
        let expected = if to.is_empty() { to.expected } else { 0 };
        let expected = expected.max(Self::USUAL);
        Self {
            encoder,
            room,
            buffer: Buffer {
                bytes: BytesMut::new(),
                expected,
            },
            events: 0,
        }
    }

    /// The most events that are encoded to less than a byte each on average, which is to say to
    /// nothing.
    const MAX_EMPTY: usize = 32 * 1024;

    /// Whether there is room for another event, which may take more than what is left of it.
    pub(crate) fn has_room(&self) -> bool {
        self.buffer.len() < self.room && !self.is_endless()
    }

    /// Whether it might never be filled: its events are many, and most are encoded to nothing.
    pub(crate) fn is_endless(&self) -> bool {
        self.events >= Self::MAX_EMPTY && self.buffer.len() < self.events
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// How many events it holds, those that are encoded to nothing included.
    pub(crate) fn events(&self) -> usize {
        self.events
    }

    // Always: with a call, `send_all` takes 110 instead of 84 instructions for a text of 16 bytes.
    #[inline(always)]
    pub(crate) fn encode(&mut self, event: &(impl Encode + ?Sized)) -> Result<(), EncodeError> {
        self.buffer.encode(&self.encoder, event)?;
        self.events += 1;
        Ok(())
    }
}
