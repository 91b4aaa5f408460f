//! The kinds of data of an event.
//!
//! Text and bytes are copied into the buffer. Formatted and serialized values are written to it
//! directly, without an intermediate string.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::ops::Deref;

use bytes::{Bytes, BytesMut};

use super::buffer::Buffer;
use super::buffer::sealed::Growable;
use super::error::EncodeError;
use super::lines::{self, LineWriter};

/// What separates two lines of data.
const NEXT: &[u8; 7] = b"\ndata: ";

/// A type that can be the data of an event.
///
/// It is implemented for text (`str`, `String`, `Cow<str>`), for bytes that must be UTF-8 (`[u8]`,
/// `Vec<u8>`, `Bytes`), for `serde_json::Value`, and for the wrappers [`Json`](crate::Json),
/// [`Typed`](crate::Typed) and [`Display`], which take any type that can be serialized or displayed.
///
/// Implement it to send a type without a wrapper:
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as the data of an event",
    label = "neither text nor wrapped in `Json`, `Typed` or `Display`",
    note = "to send a value as JSON, write `.json(&value)` or `Json(&value)`",
    note = "to send an enum as named events, write `.typed(&value)` or `Typed(&value)`",
    note = "to send what a value displays, such as a number, write `.display(42)` or `Display(42)`"
)]
pub trait Data {
    /// See [`Encode::RUNS_FOREIGN_CODE`](crate::Encode::RUNS_FOREIGN_CODE).
    #[doc(hidden)]
    const RUNS_FOREIGN_CODE: bool = true;

    /// Writes the data.
    ///
    /// # Errors
    ///
    /// When the data cannot be written. Everything written for the event is then removed.
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError>;

    /// Returns the name of an event with this data, unless [`Event::event`](crate::Event::event)
    /// sets one. The default is none.
    #[inline]
    fn event_name(&self) -> Option<&str> {
        None
    }
}

/// Writes the data of one event. Each method writes one or more `data` lines.
///
/// Data is split at LF, CR and CRLF into lines, each with its own prefix. The client joins the lines
/// with LF, so it receives CR and CRLF as LF.
#[derive(Debug)]
pub struct DataWriter<'a, B>(LineWriter<'a, B>);

impl<'a, B: Buffer> DataWriter<'a, B> {
    #[inline]
    pub(super) fn new(lines: LineWriter<'a, B>) -> Self {
        Self(lines)
    }

    #[inline]
    pub(super) fn into_lines(self) -> LineWriter<'a, B> {
        self.0
    }

    /// Writes text.
    #[inline(always)]
    pub fn text(&mut self, text: &str) {
        self.0.text(NEXT, text);
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

    /// Writes the text that `value` displays.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Display`] if its `Display` implementation returns an error.
    pub fn display(&mut self, value: &(impl fmt::Display + ?Sized)) -> Result<(), EncodeError> {
        self.raw(|out| write!(Formatted(out), "{value}").map_err(|_| EncodeError::Display))
    }

    /// Writes what `write` appends to the buffer, and splits it into lines.
    pub(crate) fn raw(
        &mut self,
        write: impl FnOnce(&mut B::Inner) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let start = self.begin_raw();
        write(self.0.out.inner())?;
        self.end_raw(start);
        Ok(())
    }

    /// Begins a line whose value is appended to [`raw_buffer`](Self::raw_buffer) in pieces. Returns
    /// where it starts, for [`end_raw`](Self::end_raw).
    pub(crate) fn begin_raw(&mut self) -> usize {
        self.0.begin(NEXT);
        self.0.out.filled()
    }

    /// Splits what was appended since `start` into lines.
    pub(crate) fn end_raw(&mut self, start: usize) {
        lines::split_written(self.0.out.inner(), start, NEXT);
    }

    #[cfg(feature = "json")]
    pub(crate) fn raw_buffer(&mut self) -> &mut B::Inner {
        self.0.out.inner()
    }
}

/// A buffer as the target of formatting. Writing to it never fails.
pub(crate) struct Formatted<'a, B>(pub(crate) &'a mut B);

impl<B: Growable> fmt::Write for Formatted<'_, B> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.put(text.as_bytes());
        Ok(())
    }
}

/// No data. An event without data only sets the client's state, see [`Event`](crate::Event).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NoData;

impl Data for NoData {
    const RUNS_FOREIGN_CODE: bool = false;

    #[inline]
    fn write_to<B: Buffer>(&self, _: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// Sends the text that a value displays.
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

    #[inline(always)]
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.text(self);
        Ok(())
    }
}

impl Data for [u8] {
    const RUNS_FOREIGN_CODE: bool = false;

    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.bytes(self)
    }
}

/// Owners and references are sent as the data in them.
macro_rules! data_through {
    ($([$($held:ident)?] $owner:ty),+ $(,)?) => {$(
        impl $(<$held: Data + ?Sized>)? Data for $owner {
            const RUNS_FOREIGN_CODE: bool = <<Self as Deref>::Target>::RUNS_FOREIGN_CODE;

            #[inline(always)]
            fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
                (**self).write_to(out)
            }

            #[inline(always)]
            fn event_name(&self) -> Option<&str> {
                (**self).event_name()
            }
        }
    )+};
}

data_through!([] String, [] Vec<u8>, [] Bytes, [] BytesMut, [T] Box<T>, [T] Arc<T>, [T] &T);

impl<T: Data + ToOwned + ?Sized> Data for Cow<'_, T> {
    const RUNS_FOREIGN_CODE: bool = T::RUNS_FOREIGN_CODE;

    #[inline(always)]
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        (**self).write_to(out)
    }

    #[inline(always)]
    fn event_name(&self) -> Option<&str> {
        (**self).event_name()
    }
}

impl<const N: usize> Data for [u8; N] {
    const RUNS_FOREIGN_CODE: bool = false;

    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.bytes(self)
    }
}
