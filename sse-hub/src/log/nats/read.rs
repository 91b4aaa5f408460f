//! Reading a topic, and finding out whether entries are missing before what was read.

use std::sync::Arc;

use crate::log::nats::entry_id::EntryId;
use crate::log::nats::get::Wanted;
use crate::log::nats::link::{Known, Link};
use crate::log::nats::page;
use crate::log::nats::stored::Stored;
use crate::log::{EngineError, Page, Span};
use crate::position::Position;

/// Subscribes to a topic, and finds its end.
pub(super) async fn open(link: &Arc<Link>, name: &str) -> Result<Span, EngineError> {
    let mut attempts = link.attempts();
    loop {
        match try_open(link, name).await {
            Err(error) if link.retry(&mut attempts, &error).await.is_some() => {}
            opened => return opened,
        }
    }
}

async fn try_open(link: &Arc<Link>, name: &str) -> Result<Span, EngineError> {
    let lease = link.acquire(name).await?;
    let subject = link.subjects.log(name);
    loop {
        let live_epoch = link.live_epoch();
        let known = link.known().await?;
        let Some((last, is_finished)) = last(link, known, &subject).await? else {
            link.invalidate(known.session);
            continue;
        };
        if known.session != link.session() {
            continue;
        }
        if live_epoch == link.live_epoch() {
            lease.topic.note_read(live_epoch, last);
        }
        lease.keep();
        let head = last.position(known.epoch);
        return Ok(if is_finished {
            Span::finished(head)
        } else {
            Span::at(head)
        });
    }
}

/// Returns the entry, or the number, after which the topic has no entries, and whether it is finished; `None` if the
/// stream is another one.
async fn last(
    link: &Link,
    known: Known,
    subject: &str,
) -> Result<Option<(EntryId, bool)>, EngineError> {
    // First, as the topic may get its first entry meanwhile.
    let Some(end) = link.end(known).await? else {
        return Ok(None);
    };
    let last = link.get(known, subject, Wanted::Last).await?;
    // Whatever a topic without entries had before is gone: it was before the end of the stream.
    let is_finished = last.as_ref().is_some_and(Stored::is_finished);
    Ok(Some((last.map_or(end, |last| last.id), is_finished)))
}

/// Reads what follows a position.
pub(super) async fn read(link: &Link, name: &str, after: Position) -> Result<Page, EngineError> {
    let subject = link.subjects.log(name);
    loop {
        let live_epoch = link.live_epoch();
        let known = link.known().await?;
        let after = match EntryId::at(after, known.epoch) {
            _ if after == Position::OLDEST => None,
            None => return Ok(Page::Unknown),
            after => after,
        };
        // Live messages follow without a hole only if the topic was in use before the reading.
        let live_topic = link.interest.get(name);
        let number = after.map_or(0, EntryId::number);
        let read = page::read(link, known, &subject, number).await?;
        let page::Read {
            mut entries,
            is_end,
        } = read;
        let start = match after {
            None => {
                keep_gapless(link, known, &subject, &mut entries).await?;
                Start::At(EntryId::unstamped(0), false)
            }
            Some(after) => {
                let follows = |first: &&Stored| {
                    let live_topic = live_topic.as_ref();
                    live_topic.is_some_and(|topic| topic.is_gapless(after, first.id))
                };
                let following = entries.first().filter(follows).map(Stored::number);
                start(link, known, &subject, after, following).await?
            }
        };
        if known.session != link.session() {
            continue;
        }
        let (start, was_finished) = match start {
            Start::At(start, is_finished) => (start, is_finished),
            Start::Trimmed => return Ok(Page::Trimmed),
            Start::Unknown => return Ok(Page::Unknown),
        };
        if is_end
            && live_epoch == link.live_epoch()
            && let Some(topic) = &live_topic
        {
            topic.note_read(live_epoch, entries.last().map_or(start, |last| last.id));
        }
        // What nodes have appended at the same time is not of the topic.
        let mut is_finished = was_finished;
        entries.retain(|entry| {
            let is_kept = !is_finished || entry.is_finished();
            is_finished |= entry.is_finished();
            is_kept
        });
        if was_finished && is_end && entries.is_empty() {
            return Ok(Page::Finished);
        }
        let entries = entries
            .into_iter()
            .map(|entry| (entry.id.position(known.epoch), entry.into_entry()))
            .collect();
        return Ok(if is_end {
            Page::Last(entries)
        } else {
            Page::Entries(entries)
        });
    }
}

/// Discards the entries of a page before the oldest one that the topic has now. While the page was read, the limits of
/// a busy topic discarded entries too, and those that had not been read yet are missing in it. What is left was there
/// all the time. Of a page of which nothing is left, the last entry remains: a reader continues after it.
async fn keep_gapless(
    link: &Link,
    known: Known,
    subject: &str,
    entries: &mut Vec<Stored>,
) -> Result<(), EngineError> {
    if entries.len() < 2 {
        return Ok(());
    }
    let oldest = link.get(known, subject, Wanted::From(1)).await?;
    let oldest = oldest.map_or(u64::MAX, |oldest| oldest.number());
    let discarded = entries.partition_point(|entry| entry.number() < oldest);
    entries.drain(..discarded.min(entries.len() - 1));
    Ok(())
}

/// Where a page starts.
enum Start {
    /// After this entry, or this number; and whether the topic is finished there.
    At(EntryId, bool),
    /// Entries between it and the page may have been discarded.
    Trimmed,
    /// It is of another history.
    Unknown,
}

/// Finds out whether entries between `after` and what was read, or between two of those, may be missing. The oldest
/// entries are discarded first, so none are missing if the stream now has one that is older than all that could be
/// missing: the entry itself, or the first one that was read, if it is known to be the one `following`.
async fn start(
    link: &Link,
    known: Known,
    subject: &str,
    after: EntryId,
    following: Option<u64>,
) -> Result<Start, EngineError> {
    let wanted = if after.is_end() {
        Wanted::Number(after.number())
    } else {
        Wanted::From(after.number())
    };
    let itself = link.get(known, subject, wanted).await?;
    if let Some(stored) = itself.filter(|stored| stored.number() == after.number()) {
        // If it is not, the stream was set back, and has given the number again.
        let is_same = if after.is_end() {
            after == stored.id.as_end()
        } else {
            after.may_be(stored.id)
        };
        if !is_same {
            return Ok(Start::Unknown);
        }
        if !after.is_end() {
            return Ok(Start::At(stored.id, stored.is_finished()));
        }
    }
    // It is gone, or was never one of this topic: the end of the stream when the topic had no
    // entries, or forged.
    let info = link.info(Some(subject)).await?;
    let Some(info) = info.filter(|info| info.epoch == known.epoch) else {
        link.invalidate(known.session);
        return Ok(Start::Unknown);
    };
    // Neither the limits of the stream nor those of the topic have discarded anything from a number on.
    let has_all_from = |number| {
        info.first <= number
            && u64::try_from(info.max_entries).map_or(true, |max| max == 0 || info.entries < max)
    };
    // An entry that the limits have not discarded was lost. That at the end of the stream may be one of another topic,
    // with limits of its own.
    let is_entry = after.is_stamped() && !after.is_end();
    let is_lost = is_entry && (after.number() == 0 || has_all_from(after.number()));
    if after.number() > info.last || is_lost {
        return Ok(Start::Unknown);
    }
    let nothing_follows = after.number() == info.last;
    let is_complete = has_all_from(after.number() + 1);
    if is_complete || nothing_follows {
        return Ok(Start::At(after, false));
    }
    if let Some(number) = following {
        let first = link.get(known, subject, Wanted::Number(number)).await?;
        if first.is_some() {
            return Ok(Start::At(after, false));
        }
    }
    Ok(Start::Trimmed)
}
