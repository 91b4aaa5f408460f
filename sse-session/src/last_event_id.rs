//! The `Last-Event-ID` header of a reconnecting client.

/// Returns the last event ID in the value of a `Last-Event-ID` header (HTML § 9.2.4).
///
/// `None` if the value is empty, as a client without a last event ID sends no header. `None` also if
/// it is not UTF-8, in which clients send it: no event had such an ID.
///
/// ```
/// use sse_session::parse_last_event_id;
///
/// assert_eq!(parse_last_event_id("ø-42".as_bytes()), Some("ø-42"));
/// assert_eq!(parse_last_event_id(b""), None);
/// assert_eq!(parse_last_event_id(b"\xff"), None);
/// ```
#[must_use]
pub fn parse_last_event_id(header_value: &[u8]) -> Option<&str> {
    std::str::from_utf8(header_value)
        .ok()
        .filter(|id| !id.is_empty())
}
