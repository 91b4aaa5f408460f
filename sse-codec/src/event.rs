//! An event to be sent: which fields it has, and how they become lines.

use alloc::borrow::Cow;
use core::fmt::{self, Write as _};
use core::time::Duration;

use crate::buffer::Buffer;
use crate::data::{Data, DataWriter, Display, Formatted, NoData};
use crate::encoder::{self, Encode};
use crate::error::EncodeError;
use crate::field;
use crate::frame::Frame;
use crate::line;

/// An event to be sent.
///
/// Building one never fails; what cannot be sent is found when it is encoded. Everything is
/// optional, and fields that were not set do not appear. On the wire the comment comes first,
/// then `retry`, `event`, `id` and `data`.
///
/// # Events without data
///
/// An event without data is not dispatched by the client, but what it carries takes effect: an
/// `id` becomes the last event ID, a `retry` the reconnection time (HTML § 9.2.6). *Empty* data
/// is something else: `Event::new().data("")` is dispatched, with the empty string as its data.
///
/// ```
/// use sse_codec::{Event, Frame};
///
/// assert_eq!(Frame::new(Event::new().id("42"))?.as_bytes(), b"id: 42\n\n");
/// assert_eq!(Frame::new(Event::new().data(""))?.as_bytes(), b"data: \n\n");
/// # Ok::<(), sse_codec::EncodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "an event does nothing until it is encoded or sent"]
pub struct Event<'a, D = NoData> {
    comment: Option<Cow<'a, str>>,
    retry: Option<Duration>,
    event: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    data: D,
}

impl Event<'_> {
    /// An event with nothing set; encoded as it is, it writes nothing.
    pub const fn new() -> Self {
        Self {
            comment: None,
            retry: None,
            event: None,
            id: None,
            data: NoData,
        }
    }
}

impl<'a, D> Event<'a, D> {
    /// Sets the event's name: the type of the event that the client dispatches. Without one it
    /// is `message`.
    ///
    /// CR and LF are not possible in a name; encoding it gives [`EncodeError::LineBreak`].
    pub fn event(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.event = Some(name.into());
        self
    }

    /// Sets the event's id, which the client keeps as its last event ID and sends back as
    /// `Last-Event-ID` when it reconnects. The empty id is meaningful: it resets the last event
    /// ID, and the client then reconnects without one.
    ///
    /// Spaces and tabs at either end of an id reach the client, but do not come back from it:
    /// HTTP takes them for white space around the header's value (RFC 9110 § 5.5).
    ///
    /// CR, LF and NUL are not possible in an id; encoding it gives [`EncodeError::LineBreak`]
    /// or [`EncodeError::Nul`].
    pub fn id(mut self, id: impl Into<Cow<'a, str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the client's reconnection time: how long it waits before it connects again.
    ///
    /// The stream carries whole milliseconds. A fraction is rounded up, so that no client comes
    /// back earlier than asked for, and times beyond `u64::MAX` milliseconds become that.
    pub const fn retry(mut self, reconnection_time: Duration) -> Self {
        self.retry = Some(reconnection_time);
        self
    }

    /// Sets a comment, which clients ignore. Each of its lines becomes a comment line.
    pub fn comment(mut self, comment: impl Into<Cow<'a, str>>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// Sets the data: text, bytes in UTF-8, or anything else that is [`Data`]. Text of several
    /// lines becomes one `data` line each, and the client gets them back joined with LF.
    pub fn data<T: Data>(self, data: T) -> Event<'a, T> {
        let Self {
            comment,
            retry,
            event,
            id,
            data: _,
        } = self;
        Event {
            comment,
            retry,
            event,
            id,
            data,
        }
    }

    /// Sets the data to what `value` displays.
    ///
    /// ```
    /// use sse_codec::{Event, Frame};
    ///
    /// let frame = Frame::new(Event::new().event("count").display(42))?;
    /// assert_eq!(frame.as_bytes(), b"event: count\ndata: 42\n\n");
    /// # Ok::<(), sse_codec::EncodeError>(())
    /// ```
    pub fn display<T: fmt::Display>(self, value: T) -> Event<'a, Display<T>> {
        self.data(Display(value))
    }

    /// Sets the data to `value` as compact JSON. Give a reference to serialize without a copy.
    ///
    /// ```
    /// use sse_codec::{Event, Frame};
    ///
    /// let frame = Frame::new(Event::new().json(["a", "b"]))?;
    /// assert_eq!(frame.as_bytes(), b"data: [\"a\",\"b\"]\n\n");
    /// # Ok::<(), sse_codec::EncodeError>(())
    /// ```
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize>(self, value: T) -> Event<'a, crate::Json<T>> {
        self.data(crate::Json(value))
    }

    /// Sets the name and the data to those of an enum, see [`Typed`](crate::Typed). A name that
    /// [`event`](Self::event) sets comes first.
    ///
    /// ```
    /// use sse_codec::{Event, Frame};
    ///
    /// #[derive(serde::Serialize)]
    /// enum Message {
    ///     Added { count: u32 },
    /// }
    ///
    /// let frame = Frame::new(Event::new().id("7").typed(Message::Added { count: 2 }))?;
    /// assert_eq!(frame.as_bytes(), b"event: Added\nid: 7\ndata: {\"count\":2}\n\n");
    /// # Ok::<(), sse_codec::EncodeError>(())
    /// ```
    #[cfg(feature = "json")]
    pub fn typed<T: serde::Serialize>(self, value: T) -> Event<'a, crate::Typed<T>> {
        self.data(crate::Typed(value))
    }
}

impl<D: Data> Event<'_, D> {
    /// Encodes the event once, to be sent many times.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`](crate::Encoder::encode).
    pub fn to_frame(&self) -> Result<Frame, EncodeError> {
        Frame::new(self)
    }

    fn put<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        let start = out.filled();
        if let Some(comment) = &self.comment {
            put_comment(out, comment);
        }
        if let Some(retry) = self.retry {
            put_retry(out, retry);
        }
        if let Some(name) = self.event.as_deref().or_else(|| self.data.event_name()) {
            field::put_name(out, name)?;
        }
        if let Some(id) = &self.id {
            field::put_id(out, id)?;
        }
        let mut data = DataWriter::new(out);
        self.data.write_to(&mut data)?;
        data.end_event(start);
        Ok(())
    }
}

impl<D: Data> Encode for Event<'_, D> {
    const RUNS_FOREIGN_CODE: bool = D::RUNS_FOREIGN_CODE;

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        encoder::all_or_nothing(out, |out| self.put(out))
    }
}

impl<D: Data> Encode for &Event<'_, D> {
    const RUNS_FOREIGN_CODE: bool = D::RUNS_FOREIGN_CODE;

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        (**self).encode_into(out)
    }
}

/// Apart from the rest, as few events have one.
#[cold]
fn put_comment<B: Buffer>(out: &mut B, comment: &str) {
    out.put(b": ");
    line::put_lines(out, b"\n: ", comment.as_bytes());
    out.put(b"\n");
}

/// Apart from the rest, as few events have one.
#[cold]
fn put_retry<B: Buffer>(out: &mut B, retry: Duration) {
    // Formatting an integer into a buffer that takes everything cannot fail.
    let _ = writeln!(Formatted(out), "retry: {}", whole_milliseconds(retry));
}

/// Rounded up: a reconnection time of 0.4 ms must not become "at once".
fn whole_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
