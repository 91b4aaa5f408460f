//! What can go wrong with one stream.

use std::error::Error;
use std::{fmt, io};

use sse_codec::EncodeError;

/// Any error, as handlers may return it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why an event was not sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The event cannot be encoded. Nothing of it was sent, and the stream goes on.
    Encode(EncodeError),
    /// The stream has ended: the client is gone, or the stream was closed.
    Closed,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(_) => f.write_str("the event cannot be encoded"),
            Self::Closed => f.write_str("the event stream is closed"),
        }
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Closed => None,
        }
    }
}

impl From<EncodeError> for SendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

/// Why an event was not sent without waiting.
#[derive(Debug)]
#[non_exhaustive]
pub enum TrySendError {
    /// The buffer is filled to its high-water mark: events come faster than the client takes them.
    Full,
    /// The event cannot be encoded. Nothing of it was sent, and the stream goes on.
    Encode(EncodeError),
    /// The stream has ended: the client is gone, or the stream was closed.
    Closed,
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the event stream's buffer is full"),
            Self::Encode(_) => f.write_str("the event cannot be encoded"),
            Self::Closed => f.write_str("the event stream is closed"),
        }
    }
}

impl Error for TrySendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Encode(error) => Some(error),
            Self::Full | Self::Closed => None,
        }
    }
}

impl From<EncodeError> for TrySendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

/// Why not all of several events were sent, and how many were.
///
/// `E` is [`SendError`] for [`Sse::send_all`](crate::Sse::send_all) and [`TrySendError`] for
/// [`Sse::try_send_all`](crate::Sse::try_send_all).
#[derive(Debug)]
pub struct SendAllError<E> {
    sent: usize,
    error: E,
}

impl<E> SendAllError<E> {
    pub(crate) fn new(sent: usize, error: E) -> Self {
        Self { sent, error }
    }

    /// Returns how many events were sent. They are the first ones, so this is also the index of the
    /// first event that was not sent: the one that cannot be encoded, if that is the error.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// Returns why the next event was not sent.
    #[must_use]
    pub fn error(&self) -> &E {
        &self.error
    }

    /// Returns why the next event was not sent.
    #[must_use]
    pub fn into_error(self) -> E {
        self.error
    }
}

impl<E> fmt::Display for SendAllError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not all events were sent, only the first {}", self.sent)
    }
}

impl<E: Error + 'static> Error for SendAllError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl From<SendAllError<Self>> for SendError {
    fn from(error: SendAllError<Self>) -> Self {
        error.error
    }
}

impl From<SendAllError<Self>> for TrySendError {
    fn from(error: SendAllError<Self>) -> Self {
        error.error
    }
}

/// A handler returned an error or panicked, and its stream was cut.
///
/// The server sees it as the body's error and closes the connection without the end of a complete
/// response, so that the client does not take it for one. The handler's error, or the message of
/// its panic, is the [`source`](Error::source).
#[derive(Debug)]
pub struct HandlerError(BoxError);

impl HandlerError {
    pub(crate) fn new(error: BoxError) -> Self {
        Self(error)
    }

    /// Returns the handler's error.
    #[must_use]
    pub fn into_inner(self) -> BoxError {
        self.0
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event stream's handler failed")
    }
}

impl Error for HandlerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Servers that stream bodies through `std::io` ask for this conversion.
impl From<HandlerError> for io::Error {
    fn from(error: HandlerError) -> Self {
        Self::other(error)
    }
}

/// Why a header cannot be added to the response.
#[derive(Debug)]
#[non_exhaustive]
pub enum HeaderError {
    /// HTTP does not allow the name or the value.
    Invalid(http::Error),
    /// The header is set by the server: it says what the body is or where it ends.
    Reserved(http::HeaderName),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(_) => f.write_str("invalid header name or value"),
            Self::Reserved(name) => write!(f, "the header {name} is set by the server"),
        }
    }
}

impl Error for HeaderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Invalid(error) => Some(error),
            Self::Reserved(_) => None,
        }
    }
}
