//! Bringing an engine's live entries to the windows of the topics in use here.

use std::future::poll_fn;
use std::sync::Arc;

use crate::hub::Core;
use crate::log::{LiveEntry, LogError, Page};
use crate::topic::{Insertion, Topic};

/// Inserts live entries until the log has no more.
pub(crate) async fn drive(core: &Core) {
    let log = core.registry().log();
    while let Some(entry) = poll_fn(|cx| log.poll_live(cx)).await {
        let Some(topic) = core.registry().get(&entry.topic) else {
            // Nobody here wants it.
            continue;
        };
        if let Err(error) = insert(core, &topic, &entry).await {
            tracing::warn!(
                topic = entry.topic,
                error = &error as &dyn std::error::Error,
                "entries are missing until the next one comes"
            );
        }
    }
}

/// Inserts one entry, after those that are missing before it.
async fn insert(core: &Core, topic: &Arc<Topic>, entry: &LiveEntry) -> Result<(), LogError> {
    let log = core.registry().log();
    // Each round gets a page further, so it ends at the entry or behind it.
    while let Insertion::Hole(head) = topic.insert(entry) {
        match log.read(topic.name(), head).await? {
            Page::Entries(entries) if entries.is_empty() => {
                // The log has nothing in between after all.
                topic.restart(entry.predecessor);
            }
            Page::Entries(entries) => {
                let mut predecessor = head;
                for (position, event) in entries {
                    let missing = LiveEntry {
                        topic: entry.topic.clone(),
                        predecessor,
                        position,
                        event,
                    };
                    topic.insert(&missing);
                    predecessor = position;
                }
            }
            Page::Trimmed | Page::Unknown => topic.restart(entry.predecessor),
        }
    }
    Ok(())
}
