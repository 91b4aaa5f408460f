//! Why a redirect was not followed.

use std::{error, fmt};

use http::Uri;

use super::ShownUrl;

/// The reason why a redirect was not followed.
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
            Self::Location { location } => {
                write!(f, "invalid Location {:?}", without_secrets(location))
            }
            Self::Insecure { location } => {
                let location = ShownUrl(location);
                write!(f, "{location} is not https, unlike the URL before it")
            }
            Self::Body => f.write_str("the request body can be sent only once"),
        }
    }
}

/// As it is displayed: a location may contain a key.
impl fmt::Debug for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedirectError({self})")
    }
}

/// Returns what may be shown of a location that is not the URL of an event stream: all but its user
/// information, query and fragment.
fn without_secrets(location: &str) -> String {
    let end = location.find(['?', '#']).unwrap_or(location.len());
    let (shown, rest) = location.split_at(end);
    let more = if rest.is_empty() { "" } else { "…" };
    // The user information ends at the last `@` in front of the path.
    let host = shown.find("//").map_or(0, |slashes| slashes + 2);
    let path = shown[host..]
        .find('/')
        .map_or(shown.len(), |path| host + path);
    match shown[host..path].rfind('@') {
        Some(at) => format!("{}…{}{more}", &shown[..host], &shown[host + at..]),
        None => format!("{shown}{more}"),
    }
}

impl error::Error for RedirectError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_location_is_shown() {
        for (location, shown) in [
            (
                "ftp://a.test/x?key=1#2",
                "invalid Location \"ftp://a.test/x…\"",
            ),
            (
                "https://user:pa@ss@b.test/x",
                "invalid Location \"https://…@b.test/x\"",
            ),
            ("//user@b.test?key", "invalid Location \"//…@b.test…\""),
            ("/@x", "invalid Location \"/@x\""),
            ("https://", "invalid Location \"https://\""),
        ] {
            let location = location.to_owned();
            let error = RedirectError::Location { location };
            assert_eq!(error.to_string(), shown);
            assert_eq!(format!("{error:?}"), format!("RedirectError({shown})"));
        }
        let location = Uri::from_static("http://a.test/x?key=1");
        let error = RedirectError::Insecure { location };
        let shown = "http://a.test/x?… is not https, unlike the URL before it";
        assert_eq!(error.to_string(), shown);
    }
}
