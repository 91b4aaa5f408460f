//! The fields of an event.

use core::fmt;

/// A field of the event stream (HTML § 9.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// `event`: the event's name, the type of the event that the client dispatches.
    Event,
    /// `data`: the event's data.
    Data,
    /// `id`: sets the client's last event ID.
    Id,
    /// `retry`: sets the client's reconnection time.
    Retry,
}

impl Field {
    /// Returns the field's name, as in the stream.
    ///
    /// ```
    /// assert_eq!(sse_codec::Field::Id.as_str(), "id");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Data => "data",
            Self::Id => "id",
            Self::Retry => "retry",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
