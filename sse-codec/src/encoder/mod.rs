//! The encoder: writes events as bytes, all of an event or nothing.
//!
//! `event` combines the fields of an event, `lines` writes them, and `data` has the kinds of data.

mod buffer;
mod data;
mod encoded;
mod error;
mod event;
mod field;
mod frame;
mod lines;
mod low_bytes;

use bytes::Bytes;

use self::buffer::Limited;

#[cfg(feature = "json")]
pub(crate) use self::buffer::sealed::Growable;

pub use self::buffer::Buffer;
pub use self::data::{Data, DataWriter, Display, NoData};
pub use self::encoded::EncodedEvents;
pub use self::error::EncodeError;
pub use self::event::Event;
pub use self::field::Field;
pub use self::frame::Frame;

/// A type that can be encoded as one event.
///
/// It is implemented for [`Event`], for [`Frame`], for [`EncodedEvents`], for received events, and for every [`Data`]:
/// `"hello"` is encoded like `Event::new().data("hello")`.
///
/// Implement it for a type that is a whole event, by means of an [`Event`]:
///
/// ```
/// use sse_codec::{Buffer, Encode, EncodeError, Event, Frame};
///
/// struct Progress {
///     done: u32,
///     total: u32,
/// }
///
/// impl Encode for Progress {
///     fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
///         let data = format_args!("{} of {}", self.done, self.total);
///         Event::new().event("progress").display(data).encode_into(out)
///     }
/// }
///
/// let frame = Frame::new(Progress { done: 2, total: 7 })?;
/// assert_eq!(frame.as_bytes(), b"event: progress\ndata: 2 of 7\n\n");
/// # Ok::<(), EncodeError>(())
/// ```
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

    /// Returns the encoded events of a type that is nothing else, so that they can be handed over
    /// without a copy.
    #[doc(hidden)]
    const ENCODED: Option<fn(&Self) -> Bytes> = None;

    /// Appends the encoded event to `out`, without the limits of an [`Encoder`].
    ///
    /// # Errors
    ///
    /// When the event cannot be encoded. `out` is then unchanged.
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError>;
}

/// Encodes events into a buffer of the caller.
///
/// It has no state other than its limits on the length of one event and of its id.
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
    max_id_len: usize,
}

impl Encoder {
    /// The default limit on the length of one encoded event: 16 MiB.
    pub const DEFAULT_MAX_EVENT_LEN: usize = 16 * 1024 * 1024;

    /// The default limit on the length of an id: 4 KiB.
    ///
    /// A client sends the id back in a header. Requests with 8 KiB of headers are refused by nginx,
    /// Apache httpd, Varnish and lighttpd as they are configured by default, and the client then never
    /// comes back.
    pub const DEFAULT_MAX_ID_LEN: usize = 4 * 1024;

    /// Returns an encoder with the default limits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_event_len: Self::DEFAULT_MAX_EVENT_LEN,
            max_id_len: Self::DEFAULT_MAX_ID_LEN,
        }
    }

    /// Sets the limit on the length of one encoded event, in bytes.
    #[must_use]
    pub const fn max_event_len(mut self, limit: usize) -> Self {
        self.max_event_len = limit;
        self
    }

    /// Sets the limit on the length of an id, in bytes. A [`Frame`] was checked when it was encoded.
    #[must_use]
    pub const fn max_id_len(mut self, limit: usize) -> Self {
        self.max_id_len = limit;
        self
    }

    /// Appends `event` to `out` and returns its encoded length.
    ///
    /// # Errors
    ///
    /// When the event contains something that a stream cannot carry, or exceeds a limit. `out` is
    /// then unchanged.
    // Always inlined: with `#[inline]` alone, an event with a name and an id takes 305 instructions
    // instead of 254.
    #[inline(always)]
    pub fn encode(
        &self,
        event: &(impl Encode + ?Sized),
        out: &mut impl Buffer,
    ) -> Result<usize, EncodeError> {
        let start = out.filled();
        event.encode_into(&mut Limited::new(out, self.max_id_len))?;
        let len = out.filled() - start;
        if len > self.max_event_len {
            return Err(self.too_long(start, out));
        }
        Ok(len)
    }

    #[cold]
    fn too_long(&self, start: usize, out: &mut impl Buffer) -> EncodeError {
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
