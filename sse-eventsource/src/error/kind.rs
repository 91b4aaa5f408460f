//! What went wrong with a connection, and which of it passes.

use std::time::Duration;
use std::{error, fmt};

use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
#[cfg(feature = "json")]
use sse_codec::TypedError;
use sse_codec::{DecodeError, ReceivedEvent};

use super::redirect::RedirectError;
use crate::boxed::BoxError;
use crate::rejected::Rejected;

/// What went wrong: the kind of an [`Error`](crate::Error).
#[derive(Debug)]
#[non_exhaustive]
pub enum ErrorKind {
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
    /// [`EventSourceBuilder::response_timeout`](crate::EventSourceBuilder::response_timeout).
    ResponseTimeout {
        /// The limit.
        limit: Duration,
        /// Whether a request that is not [safe](http::Method::is_safe) to repeat, such as a POST,
        /// had been passed on in full: the server may be working on it.
        request_was_sent: bool,
    },
    /// No data arrived for this time, see
    /// [`EventSourceBuilder::idle_timeout`](crate::EventSourceBuilder::idle_timeout).
    IdleTimeout(Duration),
    /// No event arrived for this time, see
    /// [`EventSourceBuilder::event_timeout`](crate::EventSourceBuilder::event_timeout).
    EventTimeout(Duration),
    /// The connection was lost in the middle of the stream.
    Body(BoxError),
    /// The stream ended in order before the event that
    /// [`EventSourceBuilder::end_if`](crate::EventSourceBuilder::end_if) or
    /// [`end_after`](crate::EventSourceBuilder::end_after) recognizes.
    Incomplete,
    /// The server reported a failure in the stream: the event that
    /// [`EventSourceBuilder::fail_if`](crate::EventSourceBuilder::fail_if) recognizes.
    Event(Box<ReceivedEvent>),
    /// A line or an event exceeds a limit of the decoder.
    Decode(DecodeError),
    /// A hook failed, see
    /// [`EventSourceBuilder::before_attempt`](crate::EventSourceBuilder::before_attempt) and
    /// [`before_redirect`](crate::EventSourceBuilder::before_redirect).
    Hook(BoxError),
    /// An event does not match the type of [`EventSource::typed`](crate::EventSource::typed). The
    /// stream continues.
    #[cfg(feature = "json")]
    Typed(Box<TypedError>),
}

impl ErrorKind {
    /// How many characters of an event or of an answer are shown in messages.
    const MAX_SHOWN: usize = 200;

    /// Returns whether another attempt may succeed. These errors are retried by default.
    ///
    /// They are: no response, a timeout, a lost connection, an end that came too early, and the
    /// statuses of a server that may answer in a moment:
    ///
    /// | status | why |
    /// |---|---|
    /// | 408, 425, 429 | the standard's own: try again |
    /// | 409 | the stream before is still open for the server; APIs use it for a lock that is taken |
    /// | 500, 502, 503, 504 | a fault that may pass, a restart |
    /// | 507, 509, 520 to 530, 598, 599 and other unknown 5xx | overload and faults between servers: of APIs (529, overloaded), of content networks (520 to 530), of proxies (598, 599) |
    ///
    /// Of the 5xx, not those that say that it will stay so: 501, 505, 506, 508, 510 and 511. The
    /// standard retries no status. A request that the server may be working on is not repeated
    /// after [`ResponseTimeout`](Self::ResponseTimeout). All other errors would recur.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Request(_)
            | Self::IdleTimeout(_)
            | Self::EventTimeout(_)
            | Self::Body(_)
            | Self::Incomplete => true,
            Self::ResponseTimeout {
                request_was_sent, ..
            } => !request_was_sent,
            Self::Status(rejected) => passes(rejected.status()),
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

    fn message(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
            Self::ResponseTimeout { limit, .. } => write!(f, "no response within {limit:?}"),
            Self::IdleTimeout(time) => write!(f, "no data received for {time:?}"),
            Self::EventTimeout(time) => write!(f, "no event received for {time:?}"),
            Self::Body(_) => f.write_str("the connection was lost"),
            Self::Incomplete => f.write_str("the stream ended before its last event"),
            Self::Event(event) => {
                write!(f, "the server sent the event {:?}: ", event.event())?;
                show(event.data(), f)
            }
            Self::Decode(_) => f.write_str("the event stream could not be decoded"),
            Self::Hook(_) => f.write_str("the hook of the application failed"),
            #[cfg(feature = "json")]
            Self::Typed(_) => f.write_str("the event does not match the expected type"),
        }
    }
}

/// Returns whether a server that answers with this status may answer otherwise in a moment.
fn passes(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 409 | 425 | 429 => true,
        501 | 505 | 506 | 508 | 510 | 511 => false,
        status => (500..600).contains(&status),
    }
}

/// Shows the start of a text of the server in one line: a terminal must not obey it.
fn show(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut words = text.split_whitespace();
    let mut room = ErrorKind::MAX_SHOWN;
    let mut separator = "";
    for word in &mut words {
        f.write_str(separator)?;
        for char in word.chars() {
            if room == 0 {
                return f.write_str("…");
            }
            room -= 1;
            let is_control = char.is_control();
            fmt::Write::write_char(
                f,
                if is_control {
                    char::REPLACEMENT_CHARACTER
                } else {
                    char
                },
            )?;
        }
        separator = " ";
    }
    Ok(())
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message(f)?;
        let mut last = String::new();
        let mut cause = error::Error::source(self);
        while let Some(error) = cause {
            let text = error.to_string();
            // Some errors include the text of their cause.
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            cause = error.source();
        }
        // What is encoded says nothing.
        if let Self::Status(rejected) | Self::ContentType(rejected) = self
            && !rejected.body().trim_ascii().is_empty()
        {
            f.write_str(": ")?;
            show(&String::from_utf8_lossy(rejected.body()), f)?;
        }
        Ok(())
    }
}

impl error::Error for ErrorKind {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Request(error) | Self::Body(error) | Self::Hook(error) => Some(&**error),
            Self::Redirect(error) => Some(error),
            Self::Decode(error) => Some(error),
            #[cfg(feature = "json")]
            Self::Typed(error) => Some(&**error),
            _ => None,
        }
    }
}
