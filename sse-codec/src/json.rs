//! JSON data, serialized straight into the output buffer.

use std::io;

use serde::Serialize;

use crate::buffer::Buffer;
use crate::data::{Data, DataWriter};
use crate::error::EncodeError;

/// Data from anything that implements [`serde::Serialize`], as compact JSON.
///
/// ```
/// use sse_codec::{Frame, Json};
///
/// #[derive(serde::Serialize)]
/// struct Delta<'a> {
///     text: &'a str,
/// }
///
/// let frame = Frame::new(Json(Delta { text: "two\nlines" }))?;
/// assert_eq!(frame.as_bytes(), b"data: {\"text\":\"two\\nlines\"}\n\n");
/// # Ok::<(), sse_codec::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

impl<T: Serialize> Data for Json<T> {
    #[inline]
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.json(&self.0)
    }
}

impl Data for serde_json::Value {
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.json(self)
    }
}

impl<B: Buffer> DataWriter<'_, B> {
    /// Writes `value` as compact JSON.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Json`] if it cannot be serialized.
    #[inline]
    pub fn json(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), EncodeError> {
        // The serializer escapes line breaks in strings, but raw values may hold some between
        // their tokens: they are split like any other data.
        self.raw(|out| serde_json::to_writer(Output(out), value).map_err(EncodeError::Json))
    }
}

/// A buffer as the serializer's output; it takes everything.
struct Output<'a, B>(&'a mut B);

impl<B: Buffer> io::Write for Output<'_, B> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.put(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.put(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
