//! Why a redirect was not followed.

use std::{error, fmt};

use http::Uri;

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
    /// The location is not an `http` or `https` URL, or contains credentials for another origin.
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
