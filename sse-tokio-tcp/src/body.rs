//! The body of a response.

use bytes::Bytes;
use sse_session::SseBody;

/// The body of a response: an event stream, fixed bytes, or nothing.
#[derive(Debug)]
pub struct Body(pub(crate) Content);

#[derive(Debug)]
pub(crate) enum Content {
    Empty,
    Full(Bytes),
    Events(SseBody),
}

impl Body {
    /// Returns a body without content.
    pub fn empty() -> Self {
        Self(Content::Empty)
    }
}

impl From<SseBody> for Body {
    fn from(events: SseBody) -> Self {
        Self(Content::Events(events))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Content::Full(bytes))
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(Content::Full(text.into()))
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self(Content::Full(Bytes::from_static(text.as_bytes())))
    }
}
