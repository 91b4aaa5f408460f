use http::{HeaderMap, HeaderName, HeaderValue, header};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request that changes something comes from a page of `origin`, that of this server, such as
/// `https://app.example`. A browser says so, and a page cannot make it lie; a request that says nothing
/// is not from a page, and is refused where it would be trusted for its cookie.
pub(crate) fn is_from_own_page(request: &HeaderMap, origin: &str) -> bool {
    let all_are = |name: &HeaderName, expected: &str| {
        let mut values = request.get_all(name).iter();
        values.all(|value: &HeaderValue| value == expected)
    };
    let is_said = [SEC_FETCH_SITE, header::ORIGIN]
        .iter()
        .any(|name| request.contains_key(name));
    is_said && all_are(&SEC_FETCH_SITE, "same-origin") && all_are(&header::ORIGIN, origin)
}
