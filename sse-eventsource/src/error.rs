//! The errors of an event source: those of building it, and those of running it.

use std::time::Duration;
use std::{error, fmt};

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{StatusCode, Uri};
use sse_codec::DecodeError;
#[cfg(feature = "json")]
use sse_codec::TypedError;

use crate::boxed::BoxError;
use crate::rejected::Rejected;

/// The reason why a connection was lost or not made.
///
/// [`EventSourceBuilder::retry_if`] decides whether it is final: an error that is retried is
/// reported in [`Update::Disconnected`](crate::Update::Disconnected), one that is not ends the
/// stream.
///
/// [`EventSourceBuilder::retry_if`]: crate::EventSourceBuilder::retry_if
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The HTTP stack returned an error instead of a response.
    Request(BoxError),
    /// The status is not 200, 204 or that of a redirect (HTML § 9.2.2).
    Status(Box<Rejected>),
    /// The status is 200, but the `Content-Type` is not `text/event-stream` (HTML § 9.2.2).
    ContentType(Box<Rejected>),
    /// The response has a `Content-Encoding` that was not asked for or is not supported.
    ContentEncoding(Box<Rejected>),
    /// A redirect was not followed.
    Redirect(RedirectError),
    /// The head of the response did not arrive in time, see
    /// [`EventSourceBuilder::connect_timeout`](crate::EventSourceBuilder::connect_timeout).
    ConnectTimeout(Duration),
    /// No data arrived for this time, see
    /// [`EventSourceBuilder::idle_timeout`](crate::EventSourceBuilder::idle_timeout).
    IdleTimeout(Duration),
    /// The connection was lost in the middle of the stream.
    Body(BoxError),
    /// A line or an event exceeds a limit of the decoder.
    Decode(DecodeError),
    /// The hook failed, see
    /// [`EventSourceBuilder::before_attempt`](crate::EventSourceBuilder::before_attempt).
    Hook(BoxError),
    /// The last event ID contains a control character, which HTTP does not allow in a header.
    LastEventId,
    /// An event does not match the type of [`EventSource::typed`](crate::EventSource::typed). The
    /// stream continues.
    #[cfg(feature = "json")]
    Typed(Box<TypedError>),
}

impl Error {
    /// Returns whether another attempt may succeed. These errors are retried by default.
    ///
    /// They are: no response, a timeout, a lost connection, and the statuses 408, 425, 429, 500,
    /// 502, 503 and 504. The standard retries no status. All other errors would recur.
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

    /// Returns the response, if there was one that is not an event stream.
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
            Self::Request(_) => f.write_str("the request failed"),
            Self::Status(rejected) => {
                write!(f, "unexpected status {}", rejected.status())
            }
            Self::ContentType(rejected) => match rejected.header(&CONTENT_TYPE) {
                Some(found) => write!(
                    f,
                    "the response has the Content-Type {found:?}, expected text/event-stream"
                ),
                None => f.write_str("the response has no Content-Type, expected text/event-stream"),
            },
            Self::ContentEncoding(rejected) => {
                let found = rejected.header(&CONTENT_ENCODING).unwrap_or_default();
                write!(f, "unexpected Content-Encoding {found:?}")
            }
            Self::Redirect(_) => f.write_str("the redirect was not followed"),
            Self::ConnectTimeout(time) => write!(f, "no response within {time:?}"),
            Self::IdleTimeout(time) => write!(f, "no data received for {time:?}"),
            Self::Body(_) => f.write_str("the connection was lost"),
            Self::Decode(_) => f.write_str("the event stream could not be decoded"),
            Self::Hook(_) => f.write_str("the `before_attempt` hook failed"),
            Self::LastEventId => f.write_str(
                "the last event ID contains a control character and cannot be sent in a header",
            ),
            #[cfg(feature = "json")]
            Self::Typed(_) => f.write_str("the event does not match the expected type"),
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

/// The reason why a redirect was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectError {
    /// There were more than
    /// [`EventSourceBuilder::max_redirects`](crate::EventSourceBuilder::max_redirects).
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The location is not an `http` or `https` URL, or contains credentials.
    Location {
        /// The value of the header, in which U+FFFD replaces what is not UTF-8.
        location: String,
    },
    /// The redirect leads from `https` to `http`, see [`allow_insecure_redirects`].
    ///
    /// [`allow_insecure_redirects`]: crate::EventSourceBuilder::allow_insecure_redirects
    Insecure {
        /// The target.
        location: Uri,
    },
    /// The redirect needs the body again, which
    /// [`RequestBody::once`](crate::RequestBody::once) does not allow.
    Body,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { limit } => write!(f, "more than {limit} redirects"),
            Self::Location { location } => write!(f, "invalid Location {location:?}"),
            Self::Insecure { location } => {
                write!(f, "{location} is not https, unlike the URL before it")
            }
            Self::Body => f.write_str("the request body can be sent only once"),
        }
    }
}

impl error::Error for RedirectError {}

/// The reason why an event source was not built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The URL is invalid.
    Url(url::ParseError),
    /// The scheme of the URL is not `http` or `https`.
    Scheme {
        /// The scheme of the URL.
        scheme: String,
    },
    /// The URL contains a user name or a password. They belong in an `Authorization` header.
    Credentials,
    /// HTTP does not allow the URL or a header.
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
                write!(
                    f,
                    "unsupported URL scheme {scheme:?}, expected http or https"
                )
            }
            Self::Credentials => f.write_str("the URL contains a user name or a password"),
            Self::Http(_) => f.write_str("invalid request"),
            #[cfg(feature = "json")]
            Self::Json(_) => f.write_str("the body could not be serialized as JSON"),
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
