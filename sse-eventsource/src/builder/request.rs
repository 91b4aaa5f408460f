//! The request of the standard.

use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, PRAGMA, USER_AGENT};
use http::{Method, Request};
use url::Url;

use crate::credentials::take_credentials;
use crate::error::BuildError;
use crate::request_body::RequestBody;

/// HTML § 9.2.2: the request of the standard, before headers and body are set.
pub(super) fn new(method: Method, url: &str) -> Result<Request<RequestBody>, BuildError> {
    let mut url = parse(url)?;
    let authorization = take_credentials(&mut url);
    url.set_fragment(None);
    let request = Request::builder()
        .method(method)
        .uri(url.as_str())
        .header(ACCEPT, "text/event-stream")
        // HTML § 9.2.2: the cache mode "no-store", for which Fetch sends these two headers.
        .header(CACHE_CONTROL, "no-cache")
        .header(PRAGMA, "no-cache")
        // Some servers refuse requests without one.
        .header(
            USER_AGENT,
            concat!("sse-eventsource/", env!("CARGO_PKG_VERSION")),
        )
        .body(RequestBody::default());
    let mut request = request.map_err(BuildError::Http)?;
    if let Some(authorization) = authorization {
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, authorization);
    }
    Ok(request)
}

/// Parses a URL, which must be one of HTTP.
pub(super) fn parse(url: &str) -> Result<Url, BuildError> {
    let url = Url::parse(url).map_err(BuildError::Url)?;
    if matches!(url.scheme(), "http" | "https") {
        return Ok(url);
    }
    let scheme = url.scheme().to_owned();
    Err(BuildError::Scheme { scheme })
}
