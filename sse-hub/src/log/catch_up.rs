//! Bringing a topic's window up to date by reading.

use crate::log::{Engine, EngineError, Entry, Page};
use crate::position::Position;
use crate::topic::Topic;

/// How often the history may be found replaced while it is read.
const MAX_RESTARTS: usize = 3;

/// Reads what follows the head of a topic's window, until there is no more.
///
/// The topic must be pinned: its window is no longer the one that is in use once it is evicted.
pub(crate) async fn catch_up(engine: &dyn Engine, topic: &Topic) -> Result<(), EngineError> {
    let mut head = topic.head();
    let mut restarts = 0;
    loop {
        match engine.read(topic.name(), head).await?.check(head)? {
            Page::Entries(entries) if entries.is_empty() => return Ok(()),
            Page::Entries(entries) => {
                insert_all(topic, head, &entries);
                head = topic.head();
            }
            // Entries have arrived live meanwhile, or another reader has restarted the window.
            Page::Trimmed | Page::Unknown if topic.head() != head => head = topic.head(),
            Page::Trimmed | Page::Unknown if restarts < MAX_RESTARTS => {
                // What is missing cannot be had.
                restarts += 1;
                head = engine.open(topic.name()).await?.head;
                engine.close(topic.name());
                topic.restart(head);
            }
            Page::Trimmed | Page::Unknown => return Err(EngineError::HistoryReplaced),
        }
    }
}

/// Inserts entries that follow each other, the first one after `head`.
fn insert_all(topic: &Topic, head: Position, entries: &[(Position, Entry)]) {
    let mut predecessor = head;
    for (position, entry) in entries {
        topic.insert(predecessor, *position, entry);
        predecessor = *position;
    }
}
