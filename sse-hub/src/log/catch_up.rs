//! Bringing a topic's window up to date by reading.

use crate::log::answered::Answered;
use crate::log::{Engine, EngineError, Entry, Page, Span};
use crate::position::Position;
use crate::topic::Topic;

/// How often the history may be found replaced while it is read.
const MAX_RESTARTS: usize = 3;

/// Reads what follows the head of a topic's window, up to the end of the log as it was when this was
/// called, or later.
///
/// If the engine has lost the end of what the window has, the loss is marked, and the window continues
/// after the newest entry that is left. The mark then counts as one of the entries that were `answered`.
///
/// The topic must be pinned: its window is no longer the one that is in use once it is evicted.
pub(crate) async fn catch_up(
    engine: &dyn Engine,
    topic: &Topic,
    answered: &Answered,
) -> Result<(), EngineError> {
    catch_up_until(engine, topic, answered, None).await
}

/// As [`catch_up`], but at most until the window ends at a position or after it, if no loss is found.
pub(crate) async fn catch_up_until(
    engine: &dyn Engine,
    topic: &Topic,
    answered: &Answered,
    until: Option<Position>,
) -> Result<(), EngineError> {
    let mut marked = Vec::new();
    let mut head = topic.head();
    let mut restarts = 0;
    loop {
        match engine.read(topic.name(), head).await?.check(head)? {
            Page::Entries(entries) => {
                insert_all(topic, head, &entries);
                head = topic.head();
                if until.is_some_and(|until| head >= until) && marked.is_empty() {
                    return Ok(());
                }
            }
            Page::Last(entries) => {
                insert_all(topic, head, &entries);
                let end = entries.last().map_or(head, |(last, _)| *last);
                head = topic.head();
                // What was appended after this page arrives live. But another reader may have discarded
                // what is inserted.
                if head >= end {
                    for (lost, interruptions) in marked {
                        answered.end_repair(topic.name(), lost, interruptions, head);
                    }
                    return Ok(());
                }
            }
            // The window ends there as well, or after what nodes have appended at the same time.
            Page::Finished => {
                topic.finish(head);
                for (lost, interruptions) in marked {
                    answered.end_repair(topic.name(), lost, interruptions, head);
                }
                return Ok(());
            }
            // Entries have arrived live meanwhile, or another reader has restarted the window.
            Page::Trimmed | Page::Unknown if topic.head() != head => head = topic.head(),
            Page::Trimmed | Page::Unknown if restarts == MAX_RESTARTS => {
                return Err(EngineError::HistoryReplaced);
            }
            Page::Trimmed => {
                restarts += 1;
                restart(engine, topic, head).await?;
                head = topic.head();
            }
            Page::Unknown => {
                restarts += 1;
                marked.push((head, answered.begin_mark(topic.name(), head)));
                mark(engine, topic, head).await?;
                head = topic.head();
            }
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

/// Continues at the engine's end of the topic, if the window still ends at `head`: what is missing
/// cannot be had.
async fn restart(engine: &dyn Engine, topic: &Topic, head: Position) -> Result<(), EngineError> {
    topic.restart(head, end(engine, topic.name()).await?);
    Ok(())
}

async fn end(engine: &dyn Engine, topic: &str) -> Result<Span, EngineError> {
    let end = engine.open(topic).await?;
    engine.close(topic);
    Ok(end)
}

/// Marks the loss of the end of a window, and discards what was lost.
async fn mark(engine: &dyn Engine, topic: &Topic, head: Position) -> Result<(), EngineError> {
    log_loss(topic.name());
    let kept = newest_kept(engine, topic).await?;
    let before = kept.unwrap_or(Position::OLDEST);
    // Before the window forgets what was lost.
    engine.mark_loss(topic.name(), before, head).await?;
    match kept {
        Some(kept) => topic.cut(head, kept),
        None => restart(engine, topic, head).await?,
    }
    Ok(())
}

/// Returns the newest position of a topic's window that the engine knows, and from which it can be read.
/// The engine knows all before that.
async fn newest_kept(engine: &dyn Engine, topic: &Topic) -> Result<Option<Position>, EngineError> {
    let positions = topic.positions();
    let (mut known, mut unknown) = (0, positions.len());
    let mut kept = None;
    // The newest one first: what was lost may be newer than the window.
    let mut next = unknown.saturating_sub(1);
    while known < unknown {
        let position = positions[next];
        match engine.read(topic.name(), position).await? {
            Page::Unknown => unknown = next,
            page => {
                known = next + 1;
                kept = matches!(page, Page::Entries(_) | Page::Last(_) | Page::Finished)
                    .then_some(position);
            }
        }
        next = usize::midpoint(known, unknown);
    }
    // Reading from there begins with the oldest entry that is kept, whatever was before it.
    Ok(kept.filter(|kept| *kept != Position::OLDEST))
}

/// Marks a loss if the engine does not know a position, which it has given before. A window does not go
/// up to there, so it does not tell marks of this loss from earlier ones.
pub(crate) async fn mark_if_lost(
    engine: &dyn Engine,
    topic: &str,
    position: Position,
    answered: &Answered,
) -> Result<(), EngineError> {
    if let Page::Unknown = engine.read(topic, position).await? {
        let interruptions = answered.begin_mark(topic, position);
        // Without one, whatever precedes the loss is gone as well, for instance with a topic that has expired.
        let mark = engine.mark_loss(topic, Position::OLDEST, position).await?;
        if mark.is_some() {
            log_loss(topic);
        }
        answered.end_mark(topic, position, interruptions, mark);
    }
    Ok(())
}

fn log_loss(topic: &str) {
    tracing::warn!(topic, "engine has lost events, their subscribers get a gap");
}
