//! Reading streams, and finding out whether what was read is complete.
//!
//! What follows a position is complete if the stream has the entry at the position itself, and each entry
//! that follows names the one before it. If the first one names a later position, entries in between were
//! trimmed or lost; if it names an earlier one, the position was never one of this stream.

use redis::Value;

use crate::log::redis::entry_id;
use crate::log::redis::error::CommandError;
use crate::log::redis::link::Link;
use crate::log::redis::script::{self, END, EVENT, FINISHED, LOST, PREDECESSOR};
use crate::log::{self, EngineError, Page, Span};
use crate::position::Position;

const INVALID_LAST_ID: EngineError = EngineError::InvalidAnswer("the last id of a stream");
const INVALID_ENTRIES: EngineError = EngineError::InvalidAnswer("the entries of a stream");

/// How many entries a page has.
const PAGE: usize = 100;

/// An entry of a stream.
struct Entry {
    position: Position,
    /// The entry before it; `None` if another program appended it.
    predecessor: Option<Position>,
    /// `None` if it is only the position that the opening of a topic gave, or of another program.
    entry: Option<log::Entry>,
    /// Whether nothing follows it: it is the end of the topic, or comes after that.
    is_end: bool,
}

/// Subscribes to a topic's channel, and then finds where its stream ends.
pub(super) async fn open(link: &Link, topic: &str) -> Result<Span, EngineError> {
    let lease = link.channels.acquire(topic).await;
    link.subscribe(topic).await?;
    let stream = link.keys.stream(topic);
    let mut call = link.scripts.open.call(1, stream.len());
    call.arg(stream).arg(script::drawn());
    let Value::BulkString(id) = link.commands.run(&link.scripts.open, &call).await? else {
        return Err(INVALID_LAST_ID);
    };
    let end = id.strip_prefix(END);
    let head = entry_id::parse(end.unwrap_or(&id)).ok_or(INVALID_LAST_ID)?;
    lease.keep();
    Ok(if end.is_some() {
        Span::finished(head)
    } else {
        Span::at(head)
    })
}

/// Reads what follows a position.
pub(super) async fn read(
    link: &Link,
    topic: &str,
    mut after: Position,
) -> Result<Page, EngineError> {
    let stream = link.keys.stream(topic);
    let mut attempts = 0;
    loop {
        // With the entry at the position itself, which shows that it is one of this stream.
        let is_checked = after != Position::OLDEST;
        let count = PAGE + usize::from(is_checked);
        let mut entries = range(link, &stream, after, count).await?;
        let is_full = entries.len() == count;
        match entries.first() {
            None if !is_checked => return Ok(Page::Last(Vec::new())),
            None => match last_id(link, &stream).await? {
                Some(last) if last == after => return Ok(Page::Last(Vec::new())),
                // Appended between the two requests, or all entries were trimmed.
                Some(last) if last > after && attempts == 0 => attempts += 1,
                Some(last) if last > after => return Ok(Page::Trimmed),
                _ => return Ok(Page::Unknown),
            },
            Some(first) if is_checked && first.position != after => {
                let has_older = has_entry_before(link, &stream, after).await?;
                return Ok(without_entry(after, has_older, first));
            }
            Some(first) => {
                let is_finished = is_checked && first.is_end;
                if is_finished && entries.len() == 1 {
                    return Ok(Page::Finished);
                }
                entries.drain(..usize::from(is_checked));
                let last = entries.last().map(|last| last.position);
                let (page, reached) = page(after, entries);
                let may_have_more = is_full || last.is_some_and(|last| reached < last);
                match page {
                    // There are only positions so far.
                    Page::Entries(entries) if entries.is_empty() && may_have_more => {
                        after = reached;
                    }
                    Page::Entries(entries) if !may_have_more => return Ok(Page::Last(entries)),
                    page => return Ok(page),
                }
            }
        }
    }
}

/// Returns why what follows a position is not known, if the stream has no entry there, but newer ones.
fn without_entry(after: Position, has_older: bool, next: &Entry) -> Page {
    // Streams are trimmed from their beginning.
    let is_trimmed = !has_older && next.predecessor.is_none_or(|it| it >= after);
    if is_trimmed {
        Page::Trimmed
    } else {
        Page::Unknown
    }
}

/// Returns the entries that follow each other from `after` on, and the position that they reach.
fn page(after: Position, entries: Vec<Entry>) -> (Page, Position) {
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
            let is_trimmed = predecessor > previous;
            let page = if is_trimmed {
                Page::Trimmed
            } else {
                Page::Unknown
            };
            return (page, previous);
        }
        previous = entry.position;
        chain.push((entry.position, entry.entry));
    }
    let entries = chain.into_iter();
    let entries = entries.filter_map(|(at, entry)| Some((at, entry?)));
    (Page::Entries(entries.collect()), previous)
}

/// Requests the entries from a position on.
async fn range(
    link: &Link,
    stream: &str,
    from: Position,
    count: usize,
) -> Result<Vec<Entry>, EngineError> {
    let mut call = redis::cmd("XRANGE");
    call.arg(stream).arg(entry_id::of(from)).arg("+");
    call.arg("COUNT").arg(count);
    match link.commands.send(&call).await? {
        Value::Array(entries) => entries
            .into_iter()
            .map(|entry| parse(entry).ok_or(INVALID_ENTRIES))
            .collect(),
        _ => Err(INVALID_ENTRIES),
    }
}

async fn has_entry_before(
    link: &Link,
    stream: &str,
    position: Position,
) -> Result<bool, EngineError> {
    let mut call = redis::cmd("XRANGE");
    call.arg(stream).arg("-");
    call.arg(format!("({}", entry_id::of(position)));
    call.arg("COUNT").arg(1);
    match link.commands.send(&call).await? {
        Value::Array(entries) => Ok(!entries.is_empty()),
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
        entry: None,
        is_end: false,
    };
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) =
        (fields.next(), fields.next())
    {
        match &*name {
            PREDECESSOR => parsed.predecessor = entry_id::parse(&value),
            EVENT => parsed.entry = Some(log::Entry::Event(value.into())),
            LOST => parsed.entry = Some(log::Entry::Loss),
            FINISHED => parsed.is_end = true,
            _ => {}
        }
    }
    parsed.entry = match parsed.entry {
        Some(log::Entry::Event(event)) if parsed.is_end => Some(log::Entry::Last(event)),
        entry => entry,
    };
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
            .map(|(position, predecessor)| entry(*position, *predecessor))
            .collect();
        numbers(&page(after, entries).0)
    }

    fn entry(position: u64, predecessor: Option<u64>) -> Entry {
        Entry {
            position: at(position),
            predecessor: predecessor.map(at),
            entry: Some(log::Entry::Loss),
            is_end: false,
        }
    }

    fn numbers(page: &Page) -> Option<Vec<u64>> {
        match page {
            Page::Entries(entries) | Page::Last(entries) => Some(
                entries
                    .iter()
                    .map(|(position, _)| position.minor())
                    .collect(),
            ),
            Page::Trimmed | Page::Finished => None,
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
    fn a_position_without_an_entry_was_trimmed_if_nothing_older_is_left() {
        let next = |predecessor| entry(5, predecessor);
        for predecessor in [None, Some(3), Some(4)] {
            let page = without_entry(at(3), false, &next(predecessor));
            assert!(matches!(page, Page::Trimmed), "{predecessor:?}");
            let page = without_entry(at(3), true, &next(predecessor));
            assert!(matches!(page, Page::Unknown), "{predecessor:?}");
        }
        let page = without_entry(at(3), false, &next(Some(2)));
        assert!(matches!(page, Page::Unknown));
    }

    #[test]
    fn positions_without_entries_are_not_on_a_page() {
        let mut entries = vec![entry(5, Some(3)), entry(6, Some(5)), entry(9, Some(6))];
        entries[1].entry = None;
        assert_eq!(numbers(&page(at(3), entries).0), Some(vec![5, 9]));
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
