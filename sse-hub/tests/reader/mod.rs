//! A small strict reader of event streams: what the encoder cannot have written is a failure.

#![allow(dead_code, reason = "not every test needs all of it")]

use memchr::memmem;
use serde_json::Value;

/// An event, with the last event ID as it is after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) id: String,
}

impl Event {
    /// The gaps that an event named `gap` tells of, as topic and reason.
    pub(crate) fn gaps(&self) -> Vec<(String, String)> {
        assert_eq!(self.name, "gap");
        let data: Value = serde_json::from_str(&self.data).expect("JSON");
        let gaps = data["gaps"].as_array().expect("a list");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        gaps.iter()
            .map(|gap| (text(&gap["topic"]), text(&gap["reason"])))
            .collect()
    }

    /// How many events an event named `gap` says are missing.
    pub(crate) fn missed(&self) -> Option<u64> {
        let data: Value = serde_json::from_str(&self.data).expect("JSON");
        data["gaps"][0]["missed"].as_u64()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Reader {
    rest: Vec<u8>,
    scanned: usize,
    /// The last event ID; `None` until there was one.
    pub(crate) id: Option<String>,
    /// The reconnection time, in milliseconds.
    pub(crate) retry: Option<u64>,
}

impl Reader {
    /// A reader of a client that comes back.
    pub(crate) fn after(id: Option<&str>) -> Self {
        Self {
            id: id.map(Into::into),
            ..Self::default()
        }
    }

    /// The events that are complete now.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.rest.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut rest = std::mem::take(&mut self.rest);
        let mut start = 0;
        // What was looked at before is not looked at again, but for a line end at its very end.
        let mut from = self.scanned.saturating_sub(1);
        while let Some(found) = memmem::find(&rest[from..], b"\n\n") {
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

    /// Whether the stream stands between two events.
    pub(crate) fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }

    fn block(&mut self, block: &str) -> Option<Event> {
        let (mut name, mut data) = (None, None::<String>);
        let mut has_id = false;
        for line in block.split('\n') {
            match line.split_once(": ").expect("a field and a value") {
                ("", _comment) => {}
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
