//! A small strict reader of event streams: it panics at what the encoder cannot have written.

use memchr::{memchr, memmem};
use serde_json::Value;

/// An event, with the last event ID after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name, `message` by default.
    pub name: String,
    /// Its data.
    pub data: String,
    /// The last event ID.
    pub id: String,
}

impl Event {
    /// Returns the gaps in an event named `gap`, as topic and reason.
    #[must_use]
    pub fn gaps(&self) -> Vec<(String, String)> {
        assert_eq!(self.name, "gap");
        let data: Value = serde_json::from_str(&self.data).expect("JSON");
        let gaps = data["gaps"].as_array().expect("a list");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        gaps.iter()
            .map(|gap| (text(&gap["topic"]), text(&gap["reason"])))
            .collect()
    }

    /// Returns how many events are missing, according to an event named `gap`.
    #[must_use]
    pub fn missed(&self) -> Option<u64> {
        let data: Value = serde_json::from_str(&self.data).expect("JSON");
        data["gaps"][0]["missed"].as_u64()
    }
}

/// Reads an event stream.
#[derive(Debug, Default)]
pub struct Reader {
    rest: Vec<u8>,
    scanned: usize,
    /// The last event ID; `None` until there was one.
    pub id: Option<String>,
    /// The reconnection time, in milliseconds.
    pub retry: Option<u64>,
}

impl Reader {
    /// Creates the reader of a client that comes back.
    #[must_use]
    pub fn after(id: Option<&str>) -> Self {
        Self {
            id: id.map(Into::into),
            ..Self::default()
        }
    }

    /// Adds bytes, and returns the events that are complete now.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut rest = std::mem::take(&mut self.rest);
        let mut start = 0;
        // What was scanned before is not scanned again, except for a line end at its very end.
        let mut from = self.scanned.saturating_sub(1);
        loop {
            start = after_comments(&rest, start);
            from = from.max(start);
            let Some(found) = memmem::find(&rest[from..], b"\n\n") else {
                break;
            };
            let end = from + found;
            let block = std::str::from_utf8(&rest[start..end]).expect("UTF-8");
            events.extend(self.block(block));
            start = end + 2;
            from = start;
        }
        rest.drain(..start);
        self.scanned = rest.len();
        self.rest = rest;
        events
    }

    /// Whether the stream is between two events.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }

    fn block(&mut self, block: &str) -> Option<Event> {
        let (mut name, mut data) = (None, None::<String>);
        let mut has_id = false;
        for line in block.split('\n') {
            match line.split_once(": ").expect("a field and a value") {
                ("event", value) => assert_eq!(name.replace(value.to_owned()), None, "{block}"),
                ("id", value) => {
                    assert!(!std::mem::replace(&mut has_id, true), "two ids: {block}");
                    self.id = Some(value.to_owned());
                }
                ("retry", value) => self.retry = Some(value.parse().expect("a number")),
                ("data", value) => match &mut data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => data = Some(value.to_owned()),
                },
                (field, _) => panic!("unknown field {field:?}: {block}"),
            }
        }
        let data = data?;
        assert!(has_id, "an event without an id: {block}");
        Some(Event {
            name: name.unwrap_or_else(|| "message".to_owned()),
            data,
            id: self.id.clone().unwrap_or_default(),
        })
    }
}

/// Returns where the comments that begin at `start` have ended. A comment comes before all fields of
/// an event, and is no block.
fn after_comments(bytes: &[u8], mut start: usize) -> usize {
    while bytes[start..].starts_with(b":")
        && let Some(len) = memchr(b'\n', &bytes[start..])
    {
        start += len + 1;
        assert_ne!(
            bytes.get(start),
            Some(&b'\n'),
            "a comment with a blank line"
        );
    }
    start
}
