//! The user name and password of a URL, as an `Authorization` header.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;

/// Removes the user name and the password from the URL. Returns the header that they stand for
/// (RFC 7617), if there are any.
pub(crate) fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials: Vec<u8> = percent_decode_str(url.username()).collect();
    credentials.push(b':');
    credentials.extend(percent_decode_str(url.password().unwrap_or_default()));
    // These fail for URLs without a host alone, which have no credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let header = format!("Basic {}", BASE64_STANDARD.encode(credentials));
    let mut header = HeaderValue::try_from(header).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_in_a_url_is_not_in_the_header() {
        for (url, header, rest) in [
            ("http://a.test/", None, "http://a.test/"),
            ("http://u:p@a.test/x", Some("Basic dTpw"), "http://a.test/x"),
            ("http://u@a.test/", Some("Basic dTo="), "http://a.test/"),
            // "u@v", "p:é" in UTF-8.
            (
                "http://u%40v:p%3A%C3%A9@a.test/",
                Some("Basic dUB2OnA6w6k="),
                "http://a.test/",
            ),
        ] {
            let mut url = Url::parse(url).expect("a URL");
            let found = take_credentials(&mut url);
            let found = found.as_ref().map(|value| value.to_str().expect("ASCII"));
            assert_eq!((found, url.as_str()), (header, rest));
        }
    }
}
