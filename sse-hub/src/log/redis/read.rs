//! Reading streams, and knowing what can be relied on.
//!
//! Each entry names its predecessor. So what follows a position is complete if the first entry
//! after it names it; if that names a later one, entries were trimmed; if it names an earlier one,
//! the position was never one of this stream.

use bytes::Bytes;
use redis::Value;

use crate::log::redis::link::{Link, failed};
use crate::log::redis::script::{self, EVENT, PREDECESSOR};
use crate::log::{LogError, Page, Span};
use crate::position::Position;

/// What comes before everything. No entry has this id, and no stream begins with it.
pub(super) const OLDEST: Position = Position::new(0, 0);

/// After it, nothing can come.
const LAST: Position = Position::new(u64::MAX, u64::MAX);

/// How many entries a page has.
const PAGE: usize = 100;

/// An entry of a stream.
struct Entry {
    position: Position,
    predecessor: Option<Position>,
    event: Bytes,
}

/// The position that an id stands for: `milliseconds-number`.
pub(super) fn position(id: &[u8]) -> Option<Position> {
    let dash = memchr::memchr(b'-', id)?;
    Some(Position::new(
        number(id.get(..dash)?)?,
        number(id.get(dash + 1..)?)?,
    ))
}

/// As the standard library would, but without a look at the encoding first: each entry that comes
/// has two ids.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// An answer that has not the form that it must have.
pub(super) fn garbled() -> LogError {
    LogError::Engine("answer has not the form that was expected".into())
}

/// Subscribes to a topic's channel, and then finds where its stream ends.
pub(super) async fn open(link: &Link, topic: &str) -> Result<Span, LogError> {
    let lease = link.channels.acquire(topic).await;
    link.listen(topic).await?;
    let stream = link.keys.stream(topic);
    let mut call = link.open.call(1, stream.len());
    call.arg(stream).arg(script::drawn());
    let answer = link.open.run(&call, &link.commands).await;
    let Value::BulkString(id) = answer.map_err(failed)? else {
        return Err(garbled());
    };
    let head = position(&id).ok_or_else(garbled)?;
    lease.keep();
    Ok(Span { floor: head, head })
}

/// What follows a position.
pub(super) async fn read(link: &Link, topic: &str, after: Position) -> Result<Page, LogError> {
    if after == LAST {
        // Nobody can have got so far, and Redis would not understand what comes after it.
        return Ok(Page::Unknown);
    }
    let stream = link.keys.stream(topic);
    let entries = range(link, &stream, after).await?;
    if !entries.is_empty() {
        return Ok(page(after, entries));
    }
    match last_id(link, &stream).await? {
        _ if after == OLDEST => Ok(Page::Entries(Vec::new())),
        Some(last) if last == after => Ok(Page::Entries(Vec::new())),
        Some(last) if last > after => {
            // Appended between the two, or appended and trimmed.
            let entries = range(link, &stream, after).await?;
            if entries.is_empty() {
                return Ok(Page::Trimmed);
            }
            Ok(page(after, entries))
        }
        _ => Ok(Page::Unknown),
    }
}

/// The entries that follow each other from `after` on.
fn page(after: Position, entries: Vec<Entry>) -> Page {
    let mut previous = after;
    let mut chain = Vec::with_capacity(entries.len());
    for entry in entries {
        // Without the field it is not from here, and then only its place says what it follows.
        let predecessor = entry.predecessor.unwrap_or(entry.position);
        let follows = predecessor == previous
            || previous == OLDEST
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
        chain.push((entry.position, entry.event));
    }
    Page::Entries(chain)
}

async fn range(link: &Link, stream: &str, after: Position) -> Result<Vec<Entry>, LogError> {
    let mut call = redis::cmd("XRANGE");
    call.arg(stream)
        .arg(format!("({}-{}", after.major(), after.minor()))
        .arg("+")
        .arg("COUNT")
        .arg(PAGE);
    match link.commands.send(&call).await.map_err(failed)? {
        Value::Array(entries) => entries
            .into_iter()
            .map(|entry| parse(entry).ok_or_else(garbled))
            .collect(),
        _ => Err(garbled()),
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
        position: position(&id)?,
        predecessor: None,
        event: Bytes::new(),
    };
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) =
        (fields.next(), fields.next())
    {
        match &*name {
            PREDECESSOR => parsed.predecessor = position(&value),
            EVENT => parsed.event = value.into(),
            _ => {}
        }
    }
    Some(parsed)
}

/// The last id that a stream has given, whether or not its entry is still there; `None` if there
/// is no such stream.
async fn last_id(link: &Link, stream: &str) -> Result<Option<Position>, LogError> {
    let mut call = redis::cmd("XINFO");
    call.arg("STREAM").arg(stream);
    let info = match link.commands.send(&call).await {
        Ok(info) => info,
        // "ERR no such key"; there is no code of its own for it.
        Err(error)
            if error
                .detail()
                .is_some_and(|text| text.contains("no such key")) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    let fields: Vec<(Value, Value)> = match info {
        Value::Map(fields) => fields,
        _ => return Err(garbled()),
    };
    let name = |value: &Value| match value {
        Value::BulkString(name) => name == b"last-generated-id",
        Value::SimpleString(name) => name == "last-generated-id",
        _ => false,
    };
    let last = fields.into_iter().find(|(field, _)| name(field));
    match last {
        Some((_, Value::BulkString(id))) => position(&id).map(Some).ok_or_else(garbled),
        _ => Err(garbled()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u64) -> Position {
        Position::new(1, number)
    }

    /// What a page is made of entries, each with its predecessor.
    fn judge(after: Position, entries: &[(u64, Option<u64>)]) -> Option<Vec<u64>> {
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
        assert_eq!(judge(at(3), &chain), Some(vec![5, 6, 9]));
        assert_eq!(judge(OLDEST, &chain), Some(vec![5, 6, 9]));
        // Trimmed, and unknown.
        assert_eq!(judge(at(2), &chain), None);
        assert_eq!(judge(at(4), &chain), Some(vec![]));
        // It breaks off where something is missing.
        let broken = [(5, Some(3)), (6, Some(5)), (9, Some(8))];
        assert_eq!(judge(at(3), &broken), Some(vec![5, 6]));
        assert_eq!(judge(at(6), &broken[2..]), None);
    }

    #[test]
    fn what_others_have_written_is_known_by_its_place_only() {
        assert_eq!(judge(at(3), &[(5, Some(3)), (6, None)]), Some(vec![5, 6]));
        assert_eq!(judge(at(3), &[(5, None), (6, Some(5))]), None);
        assert_eq!(judge(OLDEST, &[(5, None), (6, Some(5))]), Some(vec![5, 6]));
    }

    #[test]
    fn ids_are_positions() {
        assert_eq!(position(b"17-3"), Some(Position::new(17, 3)));
        let last = format!("{}-{}", u64::MAX, u64::MAX);
        assert_eq!(position(last.as_bytes()), Some(LAST));
        for none in [
            &b""[..],
            b"17",
            b"17-",
            b"-3",
            b"x-3",
            b"17-3-1",
            b"\xff-1",
            b"18446744073709551616-0",
        ] {
            assert_eq!(position(none), None, "{none:?}");
        }
    }
}
