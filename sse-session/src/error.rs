//! What can go wrong with one stream.

use std::error::Error;
use std::fmt;

use sse_codec::EncodeError;

/// Any error, as handlers may return it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why an event was not sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The event cannot be encoded. Nothing of it was sent, and the stream goes on.
    Encode(EncodeError),
    /// The stream has ended: the client is gone, or it was closed on this side.
    Closed,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(_) => f.write_str("event cannot be encoded"),
            Self::Closed => f.write_str("event stream is closed"),
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
    /// The buffer is filled to its high-water mark: the client is slower than the events.
    Full,
    /// The event cannot be encoded. Nothing of it was sent, and the stream goes on.
    Encode(EncodeError),
    /// The stream has ended: the client is gone, or it was closed on this side.
    Closed,
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("event stream's buffer is full"),
            Self::Encode(_) => f.write_str("event cannot be encoded"),
            Self::Closed => f.write_str("event stream is closed"),
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
    pub(crate) const fn new(sent: usize, error: E) -> Self {
        Self { sent, error }
    }

    /// Returns how many events were sent. They are the first ones, so this is also the index of the
    /// first event that was not sent: the one that cannot be encoded, if that is the error.
    #[must_use]
    pub const fn sent(&self) -> usize {
        self.sent
    }

    /// Returns why the next event was not sent.
    #[must_use]
    pub const fn error(&self) -> &E {
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

/// A handler failed, and its stream was cut.
///
/// The server sees it as the body's error and closes the connection without the end that a
/// complete response has, so that no client takes what it got for all there is. The handler's
/// error is the [`source`](Error::source).
#[derive(Debug)]
pub struct HandlerError(BoxError);

impl HandlerError {
    pub(crate) fn new(error: BoxError) -> Self {
        Self(error)
    }

    /// The handler's error.
    #[must_use]
    pub fn into_inner(self) -> BoxError {
        self.0
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("event stream's handler failed")
    }
}

impl Error for HandlerError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Why a header cannot be added to the response.
#[derive(Debug)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name or the value is not one that HTTP allows.
    Invalid(http::Error),
    /// The header is the server's own: it says what the body is or where it ends.
    Reserved(http::HeaderName),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(_) => f.write_str("invalid header name or value"),
            Self::Reserved(name) => write!(f, "header {name} is set by the server"),
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
