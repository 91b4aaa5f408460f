//! A received event: as it is borrowed from a decoder, and as it is kept.
//!
//! It has what the standard's `MessageEvent` has. Both forms can be encoded again, so a proxy can
//! pass on what it received. How the text of a kept event is stored is the matter of `text`.

mod text;

use core::fmt;

use bytes::Bytes;

use self::text::Text;

use crate::buffer::Buffer;
use crate::encoder::Encode;
use crate::error::EncodeError;
use crate::event::Event;

/// The name of an event that was not given one (HTML § 9.2.6).
const DEFAULT_NAME: &str = "message";

/// A received event, borrowed from the decoder that read it.
///
/// ```
/// use sse_codec::Decoder;
///
/// let mut decoder = Decoder::new();
/// let mut events = decoder.feed(b"event: tick\nid: 7\ndata: 1\ndata: 2\n\n");
/// let event = events.next_event()?.expect("a complete event");
/// assert_eq!(event.event(), "tick");
/// assert_eq!(event.data(), "1\n2");
/// assert_eq!(event.last_event_id(), "7");
/// # Ok::<(), sse_codec::DecodeError>(())
/// ```
///
/// # Encoding it again
///
/// It is [`Encode`], and [`to_event`](Self::to_event) makes an [`Event`] of it to be changed. A
/// receiver of the new stream gets the same events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EventRef<'a> {
    data: &'a str,
    /// Empty if the stream gave none.
    event: &'a str,
    last_event_id: &'a str,
    sets_id: bool,
}

impl<'a> EventRef<'a> {
    #[inline]
    pub(crate) fn new(
        data: &'a str,
        event: &'a str,
        last_event_id: &'a str,
        sets_id: bool,
    ) -> Self {
        Self {
            data,
            event,
            last_event_id,
            sets_id,
        }
    }

    /// The data: its lines joined with LF.
    #[must_use]
    #[inline]
    pub fn data(self) -> &'a str {
        self.data
    }

    /// The event's name, the type of the event that a browser dispatches: `message` if the
    /// stream gave none.
    #[must_use]
    #[inline]
    pub fn event(self) -> &'a str {
        if self.event.is_empty() {
            DEFAULT_NAME
        } else {
            self.event
        }
    }

    /// The last event ID: set by this event or by an earlier one, and empty if by none.
    #[must_use]
    #[inline]
    pub fn last_event_id(self) -> &'a str {
        self.last_event_id
    }

    /// The id, if it was set since the event before: by this one, or by one without data, which
    /// is not dispatched. An empty id resets the last event ID.
    #[must_use]
    #[inline]
    pub fn id(self) -> Option<&'a str> {
        self.sets_id.then_some(self.last_event_id)
    }

    /// An event to be sent that is received like this one: to change it before it is passed on.
    pub fn to_event(self) -> Event<'a, &'a str> {
        let mut event = Event::new();
        if self.event() != DEFAULT_NAME {
            event = event.event(self.event);
        }
        if let Some(id) = self.id() {
            event = event.id(id);
        }
        event.data(self.data)
    }

    /// Keeps the event, with one allocation at most, and none if it is short.
    // A call, so that the event is written to where it is wanted: with the parts of it just written,
    // moving it would wait for them.
    #[must_use]
    #[inline(never)]
    pub fn into_owned(self) -> ReceivedEvent {
        let Self {
            data,
            event,
            last_event_id,
            sets_id,
        } = self;
        let text = if event.is_empty() && last_event_id.is_empty() {
            Text::new(data)
        } else {
            Text::joined([data, event, last_event_id])
        };
        ReceivedEvent {
            text,
            data_len: data.len(),
            event_len: event.len(),
            sets_id,
        }
    }
}

impl fmt::Debug for EventRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRef")
            .field("event", &self.event())
            .field("data", &self.data)
            .field("last_event_id", &self.last_event_id)
            .finish_non_exhaustive()
    }
}

impl Encode for EventRef<'_> {
    const RUNS_FOREIGN_CODE: bool = false;

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        self.to_event().encode_into(out)
    }
}

/// A received event that is kept: an [`EventRef`] with its own text.
///
/// All of its text is one allocation, and none at all if it is no longer than 32 bytes. A clone is
/// a copy; an event that many are to have goes into an [`Arc`](alloc::sync::Arc).
///
/// ```
/// use sse_codec::{Decoder, Encoder, ReceivedEvent};
///
/// let mut decoder = Decoder::new();
/// let mut events = decoder.feed(b"id:7\r\ndata:x\r\n\r\n");
/// let event: ReceivedEvent = events.next_event()?.expect("a complete event").into_owned();
///
/// let mut out = Vec::new();
/// Encoder::new().encode(&event, &mut out)?;
/// assert_eq!(out, b"id: 7\ndata: x\n\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReceivedEvent {
    /// The data, then the name, then the last event ID.
    text: Text,
    data_len: usize,
    event_len: usize,
    sets_id: bool,
}

impl ReceivedEvent {
    /// The event as it was borrowed.
    #[must_use]
    #[inline]
    pub fn as_event_ref(&self) -> EventRef<'_> {
        let behind_data = self.text.as_str().get(self.data_len..).unwrap_or_default();
        let event = behind_data.get(..self.event_len).unwrap_or_default();
        EventRef::new(self.data(), event, self.last_event_id(), self.sets_id)
    }

    /// The data: its lines joined with LF.
    #[must_use]
    #[inline]
    pub fn data(&self) -> &str {
        self.text.as_str().get(..self.data_len).unwrap_or_default()
    }

    /// The event's name: `message` if the stream gave none.
    #[must_use]
    #[inline]
    pub fn event(&self) -> &str {
        match self.event_len {
            0 => DEFAULT_NAME,
            _ => self.as_event_ref().event,
        }
    }

    /// The last event ID: set by this event or by an earlier one, and empty if by none.
    #[must_use]
    #[inline]
    pub fn last_event_id(&self) -> &str {
        let start = self.data_len + self.event_len;
        self.text.as_str().get(start..).unwrap_or_default()
    }

    /// The id, if it was set since the event before; see [`EventRef::id`].
    #[must_use]
    #[inline]
    pub fn id(&self) -> Option<&str> {
        self.as_event_ref().id()
    }

    /// An event to be sent that is received like this one: to change it before it is passed on.
    pub fn to_event(&self) -> Event<'_, &str> {
        self.as_event_ref().to_event()
    }

    /// The data. Text that is an allocation becomes the `Bytes` as it is, without a copy.
    #[must_use]
    pub fn into_data(self) -> Bytes {
        let mut data = self.text.into_bytes();
        data.truncate(self.data_len);
        data
    }
}

impl From<EventRef<'_>> for ReceivedEvent {
    fn from(event: EventRef<'_>) -> Self {
        event.into_owned()
    }
}

impl<'a> From<&'a ReceivedEvent> for EventRef<'a> {
    fn from(event: &'a ReceivedEvent) -> Self {
        event.as_event_ref()
    }
}

impl fmt::Debug for ReceivedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedEvent")
            .field("event", &self.event())
            .field("data", &self.data())
            .field("last_event_id", &self.last_event_id())
            .finish_non_exhaustive()
    }
}

impl Encode for ReceivedEvent {
    const RUNS_FOREIGN_CODE: bool = false;

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        self.as_event_ref().encode_into(out)
    }
}

impl Encode for &ReceivedEvent {
    const RUNS_FOREIGN_CODE: bool = false;

    #[inline]
    fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
        (**self).encode_into(out)
    }
}
