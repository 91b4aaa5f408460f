//! The response headers, default and added.

use http::HeaderValue;
use sse_session::{HeaderError, SseOptions};

#[test]
fn the_default_headers_are_those_of_an_event_stream() {
    let headers = SseOptions::new().response_headers();
    assert_eq!(headers["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(headers["cache-control"], "no-cache, no-transform");
    assert_eq!(headers["x-accel-buffering"], "no");
    assert_eq!(headers.len(), 3);
}

#[test]
fn extra_headers_are_added_and_replace_defaults_of_the_same_name() {
    let headers = SseOptions::new()
        .header("Set-Cookie", "a=1")
        .and_then(|options| options.header("set-cookie", HeaderValue::from_static("b=2")))
        .and_then(|options| options.header("Cache-Control", "no-store"))
        .expect("valid headers")
        .response_headers();
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(
        headers.get_all("cache-control").iter().collect::<Vec<_>>(),
        ["no-store"]
    );
}

#[test]
fn invalid_and_reserved_headers_are_typed_errors() {
    let header = |name, value| SseOptions::new().header(name, value);
    assert!(matches!(header("a b", "x"), Err(HeaderError::Invalid(_))));
    assert!(matches!(
        header("a", "x\r\nSet-Cookie: y"),
        Err(HeaderError::Invalid(_))
    ));
    for reserved in [
        "content-type",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
    ] {
        let error = header(reserved, "x").expect_err("reserved");
        let lower = reserved.to_ascii_lowercase();
        assert!(matches!(error, HeaderError::Reserved(name) if name == lower.as_str()));
    }
}
