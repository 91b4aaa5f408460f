//! A stream in chunks.

use std::slice;

use bytes::Bytes;

/// Bytes, and the length of the chunks that they arrive in.
#[derive(Clone)]
pub(crate) struct Input {
    bytes: Bytes,
    chunk_len: usize,
}

impl Input {
    pub(crate) fn new(bytes: Bytes, chunk_len: usize) -> Self {
        Self { bytes, chunk_len }
    }

    /// Returns the beginning of the same stream.
    pub(crate) fn prefix(&self, len: usize) -> Self {
        Self {
            bytes: self.bytes.slice(..len.min(self.bytes.len())),
            chunk_len: self.chunk_len,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the chunks as slices.
    pub(crate) fn chunks(&self) -> slice::Chunks<'_, u8> {
        self.bytes.chunks(self.chunk_len)
    }

    /// Returns the chunks as `Bytes` that share the stream, as HTTP libraries do.
    pub(crate) fn shared_chunks(&self) -> impl Iterator<Item = Bytes> + use<> {
        let (bytes, chunk_len) = (self.bytes.clone(), self.chunk_len);
        (0..bytes.len())
            .step_by(chunk_len)
            .map(move |at| bytes.slice(at..bytes.len().min(at.saturating_add(chunk_len))))
    }
}
