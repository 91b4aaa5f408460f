//! What can go wrong: when an event source is built, and in its life.

use std::time::Duration;
use std::{error, fmt};

use http::{StatusCode, Uri};
use sse_codec::DecodeError;
#[cfg(feature = "json")]
use sse_codec::TypedError;

use crate::boxed::BoxError;
use crate::rejected::Rejected;

/// Why a connection was lost, or could not be made.
///
/// Whether it is the last one depends on [`EventSourceBuilder::retry_if`](crate::EventSourceBuilder::retry_if): an
/// error that is retried is seen in [`Update::Disconnected`](crate::Update::Disconnected), one
/// that is not ends the stream.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The HTTP stack gave no response: there was no connection, or it failed.
    Request(BoxError),
    /// The status is neither 200 nor 204 nor that of a redirect (HTML § 9.2.2).
    Status(Box<Rejected>),
    /// The status is 200, but the content is no event stream (HTML § 9.2.2).
    ContentType(Box<Rejected>),
    /// The content is encoded in a way that was not asked for.
    ContentEncoding(Box<Rejected>),
    /// A redirect was not followed.
    Redirect(RedirectError),
    /// The head of the response did not come in time, see
    /// [`EventSourceBuilder::connect_timeout`](crate::EventSourceBuilder::connect_timeout).
    ConnectTimeout(Duration),
    /// Nothing came for so long, see [`EventSourceBuilder::idle_timeout`](crate::EventSourceBuilder::idle_timeout).
    IdleTimeout(Duration),
    /// The connection was lost in the middle of the stream.
    Body(BoxError),
    /// The stream passed a limit of the decoder.
    Decode(DecodeError),
    /// The hook failed, see [`EventSourceBuilder::before_attempt`](crate::EventSourceBuilder::before_attempt).
    Hook(BoxError),
    /// The last event ID has a control character, which HTTP does not allow in a header.
    LastEventId,
    /// An event is not of the type that was asked for. The stream goes on.
    #[cfg(feature = "json")]
    Typed(Box<TypedError>),
}

impl Error {
    /// Whether another attempt may succeed: what is retried by default.
    ///
    /// That is whatever befalls a connection or the server for a while: no response, a timeout,
    /// a connection that is lost, and the statuses 408, 425, 429, 500, 502, 503 and 504. The
    /// standard gives up on all statuses. Anything else would happen again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Request(_) | Self::ConnectTimeout(_) | Self::IdleTimeout(_) | Self::Body(_) => {
                true
            }
            Self::Status(rejected) => matches!(
                rejected.status(),
                StatusCode::REQUEST_TIMEOUT
                    | StatusCode::TOO_EARLY
                    | StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::INTERNAL_SERVER_ERROR
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
            _ => false,
        }
    }

    /// The response, if it was one that is no event stream.
    #[must_use]
    pub fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Status(rejected)
            | Self::ContentType(rejected)
            | Self::ContentEncoding(rejected) => Some(rejected),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(_) => f.write_str("no response to the request"),
            Self::Status(rejected) => {
                write!(f, "the response has the status {}", rejected.status())
            }
            Self::ContentType(rejected) => write!(
                f,
                "the response is {} instead of text/event-stream",
                rejected.header(&http::header::CONTENT_TYPE)
            ),
            Self::ContentEncoding(rejected) => write!(
                f,
                "the content encoding {} was not asked for",
                rejected.header(&http::header::CONTENT_ENCODING)
            ),
            Self::Redirect(_) => f.write_str("a redirect was not followed"),
            Self::ConnectTimeout(time) => write!(f, "no response within {time:?}"),
            Self::IdleTimeout(time) => write!(f, "nothing came for {time:?}"),
            Self::Body(_) => f.write_str("the connection was lost"),
            Self::Decode(_) => f.write_str("the event stream could not be decoded"),
            Self::Hook(_) => f.write_str("the hook before the attempt failed"),
            Self::LastEventId => f.write_str("the last event ID cannot be sent in a header"),
            #[cfg(feature = "json")]
            Self::Typed(_) => f.write_str("an event is not of the expected type"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Request(error) | Self::Body(error) | Self::Hook(error) => Some(&**error),
            Self::Redirect(error) => Some(error),
            Self::Decode(error) => Some(error),
            #[cfg(feature = "json")]
            Self::Typed(error) => Some(&**error),
            Self::Status(_)
            | Self::ContentType(_)
            | Self::ContentEncoding(_)
            | Self::ConnectTimeout(_)
            | Self::IdleTimeout(_)
            | Self::LastEventId => None,
        }
    }
}

/// Why a redirect was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// There were more of them than [`EventSourceBuilder::max_redirects`](crate::EventSourceBuilder::max_redirects).
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The location is not a URL of `http` or `https`.
    Location {
        /// The value of the header, what is not UTF-8 replaced.
        location: String,
    },
    /// It leads from `https` to `http`, see
    /// [`EventSourceBuilder::allow_insecure_redirects`](crate::EventSourceBuilder::allow_insecure_redirects).
    Insecure {
        /// Where it leads.
        location: Uri,
    },
    /// It asks for the body again, which is one of
    /// [`RequestBody::once`](crate::RequestBody::once).
    Body,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { limit } => write!(f, "more than {limit} redirects"),
            Self::Location { location } => write!(f, "invalid location {location:?}"),
            Self::Insecure { location } => write!(f, "{location} is no longer https"),
            Self::Body => f.write_str("the body cannot be sent again"),
        }
    }
}

impl error::Error for RedirectError {}

/// Why an event source could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// It is not a URL.
    Url(url::ParseError),
    /// The URL is neither of `http` nor of `https`.
    Scheme {
        /// The scheme it has.
        scheme: String,
    },
    /// The URL holds a user name or a password. They belong in an `Authorization` header.
    Credentials,
    /// HTTP does not allow the URL, the method or a header.
    Http(http::Error),
    /// The body could not be serialized.
    #[cfg(feature = "json")]
    Json(serde_json::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("invalid URL"),
            Self::Scheme { scheme } => {
                write!(f, "the URL's scheme is {scheme:?}, not http or https")
            }
            Self::Credentials => f.write_str("the URL holds credentials"),
            Self::Http(_) => f.write_str("invalid request"),
            #[cfg(feature = "json")]
            Self::Json(_) => f.write_str("the body could not be serialized"),
        }
    }
}

impl error::Error for BuildError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Http(error) => Some(error),
            #[cfg(feature = "json")]
            Self::Json(error) => Some(error),
            Self::Scheme { .. } | Self::Credentials => None,
        }
    }
}
