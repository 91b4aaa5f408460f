//! The decoder's limits, and the error when one is passed.

use core::{error, fmt};

/// Why a stream could not be decoded any further: it passed a limit.
///
/// Nothing else is an error, as HTML § 9.2.6 gives a meaning to any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeError {
    /// A line is longer than [`Decoder::max_line_len`](crate::Decoder::max_line_len).
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
        /// The byte offset in the stream at which the line begins.
        position: u64,
    },
    /// An event's data is longer than
    /// [`Decoder::max_event_len`](crate::Decoder::max_event_len).
    EventTooLong {
        /// The limit in bytes.
        limit: usize,
        /// The byte offset in the stream at which the line begins that was too much.
        position: u64,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, limit, position) = match self {
            Self::LineTooLong { limit, position } => ("line", limit, position),
            Self::EventTooLong { limit, position } => ("data of an event", limit, position),
        };
        write!(
            f,
            "{what} is longer than the limit of {limit} bytes, in the line at byte {position}"
        )
    }
}

impl error::Error for DecodeError {}

/// The limit on an event's data was passed, wherever in the stream that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventLimit(pub(super) usize);
