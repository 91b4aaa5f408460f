//! The last event ID of a reconnecting client, in a header or in the query.

use std::borrow::Cow;

use sse_codec::Encoder;

/// The parameter that clients without a header send.
const PARAMETER: &str = "lastEventId";

/// Stands for an id that is too long to have been given out. No event can have it, as a NUL in an id is
/// an error of the encoder.
pub(crate) const NEVER_GIVEN: &str = "\0";

/// Returns the last event ID in the value of a `Last-Event-ID` header (HTML § 9.2.4).
///
/// `None` if the value is empty, as a client without a last event ID sends no header. Browsers send
/// the ID in UTF-8, but many other clients send each character as one byte: a value that is not UTF-8
/// is taken as Latin-1.
///
/// An ID of more than 4 KiB ([`Encoder::DEFAULT_MAX_ID_LEN`]) becomes a single NUL, which is the id
/// of no event, so that it is unknown wherever it is looked up, and no more of it is kept. It does
/// not become `None`, as its client would be taken for one that comes for the first time.
///
/// ```
/// use sse_session::parse_last_event_id;
///
/// assert_eq!(parse_last_event_id("ø-42".as_bytes()).as_deref(), Some("ø-42"));
/// assert_eq!(parse_last_event_id(b"\xF8-42").as_deref(), Some("ø-42"));
/// assert_eq!(parse_last_event_id(b""), None);
/// assert_eq!(parse_last_event_id(&[b'x'; 5_000]).as_deref(), Some("\0"));
/// ```
#[must_use]
pub fn parse_last_event_id(header_value: &[u8]) -> Option<Cow<'_, str>> {
    in_header(header_value, Encoder::DEFAULT_MAX_ID_LEN)
}

/// [`parse_last_event_id`] with another limit.
pub(crate) fn in_header(value: &[u8], max_len: usize) -> Option<Cow<'_, str>> {
    if value.is_empty() {
        return None;
    }
    if value.len() > max_len {
        return Some(NEVER_GIVEN.into());
    }
    Some(match std::str::from_utf8(value) {
        Ok(id) => id.into(),
        Err(_) => within(value.iter().copied().map(char::from).collect(), max_len),
    })
}

/// Returns the last event ID in the parameter `lastEventId` of a query: event-source-polyfill sends no
/// header. `None` if there is no such parameter, or if its value is empty.
pub(crate) fn in_query(query: &str, max_len: usize) -> Option<Cow<'_, str>> {
    let mut parameters = query.split('&').filter_map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        is_parameter(name).then_some((parameter, value))
    });
    let (parameter, value) = parameters.next()?;
    // Not even decoded: a byte takes three at most.
    if value.len() / 3 > max_len {
        return Some(NEVER_GIVEN.into());
    }
    let (_, id) = form_urlencoded::parse(parameter.as_bytes()).next()?;
    (!id.is_empty()).then(|| within(id, max_len))
}

/// Whether a name that may be encoded is that of the parameter.
fn is_parameter(name: &str) -> bool {
    let mut decoded = form_urlencoded::parse(name.as_bytes());
    name.len() <= 3 * PARAMETER.len() && decoded.next().is_some_and(|(name, _)| name == PARAMETER)
}

/// Returns an id that can have been given out.
pub(crate) fn within(id: Cow<'_, str>, max_len: usize) -> Cow<'_, str> {
    if id.len() > max_len {
        NEVER_GIVEN.into()
    } else {
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_LEN: usize = Encoder::DEFAULT_MAX_ID_LEN;

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
            ("lastEventId=&lastEventId=7", None),
            ("lasteventid=1&LastEventId=2&Last-Event-ID=3", None),
            ("lastEventId=7", Some("7")),
            ("lastEventId=7=8", Some("7=8")),
            ("room=a&lastEventId=7&lastEventId=8", Some("7")),
            ("lastEventId=%C3%A9%E6%BC%A2%20%2B%26", Some("é漢 +&")),
            ("last%45ventId=a%00", Some("a\0")),
            ("lastEventId=%FF", Some("\u{FFFD}")),
        ] {
            assert_eq!(in_query(query, MAX_LEN).as_deref(), id, "{query}");
        }
    }

    #[test]
    fn an_id_that_is_longer_than_any_that_is_given_out_is_the_id_of_no_event() {
        let longest = "x".repeat(MAX_LEN);
        let too_long = "x".repeat(MAX_LEN + 1);
        let header = |id: &str| parse_last_event_id(id.as_bytes()).map(Cow::into_owned);
        assert_eq!(header(&longest).as_ref(), Some(&longest));
        assert_eq!(header(&too_long).as_deref(), Some(NEVER_GIVEN));

        // One byte each in the header, two of them afterwards.
        let latin_1 = vec![0xE9; MAX_LEN / 2 + 1];
        assert_eq!(parse_last_event_id(&latin_1).as_deref(), Some(NEVER_GIVEN));
        let latin_1 = parse_last_event_id(&latin_1[1..]).expect("an id");
        assert_eq!(latin_1, "é".repeat(MAX_LEN / 2));

        let query = |id: &str| in_query(&format!("lastEventId={id}"), MAX_LEN).map(Cow::into_owned);
        assert_eq!(query(&longest).as_ref(), Some(&longest));
        assert_eq!(query(&"%78".repeat(MAX_LEN)), Some(longest));
        for too_long in [
            too_long.clone(),
            "%78".repeat(MAX_LEN + 1),
            "%78".repeat(100 * MAX_LEN),
        ] {
            assert_eq!(query(&too_long).as_deref(), Some(NEVER_GIVEN));
        }
    }

    #[test]
    fn a_long_id_is_not_copied() {
        let long = "x".repeat(1 << 20);
        let header = parse_last_event_id(long.as_bytes());
        assert!(matches!(header, Some(Cow::Borrowed(NEVER_GIVEN))));
        let query = format!("lastEventId={long}");
        let query = in_query(&query, MAX_LEN);
        assert!(matches!(query, Some(Cow::Borrowed(NEVER_GIVEN))));
    }
}
