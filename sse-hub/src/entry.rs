//! One published event in the form that a log has it: encoded, without an id.
//!
//! The id is the position of the event, so it is added when the position is known: after the lines of
//! the event, before the blank line. An entry must
//! therefore be exactly one event without an id of its own: a second event in the same entry would
//! have no id, and be skipped by a client that comes back between the two.

use std::error::Error;
use std::fmt;

use memchr::memchr2_iter;
use sse_codec::{Encode, EncodeError, Encoder};

/// Why an event cannot be published, or sent as a snapshot.
#[derive(Debug)]
#[non_exhaustive]
pub enum EventError {
    /// The event cannot be encoded, or is longer than the topic's history may be.
    Encode(EncodeError),
    /// The event has an id of its own. In a topic, the id is the position, which the hub sets: put
    /// ids of the application into the data.
    OwnId,
    /// The event is empty.
    Empty,
    /// What was encoded is not exactly one event.
    NotOneEvent,
    /// The event has no data, so clients would not dispatch it.
    NoData,
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encode(_) => "event cannot be encoded",
            Self::OwnId => "event has an id, but in a topic the id is set by the hub",
            Self::Empty => "event is empty",
            Self::NotOneEvent => "encoded value is not exactly one event",
            Self::NoData => "event has no data",
        })
    }
}

impl Error for EventError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EncodeError> for EventError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

/// Encodes `event` into `out`, which is empty.
pub(crate) fn encode(
    event: &(impl Encode + ?Sized),
    max_len: usize,
    out: &mut Vec<u8>,
) -> Result<(), EventError> {
    Encoder::new().max_event_len(max_len).encode(event, out)?;
    if has_no_blank_line(out) {
        out.push(b'\n');
    }
    check(out)
}

/// Whether this is an event of comments and a reconnection time alone. As an entry it becomes a block,
/// since every entry has an id.
fn has_no_blank_line(encoded: &[u8]) -> bool {
    // Most events end with one, and need no search.
    if encoded.ends_with(b"\n\n") {
        return false;
    }
    let mut lines = encoded.split_inclusive(|byte| *byte == b'\n');
    let is_whole = |line: &[u8]| {
        (line.starts_with(b":") || line.starts_with(b"retry: ")) && line.ends_with(b"\n")
    };
    !encoded.is_empty() && lines.all(is_whole)
}

/// Returns the lines of a valid entry, without the blank line: the id goes in between.
pub(crate) fn lines(entry: &[u8]) -> &[u8] {
    entry.strip_suffix(b"\n").unwrap_or(entry)
}

/// Whether a valid entry has data, so that clients dispatch it.
pub(crate) fn has_data(entry: &[u8]) -> bool {
    let mut lines = entry.split(|byte| *byte == b'\n');
    lines.any(|line| line == b"data" || line.starts_with(b"data:"))
}

/// Checks that `entry` is one event without an id. The encoder ends lines with LF alone. To a
/// client, CR ends a line as well (HTML § 9.2.6).
pub(crate) fn check(entry: &[u8]) -> Result<(), EventError> {
    if entry.is_empty() {
        return Err(EventError::Empty);
    }
    let mut start = 0;
    for end in memchr2_iter(b'\n', b'\r', entry) {
        if entry[end] == b'\r' {
            return Err(EventError::NotOneEvent);
        }
        let line = &entry[start..end];
        start = end + 1;
        if line.is_empty() {
            // The blank line that ends an event must end the entry, and not begin it.
            let is_one = start == entry.len() && end > 0;
            return if is_one {
                Ok(())
            } else {
                Err(EventError::NotOneEvent)
            };
        }
        if line == b"id" || line.starts_with(b"id:") {
            return Err(EventError::OwnId);
        }
    }
    Err(EventError::NotOneEvent)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sse_codec::{Buffer, Event, Frame};

    use super::*;

    fn encoded(event: impl Encode) -> Result<Vec<u8>, EventError> {
        let mut out = Vec::new();
        encode(&event, 64, &mut out).map(|()| out)
    }

    #[test]
    fn one_event_without_an_id_is_accepted_unchanged() {
        for event in [
            Event::new().event("id").data("id: 1\nid"),
            Event::new().comment("id: 1").data(""),
        ] {
            let bytes = encoded(&event).expect("an entry");
            assert_eq!(bytes, Frame::new(&event).expect("a frame").as_bytes());
        }
        let comment = encoded(Event::new().comment("two\nlines")).expect("an entry");
        assert_eq!(comment, b": two\n: lines\n\n");
        let retry = Event::new().comment("x").retry(Duration::from_millis(5));
        assert_eq!(encoded(retry).expect("an entry"), b": x\nretry: 5\n\n");
    }

    #[test]
    fn an_id_is_refused_even_in_a_frame() {
        let event = Event::new().id("7").data("x");
        assert!(matches!(encoded(&event), Err(EventError::OwnId)));
        let frame = Frame::new(&event).expect("a frame");
        assert!(matches!(encoded(frame), Err(EventError::OwnId)));
        assert!(matches!(
            encoded(Event::new().id("")),
            Err(EventError::OwnId)
        ));
    }

    #[test]
    fn a_line_that_ends_with_cr_is_refused() {
        for entry in [
            "data: x\rid: 7\n\n",
            "data: x\r\rdata: y\n\n",
            "data: x\r\n\r\n",
        ] {
            let refused = check(entry.as_bytes());
            assert!(matches!(refused, Err(EventError::NotOneEvent)), "{entry:?}");
        }
    }

    #[test]
    fn an_empty_event_two_events_and_a_long_event_are_refused() {
        struct Two;
        impl Encode for Two {
            fn encode_into<B: Buffer>(&self, out: &mut B) -> Result<(), EncodeError> {
                "first".encode_into(out)?;
                "second".encode_into(out)
            }
        }
        assert!(matches!(encoded(Event::new()), Err(EventError::Empty)));
        assert!(matches!(encoded(Two), Err(EventError::NotOneEvent)));
        assert!(matches!(
            encoded("x".repeat(64)),
            Err(EventError::Encode(EncodeError::TooLong { limit: 64, .. }))
        ));
    }
}
