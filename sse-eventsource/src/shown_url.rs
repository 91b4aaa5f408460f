//! How a URL is shown.

use std::fmt;

use http::Uri;

/// A URL in a message: without its query, which may contain a key.
pub(crate) struct ShownUrl<'a>(pub(crate) &'a Uri);

impl fmt::Display for ShownUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(url) = self;
        if let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) {
            write!(f, "{scheme}://{authority}")?;
        }
        f.write_str(url.path())?;
        match url.query() {
            Some(_) => f.write_str("?…"),
            None => Ok(()),
        }
    }
}
