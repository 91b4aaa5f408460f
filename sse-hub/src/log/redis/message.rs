//! The messages of topics' channels, each of which has the entries that one call appended to the topic.
//!
//! A message begins with a line: the id of the first entry's predecessor, that of the first entry, and the
//! lengths of all events but the last one, with spaces between them. The events follow. The numbers in
//! the ids of the entries follow each other. The mark of a loss has the letter `l` as its length. The letter `f` after
//! the lengths says that the last event ends the topic.

use bytes::Bytes;
use redis::{PushInfo, PushKind, Value};

use crate::log::redis::entry_id;
use crate::log::redis::keys::Keys;
use crate::log::{Entry, LiveEntry};
use crate::position::Position;

/// The length that stands for the mark of a loss.
const LOSS: &[u8] = b"l";

/// What follows the lengths if the last event ends the topic.
const FINISHED: &[u8] = b"f";

/// A message that is to be taken apart.
pub(super) struct Message {
    topic: String,
    predecessor: Position,
    first: Position,
    entries: Vec<Entry>,
}

/// Parses a message; `None` if it is none of a topic, or not of this form.
pub(super) fn parse(keys: &Keys, push: PushInfo) -> Option<Message> {
    if push.kind != PushKind::Message {
        return None;
    }
    let mut parts = push.data.into_iter();
    let (Value::BulkString(channel), Value::BulkString(payload)) = (parts.next()?, parts.next()?)
    else {
        return None;
    };
    let topic = keys.topic_of(&channel)?;
    let payload = Bytes::from(payload);
    let end = memchr::memchr(b'\n', &payload)?;
    let mut words = payload.get(..end)?.split(|byte| *byte == b' ');
    let predecessor = entry_id::parse(words.next()?)?;
    let first = entry_id::parse(words.next()?)?;
    let mut rest = payload.slice(end + 1..);
    let mut entries = Vec::with_capacity(1);
    let mut is_finished = false;
    for word in words {
        if word == LOSS && entries.is_empty() && rest.is_empty() && !is_finished {
            entries.push(Entry::Loss);
            break;
        }
        if is_finished {
            return None;
        }
        if word == FINISHED {
            is_finished = true;
            continue;
        }
        let len = usize::try_from(entry_id::number(word)?).ok()?;
        if len > rest.len() {
            return None;
        }
        entries.push(Entry::Event(rest.split_to(len)));
    }
    if entries != [Entry::Loss] {
        entries.push(if is_finished {
            Entry::Last(rest)
        } else {
            Entry::Event(rest)
        });
    }
    // All of them have a position.
    let last = u64::try_from(entries.len() - 1).ok()?;
    first.minor().checked_add(last)?;
    Some(Message {
        topic,
        predecessor,
        first,
        entries,
    })
}

impl Message {
    /// Takes the message apart.
    pub(super) fn for_each(self, mut take: impl FnMut(LiveEntry)) {
        let (mut predecessor, mut position) = (self.predecessor, self.first);
        let mut topic = self.topic;
        let mut entries = self.entries.into_iter().peekable();
        while let Some(entry) = entries.next() {
            let is_last = entries.peek().is_none();
            let name = if is_last {
                std::mem::take(&mut topic)
            } else {
                topic.clone()
            };
            take(LiveEntry::new(name, predecessor, position, entry));
            predecessor = position;
            position = Position::new(position.major(), position.minor().wrapping_add(1));
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::log::redis) fn message(channel: &str, payload: &str) -> PushInfo {
        PushInfo {
            kind: PushKind::Message,
            data: vec![
                Value::BulkString(channel.into()),
                Value::BulkString(payload.into()),
            ],
        }
    }

    fn entries(payload: &str) -> Option<Vec<LiveEntry>> {
        let keys = Keys::new("sse", 0).expect("no braces");
        let message = parse(&keys, message(&keys.channel("a"), payload))?;
        let mut entries = Vec::new();
        message.for_each(|entry| entries.push(entry));
        assert!(entries.iter().all(|entry| entry.topic == "a"));
        Some(entries)
    }

    fn at(number: u64) -> Position {
        Position::new(5, number)
    }

    #[test]
    fn a_message_is_entries_with_their_predecessors() {
        let one = entries("4-7 5-1\ndata: x y\n\n").expect("an entry");
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].predecessor, Position::new(4, 7));
        assert_eq!(one[0].position, at(1));
        assert_eq!(one[0].entry, Entry::Event("data: x y\n\n".into()));

        let three = entries("5-1 5-3 2 0\nabcd").expect("entries");
        let parts = three
            .iter()
            .map(|entry| (entry.predecessor, entry.position, &entry.entry));
        let event = |text: &'static str| Entry::Event(text.into());
        assert!(parts.eq([
            (at(1), at(3), &event("ab")),
            (at(3), at(4), &event("")),
            (at(4), at(5), &event("cd")),
        ]));

        let loss = entries("5-1 5-3 l\n").expect("an entry");
        assert_eq!(loss.len(), 1);
        assert_eq!((loss[0].position, &loss[0].entry), (at(3), &Entry::Loss));

        let last = entries("5-1 5-3 f\nab").expect("an entry");
        assert_eq!(last[0].entry, Entry::Last("ab".into()));
        let two = entries("5-1 5-3 1 f\nab").expect("entries");
        let parts = two.iter().map(|entry| &entry.entry);
        assert!(parts.eq([&event("a"), &Entry::Last("b".into())]));
    }

    #[test]
    fn other_messages_are_none() {
        for invalid in [
            "",
            "5-1",
            "5-1 5-2",
            "5-1\ndata: x\n\n",
            "5-1 x\ndata: y\n\n",
            "5 5-0\nz",
            "5-1 5-2 3\nab",
            "5-1 5-2 -1\nab",
            "5-1 5-2 l\nab",
            "5-1 5-2 1 l\na",
            "5-1 5-2 f l\n",
            "5-1 5-2 f 1\nab",
            "5-1 5-2 f f\nab",
            "5-1 5-18446744073709551615 1\nab",
        ] {
            assert!(entries(invalid).is_none(), "{invalid}");
        }
        let keys = Keys::new("sse", 0).expect("no braces");
        assert!(parse(&keys, message("elsewhere", "4-7 5-1\nx")).is_none());
    }
}
