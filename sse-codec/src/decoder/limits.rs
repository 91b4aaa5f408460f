//! The error of a stream that exceeds a limit of the decoder.

use core::{error, fmt};

/// The stream exceeds a limit of the [`Decoder`](crate::Decoder).
///
/// Nothing else is an error, as HTML § 9.2.6 defines a meaning for any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeError {
    /// A line is longer than [`Decoder::max_line_len`](crate::Decoder::max_line_len).
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
        /// The offset of the line in the stream, in bytes.
        position: u64,
    },
    /// An event's data is longer than
    /// [`Decoder::max_event_len`](crate::Decoder::max_event_len).
    EventTooLong {
        /// The limit in bytes.
        limit: usize,
        /// The offset in the stream of the line that exceeds the limit, in bytes.
        position: u64,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong { limit, position } => {
                write!(
                    f,
                    "line at byte {position} exceeds the limit of {limit} bytes"
                )
            }
            Self::EventTooLong { limit, position } => write!(
                f,
                "event data exceeds the limit of {limit} bytes in the line at byte {position}"
            ),
        }
    }
}

impl error::Error for DecodeError {}

/// An event's data exceeds the limit; the position is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventLimit(pub(super) usize);
