//! JSON data: serialized directly into the output buffer, and deserialized from received events.

use core::{error, fmt};
use std::io;

use serde::{Deserialize, Serialize};

use crate::encoder::{Buffer, Data, DataWriter, EncodeError, Event, Growable};
use crate::json_escapes::{escape_line_ends, is_plain};
use crate::received::{EventRef, ReceivedEvent};

/// Sends a value that implements [`serde::Serialize`] as compact JSON.
///
/// U+0085, U+2028 and U+2029 are escaped as `\u0085`, `\u2028` and `\u2029`. They are valid in
/// JSON as they are, but several clients take them for line ends. Text is sent as it is.
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

impl<'a, D> Event<'a, D> {
    /// Sets the data to `value` as compact JSON. Pass a reference to keep the value.
    ///
    /// ```
    /// use sse_codec::{Event, Frame};
    ///
    /// let frame = Frame::new(Event::new().json(["a", "b"]))?;
    /// assert_eq!(frame.as_bytes(), b"data: [\"a\",\"b\"]\n\n");
    /// # Ok::<(), sse_codec::EncodeError>(())
    /// ```
    pub fn json<T: Serialize>(self, value: T) -> Event<'a, Json<T>> {
        self.data(Json(value))
    }
}

impl<B: Buffer> DataWriter<'_, B> {
    /// Writes `value` as compact JSON.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Json`] if the value cannot be serialized.
    #[inline]
    pub fn json(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), EncodeError> {
        let start = self.begin_raw();
        serde_json::to_writer(Output(self.raw_buffer()), value).map_err(EncodeError::Json)?;
        self.end_json(start);
        Ok(())
    }

    /// Ends JSON that was appended since `start`.
    #[inline]
    pub(crate) fn end_json(&mut self, start: usize) {
        if !is_plain(&self.raw_buffer().bytes()[start..]) {
            escape_line_ends(self.raw_buffer(), start);
            // The serializer escapes line breaks in strings, but a raw value may contain some
            // between its tokens. Those are split like any other data.
            self.end_raw(start);
        }
    }
}

/// A buffer as the serializer's output. Writing to it never fails.
pub(crate) struct Output<'a, B>(pub(crate) &'a mut B);

impl<B: Growable> io::Write for Output<'_, B> {
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

impl<'a> EventRef<'a> {
    /// Deserializes the data as JSON. `T` can borrow from the data.
    ///
    /// ```
    /// use sse_codec::Decoder;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Delta<'a> {
    ///     text: &'a str,
    /// }
    ///
    /// let mut decoder = Decoder::new();
    /// let mut events = decoder.feed(b"data: {\"text\":\"hello\"}\n\n");
    /// let delta: Delta<'_> = events.next_event()?.expect("a complete event").json()?;
    /// assert_eq!(delta.text, "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the data is not valid JSON for a `T`. The error contains the event.
    pub fn json<T: Deserialize<'a>>(self) -> Result<T, JsonError> {
        serde_json::from_str(self.data()).map_err(|error| JsonError::new(self, error))
    }
}

impl ReceivedEvent {
    /// Deserializes the data as JSON. `T` can borrow from the event.
    ///
    /// # Errors
    ///
    /// If the data is not valid JSON for a `T`. The error contains the event.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, JsonError> {
        self.as_event_ref().json()
    }
}

/// The data of a received event could not be deserialized as JSON.
#[derive(Debug)]
pub struct JsonError {
    event: ReceivedEvent,
    error: serde_json::Error,
}

impl JsonError {
    #[cold]
    pub(crate) fn new(event: EventRef<'_>, error: serde_json::Error) -> Self {
        Self {
            event: event.into_owned(),
            error,
        }
    }

    /// Returns the received event.
    #[must_use]
    pub fn event(&self) -> &ReceivedEvent {
        &self.event
    }

    /// Returns the received event.
    #[must_use]
    pub fn into_event(self) -> ReceivedEvent {
        self.event
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.event.event();
        write!(
            f,
            "data of event {name:?} could not be deserialized as JSON"
        )
    }
}

impl error::Error for JsonError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.error)
    }
}
