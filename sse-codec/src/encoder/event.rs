//! An event to send: its fields, and how they are written as lines.

use alloc::borrow::Cow;
use core::fmt::{self, Write as _};
use core::time::Duration;

use super::Encode;
use super::buffer::{Appended, Buffer};
use super::data::{Data, DataWriter, Display, Formatted, NoData};
use super::error::EncodeError;
use super::frame::Frame;
use super::lines::LineWriter;

/// An event to send.
///
/// Every field is optional, and a field that is not set is not written. The order in the stream is
/// the comment, `retry`, `event`, `data`, `id`. The id is last because some clients act on it as soon as
/// its line arrives: cut off before the blank line, they would resume after an event that they do
/// not have. Building an event never fails; a value that cannot
/// be sent is an error when the event is encoded.
///
/// # Events without data
///
/// A client does not dispatch an event without data, but its fields take effect: an `id` becomes
/// the last event ID, a `retry` the reconnection time (HTML § 9.2.6). *Empty* data is different:
/// `Event::new().data("")` is dispatched, with the empty string as its data.
///
/// A comment and a reconnection time take effect without a blank line, and several clients take a
/// blank line after them for an event. So an event that has nothing else is written as lines, to which
/// whatever follows adds its own. It should not be the last thing that is sent: several clients
/// drop a last line without a blank line.
///
/// ```
/// use sse_codec::{Event, Frame};
///
/// assert_eq!(Frame::new(Event::new().id("42"))?.as_bytes(), b"id: 42\n\n");
/// assert_eq!(Frame::new(Event::new().data(""))?.as_bytes(), b"data: \n\n");
/// assert_eq!(Frame::new(Event::new().comment("x"))?.as_bytes(), b": x\n");
/// # use core::time::Duration;
/// let retry = Event::new().retry(Duration::from_secs(5));
/// assert_eq!(Frame::new(retry)?.as_bytes(), b"retry: 5000\n");
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
    /// Returns an event without any field. Encoding it writes nothing.
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
    /// Sets the event's name, which is the type of the event that the client dispatches. The
    /// default is `message`.
    ///
    /// A name cannot contain CR or LF. Encoding the event then returns
    /// [`EncodeError::LineBreak`].
    pub fn event(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.event = Some(name.into());
        self
    }

    /// Sets the event's id, which the client stores as its last event ID and sends as
    /// `Last-Event-ID` when it reconnects. An empty id resets the last event ID, and the client
    /// then reconnects without one.
    ///
    /// Spaces and tabs at either end of an id reach the client but are not sent back: HTTP removes
    /// white space around the value of a header (RFC 9110 § 5.5).
    ///
    /// An id should be ASCII. Clients send it back in a header, for which they have to encode other
    /// characters: browsers send UTF-8, others one byte of Latin-1 for each character, and many cannot
    /// send characters beyond Latin-1 and never reconnect.
    ///
    /// An id cannot contain CR, LF or NUL. Encoding the event then returns
    /// [`EncodeError::LineBreak`] or [`EncodeError::Nul`]. It cannot be longer than
    /// [`Encoder::max_id_len`](crate::Encoder::max_id_len) either, or encoding the event returns
    /// [`EncodeError::IdTooLong`].
    pub fn id(mut self, id: impl Into<Cow<'a, str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the client's reconnection time: how long it waits before it connects again.
    ///
    /// The stream carries whole milliseconds. A fraction is rounded up, so no client reconnects
    /// early. The maximum is `u64::MAX` milliseconds.
    pub fn retry(mut self, reconnection_time: Duration) -> Self {
        self.retry = Some(reconnection_time);
        self
    }

    /// Sets a comment, which clients ignore. Each of its lines becomes a comment line, before all
    /// fields of the event.
    pub fn comment(mut self, comment: impl Into<Cow<'a, str>>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// Sets the data: text, bytes in UTF-8, or any other [`Data`]. Each line of text becomes a
    /// `data` line, and the client joins them with LF.
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

    /// Sets the data to the text that `value` displays.
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
}

impl<D: Data> Event<'_, D> {
    /// Encodes the event, to send it many times.
    ///
    /// # Errors
    ///
    /// As [`Encoder::encode`](crate::Encoder::encode).
    pub fn to_frame(&self) -> Result<Frame, EncodeError> {
        Frame::new(self)
    }
}

impl<D: Data> Encode for Event<'_, D> {
    const RUNS_FOREIGN_CODE: bool = D::RUNS_FOREIGN_CODE;

    #[inline(always)]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        let fields = Fields {
            comment: self.comment.as_deref(),
            retry: self.retry,
            name: self.event.as_deref(),
            id: self.id.as_deref(),
        };
        fields.encode(&self.data, out)
    }
}

impl<D: Data + ?Sized> Encode for D {
    const RUNS_FOREIGN_CODE: bool = D::RUNS_FOREIGN_CODE;

    #[inline(always)]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        Fields::default().encode(self, out)
    }
}

impl<D: Data> Encode for &Event<'_, D> {
    const RUNS_FOREIGN_CODE: bool = D::RUNS_FOREIGN_CODE;

    #[inline(always)]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        (**self).encode_into(out)
    }
}

/// The fields of an event other than its data.
#[derive(Clone, Copy, Default)]
struct Fields<'a> {
    comment: Option<&'a str>,
    retry: Option<Duration>,
    name: Option<&'a str>,
    id: Option<&'a str>,
}

impl Fields<'_> {
    /// Encodes an event: the only way in which one is written.
    // Always inlined, as is everything that it calls for text, so that absent fields cost nothing.
    // With `#[inline]` alone, an event of 16 bytes takes 128 instructions instead of 89, and one with
    // a name and an id 367 instead of 254.
    #[inline(always)]
    fn encode<D: Data + ?Sized, B: Buffer>(self, data: &D, out: &mut B) -> Result<(), EncodeError> {
        let appended = Appended::new(out);
        let mut lines = LineWriter::new(&mut *appended.buffer);
        if let Some(comment) = self.comment {
            put_comment(&mut lines, comment);
        }
        if let Some(retry) = self.retry {
            put_retry(&mut lines, retry);
        }
        if let Some(name) = self.name.or_else(|| data.event_name()) {
            lines.name(name)?;
        }
        let mut writer = DataWriter::new(lines);
        data.write_to(&mut writer)?;
        let mut lines = writer.into_lines();
        if let Some(id) = self.id {
            lines.id(id)?;
        }
        lines.end();
        appended.keep();
        Ok(())
    }
}

/// Out of line, as few events have one.
#[cold]
fn put_comment<B: Buffer>(lines: &mut LineWriter<'_, B>, comment: &str) {
    lines.comment(comment);
}

/// Out of line, as few events have one.
#[cold]
fn put_retry<B: Buffer>(lines: &mut LineWriter<'_, B>, retry: Duration) {
    lines.begin_line(b"\nretry: ");
    // Formatting an integer into a growable buffer cannot fail.
    let _ = write!(Formatted(&mut *lines.out), "{}", whole_milliseconds(retry));
}

/// Rounds up: a reconnection time of 0.4 ms must not become zero.
fn whole_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
