//! The encoder: events in, bytes out, all or nothing.

use crate::buffer::Buffer;
use crate::data::{self, Data, DataWriter};
use crate::error::EncodeError;
use crate::field;
use crate::short;

/// Something that can be encoded as one event.
///
/// Implemented for [`Event`](crate::Event) and [`Frame`](crate::Frame), and for all
/// [`Data`], which is an event without name and id: `"hello"` stands for
/// `Event::new().data("hello")`.
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

    /// Appends the event if that takes no more than to copy it, and says whether it did. If not,
    /// `out` is as it was and the event is one for [`encode_into`](Self::encode_into), which is
    /// right for all of them.
    ///
    /// An [`Encoder`] asks for this first: it cannot fail, so it leaves nothing to be looked at,
    /// and for a short event that is most of the work.
    ///
    /// ```
    /// use sse_codec::Encode;
    ///
    /// let mut out = Vec::new();
    /// assert!("hello".encode_at_once(&mut out));
    /// assert!(!"two\nlines".encode_at_once(&mut out));
    /// assert_eq!(out, b"data: hello\n\n");
    /// ```
    #[inline]
    fn encode_at_once<B: Buffer>(&self, out: &mut B) -> bool {
        let _ = out;
        false
    }

    /// The text, if the event is nothing but that: no name, no id, and the text is there already.
    /// It may then be one for [`Encoder::encode_short`].
    ///
    /// ```
    /// use sse_codec::{Encode, Event};
    ///
    /// assert_eq!("hello".only_text(), Some("hello"));
    /// assert_eq!(Event::new().id("1").data("hello").only_text(), None);
    /// ```
    #[inline]
    fn only_text(&self) -> Option<&str> {
        None
    }
}

impl<D: Data + ?Sized> Encode for D {
    const RUNS_FOREIGN_CODE: bool = D::RUNS_FOREIGN_CODE;

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        all_or_nothing(out, |out| {
            let start = out.filled();
            if let Some(name) = self.event_name() {
                field::put_name(out, name)?;
            }
            let mut data = DataWriter::new(out);
            self.write_to(&mut data)?;
            data.end_event(start);
            Ok(())
        })
    }

    // Always: inlined it is less than half of what it is as a call.
    #[inline(always)]
    fn encode_at_once<B: Buffer>(&self, out: &mut B) -> bool {
        match self.as_text() {
            Some(text) if self.event_name().is_none() => data::put_short(out, text),
            _ => false,
        }
    }

    #[inline(always)]
    fn only_text(&self) -> Option<&str> {
        self.as_text().filter(|_| self.event_name().is_none())
    }
}

/// Takes back what `write` appended when it fails, or when the data's own code panics.
#[inline]
pub(crate) fn all_or_nothing<B: Buffer>(
    out: &mut B,
    write: impl FnOnce(&mut B) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    struct Unfinished<'a, B: Buffer> {
        out: &'a mut B,
        keep: usize,
    }

    impl<B: Buffer> Drop for Unfinished<'_, B> {
        fn drop(&mut self) {
            self.out.cut_back(self.keep);
        }
    }

    let mut unfinished = Unfinished {
        keep: out.filled(),
        out,
    };
    write(unfinished.out)?;
    unfinished.keep = unfinished.out.filled();
    Ok(())
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
        if !event.encode_at_once(out) {
            encode_with_care(event, out)?;
        }
        let len = out.filled() - start;
        if len > self.max_event_len {
            return Err(self.take_back(start, out));
        }
        Ok(len)
    }

    /// The room that [`encode_short`](Self::encode_short) asks for, in bytes.
    pub const SHORT_LEN: usize = short::ROOM;

    /// Writes an event of `text` to the beginning of `out` and returns its length, if that takes
    /// next to nothing: if the text has 8 to 32 bytes, no line break and no other control
    /// character, and `out` has [`SHORT_LEN`](Self::SHORT_LEN) bytes. Else the event is one for
    /// [`encode`](Self::encode), and `out` is as it was.
    ///
    /// It is for inner loops: it consists of some thirty instructions, none of them a call. What
    /// is in `out` behind the event is of no meaning.
    ///
    /// ```
    /// let encoder = sse_codec::Encoder::new();
    /// let mut out = [0; 100];
    /// let len = encoder.encode_short("good morning", &mut out).unwrap_or(0);
    /// assert_eq!(&out[..len], b"data: good morning\n\n");
    /// assert_eq!(encoder.encode_short("good\nnight", &mut out), None);
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn encode_short(&self, text: &str, out: &mut [u8]) -> Option<usize> {
        if self.max_event_len < Self::SHORT_LEN {
            return None;
        }
        short::write(text, out)
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

/// [`Encode::encode_into`], apart from the events that do not need it.
#[inline(never)]
fn encode_with_care<B: Buffer>(
    event: &(impl Encode + ?Sized),
    out: &mut B,
) -> Result<(), EncodeError> {
    event.encode_into(out)
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}
