//! An encoded event.

use alloc::vec::Vec;

use bytes::Bytes;

use super::buffer::Buffer;
use super::error::EncodeError;
use super::{Encode, Encoder};

/// An encoded event, which can be sent to many streams.
///
/// Clones share the bytes. A frame is a whole event, so frames can be sent in any order and be
/// concatenated.
///
/// ```
/// use sse_codec::{Event, Frame};
///
/// let frame = Frame::new(Event::new().event("tick").data("1"))?;
/// let shared = frame.clone();
/// assert_eq!(shared.as_bytes(), b"event: tick\ndata: 1\n\n");
/// # Ok::<(), sse_codec::EncodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frame(Bytes);

impl Frame {
    /// Encodes `event` with the default limits of [`Encoder`].
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`].
    pub fn new(event: impl Encode) -> Result<Self, EncodeError> {
        Self::with_encoder(&Encoder::new(), event)
    }

    /// Encodes `event` with the limits of `encoder`.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`].
    pub fn with_encoder(encoder: &Encoder, event: impl Encode) -> Result<Self, EncodeError> {
        let mut out = Vec::new();
        encoder.encode(&event, &mut out)?;
        Ok(Self(out.into()))
    }

    /// Returns the encoded event.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the encoded event, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Encode for Frame {
    const RUNS_FOREIGN_CODE: bool = false;

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        out.put(&self.0);
        Ok(())
    }
}

impl Encode for &Frame {
    const RUNS_FOREIGN_CODE: bool = false;

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        (**self).encode_into(out)
    }
}
