//! An event as a topic's log has it, for filters.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;

/// An event of a topic as it is stored: encoded. What [`Subscribe::filter`](crate::Subscribe::filter)
/// decides on.
///
/// Nothing is copied or parsed before it is asked for: each method searches the lines of the event.
#[derive(Clone, Copy)]
pub struct StoredEvent<'a> {
    topic: &'a str,
    /// Its lines. The one with the id, and the blank line, may be there or not.
    lines: &'a [u8],
}

impl<'a> StoredEvent<'a> {
    pub(crate) fn new(topic: &'a str, lines: &'a [u8]) -> Self {
        Self { topic, lines }
    }

    /// Returns the name of the topic to which the event was published.
    #[must_use]
    pub fn topic(&self) -> &'a str {
        self.topic
    }

    /// Returns the event's name, its type: `message` if it has none (HTML § 9.2.6).
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        match self.values("event").last() {
            Some(name) if !name.is_empty() => decode(name),
            _ => Cow::Borrowed("message"),
        }
    }

    /// Returns the event's data; `None` if it has none, so that a client does not dispatch it. Data of one
    /// line is not copied.
    #[must_use]
    pub fn data(&self) -> Option<Cow<'a, str>> {
        let mut values = self.values("data");
        let first = values.next()?;
        let Some(second) = values.next() else {
            return Some(decode(first));
        };
        let mut data = first.to_vec();
        for line in std::iter::once(second).chain(values) {
            data.push(b'\n');
            data.extend_from_slice(line);
        }
        Some(Cow::Owned(decode(&data).into_owned()))
    }

    /// Returns the values of the fields with this name.
    #[inline]
    fn values(&self, field: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.lines;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let line = rest;
                // The last line may have no end.
                let len = memchr(b'\n', line).unwrap_or(line.len());
                rest = line.get(len + 1..).unwrap_or_default();
                let Some(after) = line[..len].strip_prefix(field.as_bytes()) else {
                    continue;
                };
                match after {
                    [] => return Some(after),
                    [b':', b' ', value @ ..] | [b':', value @ ..] => return Some(value),
                    _ => {}
                }
            }
            None
        })
    }
}

/// Decodes a value as a client does.
#[inline]
fn decode(value: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(value) {
        Ok(value) => Cow::Borrowed(value),
        Err(_) => String::from_utf8_lossy(value),
    }
}

impl fmt::Debug for StoredEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredEvent")
            .field("topic", &self.topic)
            .field("name", &self.name())
            .field("data", &self.data())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(lines: &str) -> (String, Option<String>) {
        let event = StoredEvent::new("t", lines.as_bytes());
        (event.name().into_owned(), event.data().map(Cow::into_owned))
    }

    #[test]
    fn the_fields_are_those_that_a_client_parses() {
        let message = || "message".to_owned();
        for (lines, name, data) in [
            ("data: x\nid: 7\n\n", message(), Some("x")),
            ("data: x\n", message(), Some("x")),
            (
                "event: paid\ndata: 1\ndata:\ndata: 2\nid: 7\n\n",
                "paid".into(),
                Some("1\n\n2"),
            ),
            ("event:paid\ndata\n", "paid".into(), Some("")),
            ("event: a\nevent: b\ndata:  x\n", "b".into(), Some(" x")),
            ("event: a\nevent\ndata: x", message(), Some("x")),
            (": event: no\ndatax: 1\nevents: 2\n", message(), None),
            (": data: no\ndata: event: x\n", message(), Some("event: x")),
            ("", message(), None),
        ] {
            assert_eq!(parsed(lines), (name, data.map(Into::into)), "{lines:?}");
        }
    }

    #[test]
    fn data_of_one_line_is_borrowed() {
        let event = StoredEvent::new("t", b"event: paid\ndata: x\nid: 7\n\n");
        assert!(matches!(event.data(), Some(Cow::Borrowed("x"))));
        assert!(matches!(event.name(), Cow::Borrowed("paid")));
        assert_eq!(event.topic(), "t");
    }
}
