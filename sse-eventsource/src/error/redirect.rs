//! Why a redirect was not followed.

use std::{error, fmt};

use http::Uri;

use crate::shown_url::ShownUrl;

/// The reason why a redirect was not followed.
///
/// Its text and its `Debug` output leave out the query of the location, and a user and password in it.
#[derive(Clone, PartialEq, Eq)]
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
            Self::Location { location } => write!(f, "invalid Location {:?}", shown(location)),
            Self::Insecure { location } => {
                let location = ShownUrl(location);
                write!(f, "{location} is not https, unlike the URL before it")
            }
            Self::Body => f.write_str("the request body can be sent only once"),
        }
    }
}

impl fmt::Debug for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedirectError({self})")
    }
}

impl error::Error for RedirectError {}

/// Returns a location, which may be no URL, without what may be secret.
fn shown(location: &str) -> String {
    /// How many characters are shown.
    const MAX_LEN: usize = 200;

    let end = location.find(['?', '#']).unwrap_or(location.len());
    let (url, rest) = location.split_at(end);
    let url = match url.rsplit_once('@') {
        Some((_, url)) => format!("…@{url}"),
        None => url.to_owned(),
    };
    let mut shown: String = url.chars().take(MAX_LEN).collect();
    if shown.len() < url.len() {
        shown.push('…');
    } else if !rest.is_empty() {
        shown.push_str("?…");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_text_nor_debug_output_has_what_may_be_secret() {
        let invalid = |location: &str| RedirectError::Location {
            location: location.to_owned(),
        };
        let insecure = RedirectError::Insecure {
            location: Uri::from_static("http://a.test/b?key=secret"),
        };
        let long = "x".repeat(300);
        for (error, text) in [
            (
                invalid("https://secret:secret@b.test/c?key=secret"),
                "invalid Location \"…@b.test/c?…\"",
            ),
            (
                invalid("http://[#secret"),
                "invalid Location \"http://[?…\"",
            ),
            (
                invalid(&long),
                &format!("invalid Location \"{}…\"", &long[..200]),
            ),
            (
                insecure,
                "http://a.test/b?… is not https, unlike the URL before it",
            ),
        ] {
            assert_eq!(error.to_string(), text);
            assert_eq!(format!("{error:?}"), format!("RedirectError({text})"));
        }
    }
}
