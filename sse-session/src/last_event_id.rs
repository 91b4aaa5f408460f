//! The last event ID of a reconnecting client, in a header or in the query.

use std::borrow::Cow;

/// The parameter that clients without a header send.
const PARAMETER: &str = "lastEventId";

/// Returns the last event ID in the value of a `Last-Event-ID` header (HTML § 9.2.4).
///
/// `None` if the value is empty, as a client without a last event ID sends no header. Browsers send
/// the ID in UTF-8, but many other clients send each character as one byte: a value that is not UTF-8
/// is taken as Latin-1.
///
/// ```
/// use sse_session::parse_last_event_id;
///
/// assert_eq!(parse_last_event_id("ø-42".as_bytes()).as_deref(), Some("ø-42"));
/// assert_eq!(parse_last_event_id(b"\xF8-42").as_deref(), Some("ø-42"));
/// assert_eq!(parse_last_event_id(b""), None);
/// ```
#[must_use]
pub fn parse_last_event_id(header_value: &[u8]) -> Option<Cow<'_, str>> {
    if header_value.is_empty() {
        return None;
    }
    Some(match std::str::from_utf8(header_value) {
        Ok(id) => id.into(),
        Err(_) => header_value.iter().copied().map(char::from).collect(),
    })
}

/// Returns the last event ID in the parameter `lastEventId` of a query: event-source-polyfill sends no
/// header. `None` if there is no such parameter, or if its value is empty.
pub(crate) fn in_query(query: &str) -> Option<Cow<'_, str>> {
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let (_, id) = parameters.find(|(name, _)| name == PARAMETER)?;
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_not_utf_8_is_latin_1() {
        for (value, id) in [
            (&b""[..], None),
            (b"42", Some("42")),
            ("é漢".as_bytes(), Some("é漢")),
            (b"\xE9", Some("é")),
            (b"a\xFFb\xC3\xA9", Some("aÿbÃ©")),
        ] {
            assert_eq!(parse_last_event_id(value).as_deref(), id);
        }
    }

    #[test]
    fn the_first_parameter_of_the_name_counts() {
        for (query, id) in [
            ("", None),
            ("lastEventId", None),
            ("lastEventId=", None),
            ("lasteventid=1&LastEventId=2&Last-Event-ID=3", None),
            ("lastEventId=7", Some("7")),
            ("room=a&lastEventId=7&lastEventId=8", Some("7")),
            ("lastEventId=%C3%A9%E6%BC%A2%20%2B%26", Some("é漢 +&")),
            ("last%45ventId=a%00", Some("a\0")),
            ("lastEventId=%FF", Some("\u{FFFD}")),
        ] {
            assert_eq!(in_query(query).as_deref(), id, "{query}");
        }
    }
}
