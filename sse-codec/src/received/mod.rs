//! A received event, borrowed from a decoder or owned.
//!
//! It corresponds to the standard's `MessageEvent`. Both forms can be encoded again, so a proxy can
//! pass on what it receives. `text` stores the text of an owned event.

#[cfg(feature = "serde")]
mod serialized;
mod text;

use core::fmt;
use core::hash::{Hash, Hasher};

use bytes::Bytes;

use self::text::Text;

use crate::encoder::{Buffer, Encode, EncodeError, Event};

/// The name of an event without an `event` field (HTML § 9.2.6).
const DEFAULT_NAME: &str = "message";

/// A received event, borrowed from a decoder or from a [`ReceivedEvent`].
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
/// It implements [`Encode`], and [`to_event`](Self::to_event) returns an [`Event`] that can be
/// changed first. A receiver of the new stream gets the same events. A decoder accepts longer ids than
/// an encoder does by default, see [`Encoder::max_id_len`](crate::Encoder::max_id_len).
#[derive(Clone, Copy)]
pub struct EventRef<'a> {
    data: &'a str,
    /// Empty if the stream sets none.
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

    /// Returns the data: its lines joined with LF.
    #[must_use]
    #[inline]
    pub fn data(self) -> &'a str {
        self.data
    }

    /// Returns the event's name, which is the type of the event that a browser dispatches:
    /// `message` if the stream sets none.
    #[must_use]
    #[inline]
    pub fn event(self) -> &'a str {
        if self.event.is_empty() {
            DEFAULT_NAME
        } else {
            self.event
        }
    }

    /// Returns the last event ID, set by this event or by an earlier one. It is empty if none set
    /// it.
    #[must_use]
    #[inline]
    pub fn last_event_id(self) -> &'a str {
        self.last_event_id
    }

    /// Returns the id, if it was set since the previous event: by this event, or by one without
    /// data, which is not dispatched. An empty id resets the last event ID.
    #[must_use]
    #[inline]
    pub fn id(self) -> Option<&'a str> {
        self.sets_id.then_some(self.last_event_id)
    }

    /// Returns an event to send that is received like this one. It can be changed before it is
    /// sent.
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

    /// Returns an owned event, with one allocation at most, and none if the event has at most 32
    /// bytes of text.
    // Not inlined, so that the event is written to its final place. Moving it right after its parts
    // were written would wait for those stores.
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

/// Events are equal if they are the same to a client. The name `message` equals no name.
impl PartialEq for EventRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
            && self.event() == other.event()
            && self.last_event_id == other.last_event_id
            && self.sets_id == other.sets_id
    }
}

impl Eq for EventRef<'_> {}

impl Hash for EventRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.data, self.event(), self.last_event_id, self.sets_id).hash(state);
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

/// An owned received event.
///
/// All of its text is one allocation, or none if it has at most 32 bytes. A clone copies the text;
/// to share an event, put it into an [`Arc`](alloc::sync::Arc).
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
/// assert_eq!(out, b"data: x\nid: 7\n\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ReceivedEvent {
    /// The data, then the name, then the last event ID.
    text: Text,
    data_len: usize,
    event_len: usize,
    sets_id: bool,
}

impl ReceivedEvent {
    /// Returns the event in its borrowed form.
    #[must_use]
    #[inline]
    pub fn as_event_ref(&self) -> EventRef<'_> {
        let after_data = self.text.as_str().get(self.data_len..).unwrap_or_default();
        let event = after_data.get(..self.event_len).unwrap_or_default();
        EventRef::new(self.data(), event, self.last_event_id(), self.sets_id)
    }

    /// Returns the data: its lines joined with LF.
    #[must_use]
    #[inline]
    pub fn data(&self) -> &str {
        self.text.as_str().get(..self.data_len).unwrap_or_default()
    }

    /// Returns the event's name: `message` if the stream sets none.
    #[must_use]
    #[inline]
    pub fn event(&self) -> &str {
        match self.event_len {
            0 => DEFAULT_NAME,
            _ => self.as_event_ref().event,
        }
    }

    /// Returns the last event ID, set by this event or by an earlier one. It is empty if none set
    /// it.
    #[must_use]
    #[inline]
    pub fn last_event_id(&self) -> &str {
        let start = self.data_len + self.event_len;
        self.text.as_str().get(start..).unwrap_or_default()
    }

    /// Returns the id, if it was set since the previous event; see [`EventRef::id`].
    #[must_use]
    #[inline]
    pub fn id(&self) -> Option<&str> {
        self.as_event_ref().id()
    }

    /// Returns an event to send that is received like this one. It can be changed before it is
    /// sent.
    pub fn to_event(&self) -> Event<'_, &str> {
        self.as_event_ref().to_event()
    }

    /// Returns the data, without a copy if the text is allocated.
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

impl PartialEq for ReceivedEvent {
    fn eq(&self, other: &Self) -> bool {
        self.as_event_ref() == other.as_event_ref()
    }
}

impl Eq for ReceivedEvent {}

impl Hash for ReceivedEvent {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_event_ref().hash(state);
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
