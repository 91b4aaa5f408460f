//! An event in its encoded form.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::buffer::Buffer;
use crate::encoder::{Encode, Encoder};
use crate::error::EncodeError;

/// An event encoded once, to be sent to many streams.
///
/// Cloning shares the bytes. A frame holds a whole event, so frames can be sent in any order and
/// concatenated at will.
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

    /// The encoded event.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The encoded event, without a copy.
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

    #[inline]
    fn encode_at_once<B: Buffer>(&self, out: &mut B) -> bool {
        out.put(&self.0);
        true
    }
}

impl Encode for &Frame {
    const RUNS_FOREIGN_CODE: bool = false;

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        (**self).encode_into(out)
    }

    #[inline]
    fn encode_at_once<B: Buffer>(&self, out: &mut B) -> bool {
        (**self).encode_at_once(out)
    }
}
