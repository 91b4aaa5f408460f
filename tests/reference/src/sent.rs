//! An event as its sender has it.

use std::time::Duration;

use sse_codec::{Encode, Event, Frame};

use crate::receive::{Received, as_received};

/// The fields of an event to send.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The comment, of any number of lines.
    pub comment: Option<String>,
    /// The reconnection time.
    pub retry: Option<Duration>,
    /// The name.
    pub event: Option<String>,
    /// The id.
    pub id: Option<String>,
    /// The data, of any number of lines.
    pub data: Option<String>,
}

impl Sent {
    /// Returns the event without its data.
    pub fn event(&self) -> Event<'_> {
        let mut event = Event::new();
        if let Some(comment) = &self.comment {
            event = event.comment(comment);
        }
        if let Some(retry) = self.retry {
            event = event.retry(retry);
        }
        if let Some(name) = &self.event {
            event = event.event(name);
        }
        if let Some(id) = &self.id {
            event = event.id(id);
        }
        event
    }

    /// Returns whether an encoder must accept the name and the id.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let contains = |text: &Option<String>, bytes: &[char]| {
            text.as_ref().is_some_and(|text| text.contains(bytes))
        };
        !contains(&self.event, &['\n', '\r']) && !contains(&self.id, &['\n', '\r', '\0'])
    }

    /// Returns what a receiver must get.
    #[must_use]
    pub fn received(&self) -> Received {
        Received {
            comment: self.comment.as_deref().map(as_received),
            retry: self.retry.map(|retry| {
                u64::try_from(retry.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
            }),
            event: self.event.clone(),
            id: self.id.clone(),
            data: self.data.as_deref().map(as_received),
        }
    }
}

/// Returns the encoded event.
///
/// # Panics
///
/// If it cannot be encoded.
#[must_use]
pub fn text_of(event: impl Encode) -> String {
    let frame = Frame::new(event).expect("the event can be encoded");
    String::from_utf8(frame.as_bytes().to_vec()).expect("a stream is UTF-8")
}
