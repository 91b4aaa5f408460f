//! Bringing an engine's entries to the windows of the topics in use here.
//!
//! Live entries may come late, twice or not at all. Each names its predecessor, so a hole is
//! noticed by the first entry after it, and filled by reading.

use std::future::poll_fn;

use bytes::Bytes;

use crate::cursor::Insertion;
use crate::hub::Core;
use crate::log::{LiveEntry, Log, LogError, Page};
use crate::position::Position;
use crate::topic::Topic;

/// Inserts live entries until the log has no more.
pub(crate) async fn drive(core: &Core) {
    let log = &**core.registry().log();
    while let Some(entry) = poll_fn(|cx| log.poll_live(cx)).await {
        let Some(topic) = core.registry().get(&entry.topic) else {
            // Nobody here wants it.
            continue;
        };
        if let Err(error) = insert(log, &topic, &entry).await {
            tracing::warn!(
                topic = entry.topic,
                error = &error as &dyn std::error::Error,
                "entries are missing until the next one comes"
            );
        }
    }
}

/// Reads what came between the opening of a topic's log and the use of its window.
pub(crate) async fn catch_up(log: &dyn Log, topic: &Topic) -> Result<(), LogError> {
    let mut head = topic.head();
    while let Page::Entries(entries) = log.read(topic.name(), head).await? {
        insert_all(topic, head, entries);
        let now = topic.head();
        if now == head {
            break;
        }
        head = now;
    }
    Ok(())
}

/// Inserts one entry, after those that are missing before it.
async fn insert(log: &dyn Log, topic: &Topic, entry: &LiveEntry) -> Result<(), LogError> {
    while let Insertion::Hole(head) = topic.insert(entry) {
        if let Page::Entries(entries) = log.read(topic.name(), head).await? {
            insert_all(topic, head, entries);
            if topic.head() > head {
                continue;
            }
        }
        // What is missing is not to be had. The next round ends it.
        topic.restart(entry.predecessor);
    }
    Ok(())
}

/// Inserts entries that follow each other, the first one after `head`.
fn insert_all(topic: &Topic, head: Position, entries: Vec<(Position, Bytes)>) {
    let mut predecessor = head;
    for (position, event) in entries {
        topic.insert(&LiveEntry {
            topic: String::new(),
            predecessor,
            position,
            event,
        });
        predecessor = position;
    }
}
