use http::{HeaderValue, Request, header};

/// Whether a request is for a server on this machine that listens on `port`, and not from a page of
/// somewhere else. To be answered with 403 if not.
pub(crate) fn is_local<B>(request: &Request<B>, port: u16) -> bool {
    let is_ours = |authority: &str| {
        ["localhost", "127.0.0.1", "[::1]"]
            .iter()
            .any(|host| authority.eq_ignore_ascii_case(&format!("{host}:{port}")))
    };
    // A name that resolves to this machine for a moment (DNS rebinding) is in one of these. HTTP/2 has
    // the target's alone, HTTP/1.1 both if its target is a whole URL.
    let target = request.uri().authority();
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let is_named = target.is_some() || request.headers().contains_key(header::HOST);
    let is_text = |value: &HeaderValue, check: &dyn Fn(&str) -> bool| value.to_str().is_ok_and(check);
    // A page that was loaded from this server, or from another one on this machine that is known.
    let is_own_page = |origin: &str| origin.strip_prefix("http://").is_some_and(is_ours);
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    is_named
        && target.is_none_or(|target| is_ours(target.as_str()))
        && hosts.all(|host| is_text(host, &is_ours))
        && origins.all(|origin| is_text(origin, &is_own_page))
}
