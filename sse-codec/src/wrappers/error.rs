//! Errors of the wrappers: those of the underlying source or sink, and those of the codec.

use core::{error, fmt};
#[cfg(feature = "tokio-util")]
use std::io;

use crate::decoder::DecodeError;
#[cfg(feature = "tokio-util")]
use crate::encoder::EncodeError;

/// An error while reading events from a source of bytes, whose own errors are `E`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError<E> {
    /// The source failed. All bytes before that were read.
    Source(E),
    /// The stream exceeds a limit of the decoder.
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
            Self::Source(_) => "the source of the event stream failed",
            Self::Decode(_) => "the event stream could not be decoded",
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

/// Required by `tokio_util::codec::Decoder`.
#[cfg(feature = "tokio-util")]
impl From<io::Error> for StreamError<io::Error> {
    fn from(error: io::Error) -> Self {
        Self::Source(error)
    }
}

/// An error while writing an event to a sink of bytes.
#[cfg(feature = "tokio-util")]
#[derive(Debug)]
#[non_exhaustive]
pub enum SinkError {
    /// The sink failed.
    Io(io::Error),
    /// The event could not be encoded. Nothing of it was written, and other events can follow.
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
            Self::Io(_) => "the sink of the event stream failed",
            Self::Encode(_) => "the event could not be encoded",
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
