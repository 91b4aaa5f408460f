//! Appending entries: one by a call of its own, or many by one call.

use std::collections::HashMap;
use std::sync::Arc;

use redis::Value;
use sse_session::second_look::within;
use tokio::task::unconstrained;

use crate::log::EngineError;
use crate::log::redis::error::{CommandError, says_wrong_server};
use crate::log::redis::link::Link;
use crate::log::redis::queue::{ToAppend, Turn, Waiting};
use crate::log::redis::script::{Call, END, IS_FINISHED};
use crate::log::redis::{entry_id, script};
use crate::position::Position;

const INVALID_IDS: EngineError = EngineError::InvalidAnswer("the ids of entries");

type Appended = Result<Position, EngineError>;

/// Appends the entry, and returns its position.
pub(super) async fn append(link: &Link, entry: ToAppend) -> Appended {
    match link.queue.enter(entry, link.commands.is_connected()) {
        Turn::Single(entry, _single) => {
            let mut appended = append_all(link, &[&entry]).await;
            appended.pop().unwrap_or(Err(INVALID_IDS))
        }
        Turn::Waits(place) => place.answer().await,
    }
}

/// Appends the entries of a batch, and answers those that wait.
pub(super) async fn append_batch(link: Arc<Link>, batch: Vec<Waiting>) {
    let (entries, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let entries: Vec<_> = entries.iter().collect();
    let limit = link.answer_within;
    let appended = within(limit, append_all(&link, &entries)).await;
    let timed_out = || {
        let all = entries.iter();
        all.map(|_| Err(EngineError::TimedOut { limit })).collect()
    };
    let appended = appended.unwrap_or_else(timed_out);
    for (answer, appended) in answers.into_iter().zip(appended) {
        // The future may have been dropped.
        let _ = answer.send(appended);
    }
}

/// Appends entries by one call, and returns a result for each.
async fn append_all(link: &Link, entries: &[&ToAppend]) -> Vec<Appended> {
    let groups = groups(entries);
    // Its place among the calls must not depend on the task's budget.
    let answered = unconstrained(async {
        let connected = link.commands.connected().await?;
        // The newest ids that are sent are those of this connection.
        let call = call(link, connected.number(), entries, &groups);
        let append = &link.scripts.append;
        let answer = link.commands.run_on(&connected, append, &call).await?;
        Ok::<_, CommandError>((answer, connected.number()))
    })
    .await;
    let mut all: Vec<Appended> = Vec::with_capacity(entries.len());
    all.resize_with(entries.len(), || Err(INVALID_IDS));
    let (answers, connection) = match answered {
        Ok((Value::Array(answers), connection)) => (answers, connection),
        Ok(_) => return all,
        Err(error) => {
            all.fill_with(|| Err(error.clone().into()));
            return all;
        }
    };
    for (group, answer) in groups.iter().zip(answers) {
        let topic = &*entries[group[0]].topic;
        for (index, appended) in group.iter().zip(appended(answer, group.len())) {
            match &appended {
                // The next entry must look it up.
                Ok(id) if id.is_end => link.heads.forget(topic),
                Ok(id) => link.heads.note(connection, topic, id.position),
                Err(error) => {
                    link.heads.forget(topic);
                    if let EngineError::Refused(reason) = error
                        && says_wrong_server(reason)
                    {
                        link.commands.leave_wrong_server(connection);
                    }
                }
            }
            all[*index] = appended.map(|id| id.position);
        }
    }
    all
}

/// Returns the indices of the entries of each topic.
fn groups(entries: &[&ToAppend]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut topics = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let group = *topics.entry(&*entry.topic).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

fn call(link: &Link, connection: u64, entries: &[&ToAppend], groups: &[Vec<usize>]) -> Call {
    const NAMES_LEN: usize = 96;
    let keys = |entry: &&&ToAppend| entry.key.is_some();
    let keys = groups.len() + entries.iter().filter(keys).count();
    let len = entries.iter().map(|entry| entry.event.len() + NAMES_LEN);
    let mut call = link.scripts.append.call(keys, len.sum());
    for group in groups {
        call.arg(link.keys.stream(&entries[group[0]].topic));
    }
    for entry in groups.iter().flatten().map(|index| entries[*index]) {
        if let Some(key) = &entry.key {
            call.arg(link.keys.idempotency(&entry.topic, key));
        }
    }
    call.arg(script::drawn()).arg(groups.len());
    for group in groups {
        match link.heads.get(connection, &entries[group[0]].topic) {
            Some(head) => call.arg(entry_id::of(head)),
            None => call.arg(""),
        };
        let flags = |entry: &ToAppend| u8::from(entry.key.is_some()) | u8::from(entry.is_last) << 1;
        let has_flags = group.iter().any(|index| flags(entries[*index]) != 0);
        if has_flags {
            call.arg(format!("-{}", group.len()));
        } else {
            call.arg(group.len());
        }
        for entry in group.iter().map(|index| entries[*index]) {
            if has_flags {
                call.arg(flags(entry));
            }
            call.arg(&entry.event[..]);
        }
    }
    call
}

/// What was answered about an entry.
#[derive(Clone, Copy, Debug)]
struct Id {
    position: Position,
    /// Whether it is the entry that ends the topic.
    is_end: bool,
}

/// Returns the positions of so many entries of one topic.
fn appended(answer: Value, count: usize) -> Vec<Result<Id, EngineError>> {
    match answer {
        Value::BulkString(first) => (0..)
            .map(|number| {
                let Id { position, is_end } = id(&first)?;
                let minor = position.minor().checked_add(number).ok_or(INVALID_IDS)?;
                let position = Position::new(position.major(), minor);
                Ok(Id { position, is_end })
            })
            .take(count)
            .collect(),
        Value::Array(ids) => ids
            .into_iter()
            .map(|text| match text {
                Value::BulkString(text) => id(&text),
                _ => Err(INVALID_IDS),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn id(text: &[u8]) -> Result<Id, EngineError> {
    match text.strip_prefix(b"-") {
        Some(_) if text == IS_FINISHED => Err(EngineError::Finished),
        Some(reason) => {
            let reason = String::from_utf8_lossy(reason).into_owned();
            Err(EngineError::Refused(reason))
        }
        None => {
            let end = text.strip_prefix(END);
            let position = entry_id::parse(end.unwrap_or(text)).ok_or(INVALID_IDS)?;
            Ok(Id {
                position,
                is_end: end.is_some(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn positions(answer: Value, count: usize) -> Vec<Result<u64, String>> {
        let result = |appended: Result<Id, EngineError>| {
            let id = appended.map_err(|error| error.to_string())?;
            assert!(!id.is_end);
            Ok(id.position.minor())
        };
        appended(answer, count).into_iter().map(result).collect()
    }

    #[test]
    fn an_answer_is_the_first_id_or_an_id_for_each_entry() {
        assert_eq!(
            positions(text("5-70000"), 3),
            [Ok(70_000), Ok(70_001), Ok(70_002)]
        );
        let refused = "engine refused the request: OOM";
        assert_eq!(
            positions(text("-OOM"), 2),
            [Err(refused.to_owned()), Err(refused.to_owned())]
        );
        let each = Value::Array(vec![text("5-1"), text("-OOM"), text("5-2")]);
        assert_eq!(positions(each, 3), [Ok(1), Err(refused.to_owned()), Ok(2)]);
        let invalid = "engine's answer is invalid, expected the ids of entries";
        assert_eq!(positions(text("x"), 1), [Err(invalid.to_owned())]);
        assert_eq!(positions(Value::Nil, 1), []);
    }

    #[test]
    fn an_answer_says_which_entry_is_the_end_and_what_cannot_follow_it() {
        let each = Value::Array(vec![text("5-1"), text("+5-2"), text("-FINISHED")]);
        let all = appended(each, 3);
        assert!(matches!(all[0], Ok(Id { is_end: false, .. })));
        let end = all[1].as_ref().expect("an id");
        assert_eq!((end.position, end.is_end), (Position::new(5, 2), true));
        assert!(matches!(all[2], Err(EngineError::Finished)));
    }

    #[test]
    fn entries_are_grouped_by_topic_in_their_order() {
        let entries = ["a", "b", "a", "c", "b"].map(|topic| ToAppend {
            topic: topic.to_owned(),
            event: Vec::new(),
            key: None,
            is_last: false,
        });
        let entries: Vec<_> = entries.iter().collect();
        assert_eq!(groups(&entries), [vec![0, 2], vec![1, 4], vec![3]]);
    }
}
