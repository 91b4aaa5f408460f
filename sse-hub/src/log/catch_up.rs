//! Bringing a topic's window up to date by reading.

use crate::log::answered::Answered;
use crate::log::{Engine, EngineError, Entry, Page};
use crate::position::Position;
use crate::topic::Topic;

/// How often the history may be found replaced while it is read.
const MAX_RESTARTS: usize = 3;

/// Reads what follows the head of a topic's window, until there is no more.
///
/// If the engine has lost the end of what the window has, or what it has answered to a publisher, the
/// loss is marked, and the window continues after the newest entry that is left.
///
/// The topic must be pinned: its window is no longer the one that is in use once it is evicted.
pub(crate) async fn catch_up(
    engine: &dyn Engine,
    topic: &Topic,
    answered: &Answered,
) -> Result<(), EngineError> {
    // First, as reading may bring newer entries, and the mark of this loss, into the window.
    if let Some(newest) = topic.newest_unseen(answered.get(topic.name()))
        && !knows(engine, topic.name(), newest).await?
    {
        mark(engine, topic, newest, answered).await?;
    }
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
                mark(engine, topic, head, answered).await?;
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
    let end = engine.open(topic.name()).await?.head;
    engine.close(topic.name());
    topic.restart(head, end);
    Ok(())
}

/// Marks a loss up to `lost`, and discards what the window has of it.
async fn mark(
    engine: &dyn Engine,
    topic: &Topic,
    lost: Position,
    answered: &Answered,
) -> Result<(), EngineError> {
    tracing::warn!(
        topic = &**topic.name(),
        "engine has lost events, subscribers get a gap"
    );
    let head = topic.head();
    let kept = newest_kept(engine, topic).await?;
    let before = kept.unwrap_or(Position::OLDEST);
    // Before the window forgets what was lost.
    engine.mark_loss(topic.name(), before, lost).await?;
    answered.forget(topic.name(), before, lost);
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
                kept = matches!(page, Page::Entries(_)).then_some(position);
            }
        }
        next = usize::midpoint(known, unknown);
    }
    // Reading from there begins with the oldest entry that is kept, whatever was before it.
    Ok(kept.filter(|kept| *kept != Position::OLDEST))
}

/// Whether the engine knows a position.
async fn knows(engine: &dyn Engine, topic: &str, position: Position) -> Result<bool, EngineError> {
    let page = engine.read(topic, position).await?;
    Ok(!matches!(page, Page::Unknown))
}

/// Marks a loss in a topic that has no window here, if the engine has lost the newest entry that it has
/// answered to a publisher.
pub(crate) async fn check_answered(
    engine: &dyn Engine,
    topic: &str,
    answered: &Answered,
) -> Result<(), EngineError> {
    let Some(newest) = answered.get(topic) else {
        return Ok(());
    };
    if !knows(engine, topic, newest).await? {
        tracing::warn!(topic, "engine has lost events that were published here");
        engine.mark_loss(topic, Position::OLDEST, newest).await?;
        answered.forget(topic, Position::OLDEST, newest);
    }
    Ok(())
}
