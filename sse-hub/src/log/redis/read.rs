//! Reading streams, and finding out whether what was read is complete.
//!
//! Each entry names its predecessor. So what follows a position is complete if the first entry
//! after it names the position. If that names a later position, entries were trimmed; if it names an
//! earlier one, the position was never one of this stream.

use bytes::Bytes;
use redis::Value;

use crate::log::redis::entry_id::{self, LAST};
use crate::log::redis::error::CommandError;
use crate::log::redis::link::Link;
use crate::log::redis::script::{self, EVENT, PREDECESSOR};
use crate::log::{EngineError, Page, Span};
use crate::position::Position;

const INVALID_LAST_ID: EngineError = EngineError::InvalidAnswer("the last id of a stream");
const INVALID_ENTRIES: EngineError = EngineError::InvalidAnswer("the entries of a stream");

/// How many entries a page has.
const PAGE: usize = 100;

/// An entry of a stream.
struct Entry {
    position: Position,
    predecessor: Option<Position>,
    event: Bytes,
}

/// Subscribes to a topic's channel, and then finds where its stream ends.
pub(super) async fn open(link: &Link, topic: &str) -> Result<Span, EngineError> {
    let lease = link.channels.acquire(topic).await;
    link.subscribe(topic).await?;
    let stream = link.keys.stream(topic);
    let mut call = link.open.call(1, stream.len());
    call.arg(stream).arg(script::drawn());
    let head = match link.open.run(&call, &link.commands).await? {
        Value::BulkString(id) => entry_id::parse(&id),
        _ => None,
    };
    let head = head.ok_or(INVALID_LAST_ID)?;
    lease.keep();
    Ok(Span::at(head))
}

/// Reads what follows a position.
pub(super) async fn read(link: &Link, topic: &str, after: Position) -> Result<Page, EngineError> {
    if after == LAST {
        // Nothing can have come so far, and Redis would refuse to read what follows it.
        return Ok(Page::Unknown);
    }
    let stream = link.keys.stream(topic);
    let entries = range(link, &stream, after).await?;
    if !entries.is_empty() {
        return Ok(page(after, entries));
    }
    match last_id(link, &stream).await? {
        _ if after == Position::OLDEST => Ok(Page::Entries(Vec::new())),
        Some(last) if last == after => Ok(Page::Entries(Vec::new())),
        Some(last) if last > after => {
            // Appended between the two requests, or trimmed.
            let entries = range(link, &stream, after).await?;
            if entries.is_empty() {
                return Ok(Page::Trimmed);
            }
            Ok(page(after, entries))
        }
        _ => Ok(Page::Unknown),
    }
}

/// Returns the entries that follow each other from `after` on.
fn page(after: Position, entries: Vec<Entry>) -> Page {
    let mut previous = after;
    let mut chain = Vec::with_capacity(entries.len());
    for entry in entries {
        // Without the field, it was not appended by a hub, and only its place shows what it follows.
        let predecessor = entry.predecessor.unwrap_or(entry.position);
        let follows = predecessor == previous
            || previous == Position::OLDEST
            || (entry.predecessor.is_none() && !chain.is_empty());
        if !follows {
            if !chain.is_empty() {
                // The next page begins with it.
                break;
            }
            return if predecessor > previous {
                Page::Trimmed
            } else {
                Page::Unknown
            };
        }
        previous = entry.position;
        chain.push((entry.position, crate::log::Entry::Event(entry.event)));
    }
    Page::Entries(chain)
}

async fn range(link: &Link, stream: &str, after: Position) -> Result<Vec<Entry>, EngineError> {
    let mut call = redis::cmd("XRANGE");
    call.arg(stream)
        .arg(format!("({}-{}", after.major(), after.minor()))
        .arg("+")
        .arg("COUNT")
        .arg(PAGE);
    match link.commands.send(&call).await? {
        Value::Array(entries) => entries
            .into_iter()
            .map(|entry| parse(entry).ok_or(INVALID_ENTRIES))
            .collect(),
        _ => Err(INVALID_ENTRIES),
    }
}

fn parse(entry: Value) -> Option<Entry> {
    let Value::Array(entry) = entry else {
        return None;
    };
    let mut parts = entry.into_iter();
    let (Value::BulkString(id), Value::Array(fields)) = (parts.next()?, parts.next()?) else {
        return None;
    };
    let mut parsed = Entry {
        position: entry_id::parse(&id)?,
        predecessor: None,
        event: Bytes::new(),
    };
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) =
        (fields.next(), fields.next())
    {
        match &*name {
            PREDECESSOR => parsed.predecessor = entry_id::parse(&value),
            EVENT => parsed.event = value.into(),
            _ => {}
        }
    }
    Some(parsed)
}

/// Requests the last id that a stream has given, whether or not it still has the entry; `None` if
/// there is no such stream.
async fn last_id(link: &Link, stream: &str) -> Result<Option<Position>, EngineError> {
    let mut call = redis::cmd("XINFO");
    call.arg("STREAM").arg(stream);
    let info = match link.commands.send(&call).await {
        Ok(info) => info,
        // "ERR no such key" has no code of its own.
        Err(CommandError::Redis(error))
            if error
                .detail()
                .is_some_and(|text| text.contains("no such key")) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let fields: Vec<(Value, Value)> = match info {
        Value::Map(fields) => fields,
        _ => return Err(INVALID_LAST_ID),
    };
    let name = |value: &Value| match value {
        Value::BulkString(name) => name == b"last-generated-id",
        Value::SimpleString(name) => name == "last-generated-id",
        _ => false,
    };
    let last = fields.into_iter().find(|(field, _)| name(field));
    match last {
        Some((_, Value::BulkString(id))) => entry_id::parse(&id).map(Some).ok_or(INVALID_LAST_ID),
        _ => Err(INVALID_LAST_ID),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u64) -> Position {
        Position::new(1, number)
    }

    /// The numbers on the page of entries, each with its predecessor.
    fn page_of(after: Position, entries: &[(u64, Option<u64>)]) -> Option<Vec<u64>> {
        let entries = entries
            .iter()
            .map(|(position, predecessor)| Entry {
                position: at(*position),
                predecessor: predecessor.map(at),
                event: Bytes::new(),
            })
            .collect();
        match page(after, entries) {
            Page::Entries(entries) => Some(
                entries
                    .iter()
                    .map(|(position, _)| position.minor())
                    .collect(),
            ),
            Page::Trimmed => None,
            Page::Unknown => Some(vec![]),
        }
    }

    #[test]
    fn a_page_is_an_unbroken_chain() {
        let chain = [(5, Some(3)), (6, Some(5)), (9, Some(6))];
        assert_eq!(page_of(at(3), &chain), Some(vec![5, 6, 9]));
        assert_eq!(page_of(Position::OLDEST, &chain), Some(vec![5, 6, 9]));
        // Trimmed, and unknown.
        assert_eq!(page_of(at(2), &chain), None);
        assert_eq!(page_of(at(4), &chain), Some(vec![]));
        // It ends where an entry is missing.
        let broken = [(5, Some(3)), (6, Some(5)), (9, Some(8))];
        assert_eq!(page_of(at(3), &broken), Some(vec![5, 6]));
        assert_eq!(page_of(at(6), &broken[2..]), None);
    }

    #[test]
    fn an_entry_without_a_predecessor_is_known_by_its_place_only() {
        assert_eq!(page_of(at(3), &[(5, Some(3)), (6, None)]), Some(vec![5, 6]));
        assert_eq!(page_of(at(3), &[(5, None), (6, Some(5))]), None);
        assert_eq!(
            page_of(Position::OLDEST, &[(5, None), (6, Some(5))]),
            Some(vec![5, 6])
        );
    }
}
