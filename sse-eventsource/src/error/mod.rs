//! The errors of an event source: those of building it, and those of running it.

mod build;
mod kind;
mod redirect;

use std::fmt;

use http::{Method, Uri};

pub use self::build::BuildError;
pub use self::kind::ErrorKind;
pub use self::redirect::RedirectError;
use crate::rejected::Rejected;
use crate::shown_url::ShownUrl;

/// The reason why a connection was lost or not made.
///
/// [`EventSourceBuilder::retry_if`] decides whether it is final: an error that is retried is
/// reported in [`Update::Disconnected`](crate::Update::Disconnected), one that is not ends the
/// stream.
///
/// Its text is one line: the request, what went wrong, the causes, and the start of what the server
/// answered. The query of the URL is left out, as it may contain a key; so it is from `Debug` output.
/// [`kind`](Self::kind) is the error to match on.
///
/// ```
/// use sse_eventsource::{Error, ErrorKind};
///
/// fn is_refused(error: &Error) -> bool {
///     matches!(error.kind(), ErrorKind::Status(rejected) if rejected.status() == 401)
/// }
/// # let _ = is_refused;
/// ```
///
/// [`EventSourceBuilder::retry_if`]: crate::EventSourceBuilder::retry_if
pub struct Error(Box<Failed>);

/// What went wrong, and with which request.
#[derive(Debug)]
struct Failed {
    kind: ErrorKind,
    method: Method,
    url: Uri,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, method: &Method, url: &Uri) -> Self {
        Self(Box::new(Failed {
            kind,
            method: method.clone(),
            url: url.clone(),
        }))
    }

    /// Returns what went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns what went wrong, for errors that are passed on in parts.
    #[must_use]
    pub fn into_kind(self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the URL of the event source, query included. A redirect or the hook may have led to
    /// another one.
    #[must_use]
    pub fn url(&self) -> &Uri {
        &self.0.url
    }

    /// Returns whether another attempt may succeed, see [`ErrorKind::is_transient`]. These errors
    /// are retried by default.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.0.kind.is_transient()
    }

    /// Returns the response, if there was one that is not an event stream.
    #[must_use]
    pub fn rejected(&self) -> Option<&Rejected> {
        self.0.kind.rejected()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { kind, method, url } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("method", method)
            .field("url", &format_args!("{}", ShownUrl(url)))
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failed { kind, method, url } = &*self.0;
        write!(f, "{method} {}: {kind}", ShownUrl(url))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0.kind)
    }
}
