//! The encoder: events in, bytes out, all or nothing.

mod buffer;
mod data;
mod error;
mod event;
mod field;
mod frame;
mod lines;
mod low_bytes;

pub use self::buffer::Buffer;
pub use self::data::{Data, DataWriter, Display, NoData};
pub use self::error::EncodeError;
pub use self::event::Event;
pub use self::field::Field;
pub use self::frame::Frame;

/// Something that can be encoded as one event.
///
/// Implemented for [`Event`](crate::Event) and [`Frame`](crate::Frame), and for all
/// [`Data`], which is an event without name and id: `"hello"` stands for
/// `Event::new().data("hello")`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as an event",
    label = "neither an `Event`, a `Frame`, text, nor wrapped in `Json`, `Typed` or `Display`",
    note = "to send a value as JSON, write `sse.send(Json(&value))`",
    note = "to send an enum as named events, write `sse.send(Typed(&value))`",
    note = "to send what a value displays, such as a number, write `sse.send(Display(42))`"
)]
pub trait Encode {
    /// Whether encoding may run code from outside this crate, such as a `Serialize` or `Display`
    /// implementation. An event that runs none can be encoded under a lock.
    #[doc(hidden)]
    const RUNS_FOREIGN_CODE: bool = true;

    /// Appends the encoded event to `out`, without a limit.
    ///
    /// # Errors
    ///
    /// When the event cannot be encoded; `out` is then as it was before.
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError>;
}

/// Encodes events into a buffer of the caller's.
///
/// It carries no state from one event to the next, only its limit on the length of one event.
///
/// ```
/// use sse_codec::{EncodeError, Encoder, Event};
///
/// let encoder = Encoder::new();
/// let mut out = Vec::new();
/// encoder.encode("hello", &mut out)?;
///
/// // A name with a line break would forge a field: an error, and nothing is written.
/// let forged = encoder.encode(&Event::new().event("a\ndata: b").data("c"), &mut out);
/// assert!(matches!(forged, Err(EncodeError::LineBreak { position: 1, .. })));
/// assert_eq!(out, b"data: hello\n\n");
/// # Ok::<(), EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Encoder {
    max_event_len: usize,
}

impl Encoder {
    /// The default limit on the length of one encoded event: 16 MiB.
    pub const DEFAULT_MAX_EVENT_LEN: usize = 16 * 1024 * 1024;

    /// An encoder with the default limit.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_event_len: Self::DEFAULT_MAX_EVENT_LEN,
        }
    }

    /// Sets the limit on the length of one encoded event, in bytes.
    #[must_use]
    pub const fn max_event_len(mut self, limit: usize) -> Self {
        self.max_event_len = limit;
        self
    }

    /// Appends `event` to `out` and returns how many bytes it took.
    ///
    /// # Errors
    ///
    /// When the event holds something that a stream cannot carry, or is longer than the limit.
    /// `out` is then as it was before.
    // Always: of a short event, little more than copying it is left, and no call.
    #[inline(always)]
    pub fn encode(
        &self,
        event: &(impl Encode + ?Sized),
        out: &mut impl Buffer,
    ) -> Result<usize, EncodeError> {
        let start = out.filled();
        event.encode_into(out)?;
        let len = out.filled() - start;
        if len > self.max_event_len {
            return Err(self.take_back(start, out));
        }
        Ok(len)
    }

    #[cold]
    fn take_back(&self, start: usize, out: &mut impl Buffer) -> EncodeError {
        let len = out.filled() - start;
        out.cut_back(start);
        EncodeError::TooLong {
            len,
            limit: self.max_event_len,
        }
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}
