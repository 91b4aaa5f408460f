//! Why an event could not be encoded.

use core::{error, fmt, str};

use super::field::Field;

/// Why an event could not be encoded. Nothing of it was written.
#[derive(Debug)]
#[non_exhaustive]
pub enum EncodeError {
    /// An event name or id holds CR or LF, which would end its line and forge a field.
    LineBreak {
        /// The offending field.
        field: Field,
        /// The byte offset of the line break in the field's value.
        position: usize,
    },
    /// An id holds U+0000, which makes clients ignore the whole id (HTML § 9.2.6).
    Nul {
        /// The offending field.
        field: Field,
        /// The byte offset of the NUL in the field's value.
        position: usize,
    },
    /// Data given as bytes is not UTF-8, the only encoding of an event stream (HTML § 9.2.5).
    InvalidUtf8(str::Utf8Error),
    /// A `Display` implementation reported an error.
    Display,
    /// Data could not be serialized as JSON.
    #[cfg(feature = "json")]
    Json(serde_json::Error),
    /// A value given as [`Typed`](crate::Typed) is not an enum, so that it has no event name.
    #[cfg(feature = "json")]
    NotAnEnum,
    /// The encoded event is longer than the encoder allows.
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
            Self::TooLong { len, limit } => {
                write!(
                    f,
                    "encoded event of {len} bytes is longer than the limit of {limit}"
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
