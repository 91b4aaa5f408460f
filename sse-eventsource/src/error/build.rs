//! Why an event source was not built.

use std::{error, fmt};

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
            Self::Scheme { .. } => None,
        }
    }
}
