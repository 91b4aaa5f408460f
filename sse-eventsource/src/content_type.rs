//! Whether a response is an event stream: the essence that "extract a MIME type" of Fetch finds in
//! all `Content-Type` headers.

use http::HeaderValue;

const EVENT_STREAM: &str = "text/event-stream";
const ANY: &str = "*/*";

/// HTML § 9.2.2: returns whether the last MIME type is that of event streams. Its parameters do not
/// matter, as an event stream is always UTF-8.
pub(crate) fn is_event_stream<'a>(values: impl IntoIterator<Item = &'a HeaderValue>) -> bool {
    let mut is_event_stream = false;
    for value in values {
        let mut rest = value.as_bytes();
        while let Some((element, after)) = split_element(rest) {
            rest = after;
            if let Some(essence) = essence(element)
                && !essence.eq_ignore_ascii_case(ANY.as_bytes())
            {
                is_event_stream = essence.eq_ignore_ascii_case(EVENT_STREAM.as_bytes());
            }
        }
    }
    is_event_stream
}

/// Splits a list at the first comma outside of a quoted string (RFC 9110 § 5.6.4).
fn split_element(list: &[u8]) -> Option<(&[u8], &[u8])> {
    if list.is_empty() {
        return None;
    }
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in list.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return Some((&list[..at], &list[at + 1..])),
            _ => {}
        }
    }
    Some((list, &[]))
}

/// Returns the part before the parameters, if it is a MIME type: two tokens and a slash.
fn essence(value: &[u8]) -> Option<&[u8]> {
    let essence = value.split(|byte| *byte == b';').next()?.trim_ascii();
    let slash = essence.iter().position(|byte| *byte == b'/')?;
    (is_token(&essence[..slash]) && is_token(&essence[slash + 1..])).then_some(essence)
}

/// RFC 9110 § 5.6.2, `token`.
fn is_token(value: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !value.is_empty() && value.iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&'static str]) -> bool {
        let values: Vec<_> = values
            .iter()
            .copied()
            .map(HeaderValue::from_static)
            .collect();
        is_event_stream(&values)
    }

    #[test]
    fn parameters_and_case_of_the_content_type_do_not_matter() {
        for right in [
            "text/event-stream",
            "text/event-stream; charset=utf-8",
            "Text/Event-Stream; charset=utf-8",
            "text/event-stream;charset=latin1",
            "text/event-stream ; x",
            "\ttext/event-stream\t",
            "text/event-stream;x=\",text/html\"",
            "text/event-stream;x=\"\\\",text/html\"",
        ] {
            assert!(check(&[right]), "{right}");
        }
        for wrong in [
            "",
            "text",
            "text/",
            "/event-stream",
            "text/plain",
            "text/event-streams",
            "text/event-stream text",
            "text/event-stream/text",
            "text /event-stream",
        ] {
            assert!(!check(&[wrong]), "{wrong}");
        }
        assert!(!check(&[]));
    }

    #[test]
    fn the_last_of_several_content_types_counts_if_it_is_one() {
        for right in [
            "text/html, text/event-stream",
            "text/html,,text/event-stream,",
            "text/event-stream, */*",
            "text/event-stream, invalid",
            "text/html;x=\"a\", text/event-stream",
        ] {
            assert!(check(&[right]), "{right}");
        }
        assert!(!check(&["text/event-stream, text/html"]));
        assert!(!check(&["text/event-stream", "text/html"]));
        assert!(check(&["text/html", "text/event-stream"]));
        assert!(check(&["text/event-stream", "*/*"]));
    }
}
