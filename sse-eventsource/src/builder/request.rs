//! The request of the standard.

use http::header::{ACCEPT, CACHE_CONTROL};
use http::{Method, Request};
use url::Url;

use crate::error::BuildError;
use crate::request_body::RequestBody;

/// HTML § 9.2.2: the request of the standard, before headers and body are set.
pub(super) fn new(method: Method, url: &str) -> Result<Request<RequestBody>, BuildError> {
    let mut url = Url::parse(url).map_err(BuildError::Url)?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = url.scheme().to_owned();
        return Err(BuildError::Scheme { scheme });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BuildError::Credentials);
    }
    url.set_fragment(None);
    Request::builder()
        .method(method)
        .uri(url.as_str())
        .header(ACCEPT, "text/event-stream")
        // HTML § 9.2.2: the cache mode "no-store", for which Fetch sends this header.
        .header(CACHE_CONTROL, "no-cache")
        .body(RequestBody::default())
        .map_err(BuildError::Http)
}
