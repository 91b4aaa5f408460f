//! Events that are encoded already.

use core::ops::Deref;

use bytes::Bytes;

use super::Encode;
use super::buffer::Buffer;
use super::error::EncodeError;

/// Encoded events, to be sent as they are: none, one or several whole events, such as a stretch of a
/// log that is shared by many streams.
///
/// Bytes alone are the data of an event; in this wrapper they are events. A [`Frame`](crate::Frame) is
/// one event, and was encoded here. Sent from a stream, encoded events are not copied.
///
/// ```
/// use bytes::Bytes;
/// use sse_codec::EncodedEvents;
///
/// let both = EncodedEvents::new(Bytes::from_static(b"data: one\n\ndata: two\n\n"));
/// assert_eq!(&*both, b"data: one\n\ndata: two\n\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EncodedEvents(Bytes);

impl EncodedEvents {
    /// Wraps encoded events. Each must end with its blank line: nothing is checked.
    #[must_use]
    pub const fn new(events: Bytes) -> Self {
        Self(events)
    }

    /// Returns the encoded events, without a copy.
    #[must_use]
    #[inline]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for EncodedEvents {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for EncodedEvents {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<EncodedEvents> for Bytes {
    fn from(events: EncodedEvents) -> Self {
        events.into_bytes()
    }
}

/// The limits of an [`Encoder`](crate::Encoder) hold for all of the events together.
impl Encode for EncodedEvents {
    const RUNS_FOREIGN_CODE: bool = false;
    const ENCODED: Option<fn(&Self) -> Bytes> = Some(|events| events.0.clone());

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        out.put(&self.0);
        Ok(())
    }
}
