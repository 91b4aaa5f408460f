//! The error of an event that cannot be encoded.

use core::{error, fmt, str};

use super::field::Field;

/// An event cannot be encoded. Nothing of it was written.
#[derive(Debug)]
#[non_exhaustive]
pub enum EncodeError {
    /// An event name or id contains CR or LF, which would end its line and forge a field.
    LineBreak {
        /// The offending field.
        field: Field,
        /// The offset of the line break in the field's value, in bytes.
        position: usize,
    },
    /// An id contains U+0000. Clients ignore such an id (HTML § 9.2.6).
    Nul {
        /// The offending field.
        field: Field,
        /// The offset of the NUL in the field's value, in bytes.
        position: usize,
    },
    /// Data is not UTF-8, the only encoding of an event stream (HTML § 9.2.5).
    InvalidUtf8(str::Utf8Error),
    /// A `Display` implementation returned an error.
    Display,
    /// Data could not be serialized as JSON.
    #[cfg(feature = "json")]
    Json(serde_json::Error),
    /// A value sent as [`Typed`](crate::Typed) is not an enum, and so has no event name.
    #[cfg(feature = "json")]
    NotAnEnum,
    /// An id exceeds the limit of the encoder.
    IdTooLong {
        /// The length of the id in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The encoded event exceeds the limit of the encoder.
    TooLong {
        /// The length of the encoded event in bytes.
        len: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineBreak { field, position } => {
                write!(f, "line break in the {field} field at byte {position}")
            }
            Self::Nul { field, position } => {
                write!(f, "NUL in the {field} field at byte {position}")
            }
            Self::InvalidUtf8(error) => {
                write!(f, "data is not UTF-8 from byte {}", error.valid_up_to())
            }
            Self::Display => f.write_str("a `Display` implementation returned an error"),
            #[cfg(feature = "json")]
            Self::Json(_) => f.write_str("data could not be serialized as JSON"),
            #[cfg(feature = "json")]
            Self::NotAnEnum => f.write_str("typed data is not an enum"),
            Self::IdTooLong { len, limit } => {
                write!(f, "id of {len} bytes exceeds the limit of {limit}")
            }
            Self::TooLong { len, limit } => {
                write!(
                    f,
                    "encoded event of {len} bytes exceeds the limit of {limit}"
                )
            }
        }
    }
}

impl error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::InvalidUtf8(error) => Some(error),
            #[cfg(feature = "json")]
            Self::Json(error) => Some(error),
            _ => None,
        }
    }
}
