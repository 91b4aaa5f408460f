//! What can go wrong where the bytes come from or go to, beside the codec's own errors.

use core::{error, fmt};
#[cfg(feature = "tokio-util")]
use std::io;

use crate::decoder::DecodeError;
#[cfg(feature = "tokio-util")]
use crate::encoder::EncodeError;

/// Why events could not be read from a source of bytes whose errors are `E`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError<E> {
    /// The source failed. Whatever it gave before was read.
    Source(E),
    /// The stream passed a limit of the decoder.
    Decode(DecodeError),
}

impl<E> From<DecodeError> for StreamError<E> {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl<E> fmt::Display for StreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source(_) => "the source of an event stream failed",
            Self::Decode(_) => "an event stream could not be decoded",
        })
    }
}

impl<E: error::Error + 'static> error::Error for StreamError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Source(error) => Some(error),
            Self::Decode(error) => Some(error),
        }
    }
}

/// As `tokio_util::codec::Decoder` asks for.
#[cfg(feature = "tokio-util")]
impl From<io::Error> for StreamError<io::Error> {
    fn from(error: io::Error) -> Self {
        Self::Source(error)
    }
}

/// Why an event could not be written to a sink of bytes.
#[cfg(feature = "tokio-util")]
#[derive(Debug)]
#[non_exhaustive]
pub enum SinkError {
    /// The sink failed.
    Io(io::Error),
    /// The event could not be encoded. Nothing of it was written, and others can follow.
    Encode(EncodeError),
}

#[cfg(feature = "tokio-util")]
impl From<io::Error> for SinkError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(feature = "tokio-util")]
impl From<EncodeError> for SinkError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

#[cfg(feature = "tokio-util")]
impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Io(_) => "the sink of an event stream failed",
            Self::Encode(_) => "an event could not be encoded",
        })
    }
}

#[cfg(feature = "tokio-util")]
impl error::Error for SinkError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Encode(error) => Some(error),
        }
    }
}
