//! What an event's data can be made of.
//!
//! Text and bytes are copied into the buffer as they are; what is formatted or serialized goes
//! there directly, without a string in between.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::ops::Deref;

use bytes::{Bytes, BytesMut};

use crate::buffer::Buffer;
use crate::error::EncodeError;
use crate::line;

/// What goes between two lines of data; each begins with `data` and the separator that every
/// field gets.
const NEXT: &[u8; 7] = b"\ndata: ";

/// Something that can be an event's data.
///
/// Implemented for text (`str`, `String`, `Cow<str>`), for bytes that must be UTF-8 (`[u8]`,
/// `Vec<u8>`, `Bytes`), for `serde_json::Value`, and through the wrappers
/// [`Json`](crate::Json) and [`Display`] for anything that can be serialized or displayed.
///
/// Implement it for a type of your own to send it as it is:
///
/// ```
/// use sse_codec::{Buffer, Data, DataWriter, EncodeError, Frame};
///
/// struct Celsius(f64);
///
/// impl Data for Celsius {
///     fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
///         out.display(&format_args!("{:.1} °C", self.0))
///     }
/// }
///
/// assert_eq!(Frame::new(Celsius(21.55))?.as_bytes(), "data: 21.6 °C\n\n".as_bytes());
/// # Ok::<(), EncodeError>(())
/// ```
pub trait Data {
    /// See [`Encode::RUNS_FOREIGN_CODE`](crate::Encode::RUNS_FOREIGN_CODE).
    #[doc(hidden)]
    const RUNS_FOREIGN_CODE: bool = true;

    /// Writes the data.
    ///
    /// # Errors
    ///
    /// When the data cannot be written; whatever was written before is taken back.
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError>;

    /// The name of the event that the data makes, unless [`Event::event`](crate::Event::event)
    /// gives another. Most data has none.
    #[inline]
    fn event_name(&self) -> Option<&str> {
        None
    }

    /// The data, if all of it is text that is there already and [`write_to`](Self::write_to)
    /// writes just that. Short text is encoded faster this way.
    ///
    /// ```
    /// use sse_codec::{Data, Display};
    ///
    /// assert_eq!("hello".as_text(), Some("hello"));
    /// assert_eq!(Display(42).as_text(), None);
    /// ```
    #[inline]
    fn as_text(&self) -> Option<&str> {
        None
    }
}

/// Takes the data of one event; each call writes one or more whole `data` lines.
///
/// What it is given is split at LF, CR and CRLF, each line with its own prefix. The client joins
/// the lines with LF, so CR and CRLF arrive as LF.
#[derive(Debug)]
pub struct DataWriter<'a, B> {
    out: &'a mut B,
    /// Whether a line was begun whose end is not written yet. The last one's is written together
    /// with the event's: each piece that is put has its cost, and a short event is few of them.
    open: bool,
}

impl<'a, B: Buffer> DataWriter<'a, B> {
    pub(crate) fn new(out: &'a mut B) -> Self {
        Self { out, open: false }
    }

    /// Ends the last line, and the event that began at `start` unless there is nothing in it.
    #[inline]
    pub(crate) fn end_event(self, start: usize) {
        if self.open {
            self.out.put(b"\n\n");
        } else if self.out.filled() > start {
            self.out.put(b"\n");
        }
    }

    #[inline]
    fn begin_line(&mut self) {
        if self.open {
            self.out.put(NEXT);
        } else {
            self.out.put(&NEXT[1..]);
            self.open = true;
        }
    }

    /// Writes text.
    // Always: a call would be a tenth of what a short event with a name and an id costs.
    #[inline(always)]
    pub fn text(&mut self, text: &str) {
        self.begin_line();
        line::put_lines(self.out, NEXT, text.as_bytes());
    }

    /// Writes bytes that must be UTF-8.
    ///
    /// # Errors
    ///
    /// [`EncodeError::InvalidUtf8`] if they are not.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let text = core::str::from_utf8(bytes).map_err(EncodeError::InvalidUtf8)?;
        self.text(text);
        Ok(())
    }

    /// Writes what `value` displays.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Display`] if its `Display` implementation returns an error.
    pub fn display(&mut self, value: &(impl fmt::Display + ?Sized)) -> Result<(), EncodeError> {
        self.raw(|out| write!(Formatted(out), "{value}").map_err(|_| EncodeError::Display))
    }

    /// Writes whatever `write` appends to the buffer as lines of data.
    pub(crate) fn raw(
        &mut self,
        write: impl FnOnce(&mut B) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let start = self.begin_raw();
        write(self.out)?;
        self.end_raw(start);
        Ok(())
    }

    /// Begins a line whose value is appended to [`raw_buffer`](Self::raw_buffer) in pieces.
    /// Returns where it starts, for [`end_raw`](Self::end_raw).
    pub(crate) fn begin_raw(&mut self) -> usize {
        self.begin_line();
        self.out.filled()
    }

    /// Ends what was begun at `start`. Line breaks in it become lines of data.
    pub(crate) fn end_raw(&mut self, start: usize) {
        line::split_written(self.out, start, NEXT);
    }

    #[cfg(feature = "json")]
    pub(crate) fn raw_buffer(&mut self) -> &mut B {
        self.out
    }
}

/// A buffer as the target of formatting.
pub(crate) struct Formatted<'a, B>(pub(crate) &'a mut B);

impl<B: Buffer> fmt::Write for Formatted<'_, B> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put(text.as_bytes());
        Ok(())
    }
}

/// No data: an event that only sets the client's state, see [`Event`](crate::Event).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoData;

impl Data for NoData {
    const RUNS_FOREIGN_CODE: bool = false;

    #[inline]
    fn write_to<B: Buffer>(&self, _: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// Data from anything that implements [`core::fmt::Display`].
///
/// ```
/// use sse_codec::{Display, Frame};
///
/// assert_eq!(Frame::new(Display(42))?.as_bytes(), b"data: 42\n\n");
/// # Ok::<(), sse_codec::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Display<T>(pub T);

impl<T: fmt::Display> Data for Display<T> {
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.display(&self.0)
    }
}

impl Data for str {
    const RUNS_FOREIGN_CODE: bool = false;

    // Always: a call would be a tenth of what a short text costs.
    #[inline(always)]
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.text(self);
        Ok(())
    }

    #[inline]
    fn as_text(&self) -> Option<&str> {
        Some(self)
    }
}

/// Appends an event of short text without a line break; of any other, nothing and `false`.
#[inline(always)]
pub(crate) fn put_short<B: Buffer>(out: &mut B, text: &str) -> bool {
    let short = line::is_short_line(text.as_bytes());
    if short {
        out.put(&NEXT[1..]);
        out.put(text.as_bytes());
        out.put(b"\n\n");
    }
    short
}

impl Data for [u8] {
    const RUNS_FOREIGN_CODE: bool = false;

    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.bytes(self)
    }
}

/// Owners and references are the data that they hold.
macro_rules! data_through {
    ($([$($held:ident)?] $owner:ty),+ $(,)?) => {$(
        impl $(<$held: Data + ?Sized>)? Data for $owner {
            const RUNS_FOREIGN_CODE: bool = <<Self as Deref>::Target>::RUNS_FOREIGN_CODE;

            #[inline]
            fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
                (**self).write_to(out)
            }

            #[inline]
            fn event_name(&self) -> Option<&str> {
                (**self).event_name()
            }

            #[inline]
            fn as_text(&self) -> Option<&str> {
                (**self).as_text()
            }
        }
    )+};
}

data_through!([] String, [] Vec<u8>, [] Bytes, [] BytesMut, [T] Box<T>, [T] Arc<T>, [T] &T);

impl<T: Data + ToOwned + ?Sized> Data for Cow<'_, T> {
    const RUNS_FOREIGN_CODE: bool = T::RUNS_FOREIGN_CODE;

    #[inline]
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        (**self).write_to(out)
    }

    #[inline]
    fn event_name(&self) -> Option<&str> {
        (**self).event_name()
    }

    #[inline]
    fn as_text(&self) -> Option<&str> {
        (**self).as_text()
    }
}

impl<const N: usize> Data for [u8; N] {
    const RUNS_FOREIGN_CODE: bool = false;

    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.bytes(self)
    }
}
