//! Reading a topic, and finding out whether entries are missing before what was read.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use crate::log::nats::batch::{Batch, End};
use crate::log::nats::get::{PAGE_BYTES, PAGE_ENTRIES, Wanted};
use crate::log::nats::link::{Known, Link};
use crate::log::{EngineError, Entry, Page, Span};
use crate::position::Position;

/// Subscribes to a topic, and finds its end.
pub(super) async fn open(link: &Arc<Link>, name: &str) -> Result<Span, EngineError> {
    let lease = link.acquire(name).await?;
    let subject = link.subjects.log(name);
    loop {
        let live_epoch = link.live_epoch();
        let known = link.known().await?;
        let Some(last) = last(link, known, &subject).await? else {
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
        let head = Position::new(known.epoch, last);
        return Ok(Span::at(head));
    }
}

/// Returns the number after which the topic has no entries; `None` if the stream is another one.
async fn last(link: &Link, known: Known, subject: &str) -> Result<Option<u64>, EngineError> {
    if let Some((number, _)) = link.get(known, subject, Wanted::Last).await? {
        return Ok(Some(number));
    }
    // Whatever the topic had is gone: it was before the end of the stream.
    let Some(info) = link
        .info(None)
        .await?
        .filter(|info| info.epoch == known.epoch)
    else {
        return Ok(None);
    };
    // The first entry may have been appended since.
    let entry = link.get(known, subject, Wanted::Last).await?;
    Ok(Some(entry.map_or(info.last, |(number, _)| number)))
}

/// Reads what follows a position.
pub(super) async fn read(link: &Link, name: &str, after: Position) -> Result<Page, EngineError> {
    let subject = link.subjects.log(name);
    loop {
        let live_epoch = link.live_epoch();
        let known = link.known().await?;
        if after != Position::OLDEST && after.major() != known.epoch {
            return Ok(Page::Unknown);
        }
        // Live messages follow without a hole only if the topic was in use before the reading.
        let live_topic = link.interest.get(name);
        let (entries, is_end) = entries(link, known, &subject, after.minor()).await?;
        let page = if after == Position::OLDEST {
            None
        } else {
            let first = entries.first().map(|entry| entry.0);
            let is_gapless = live_topic
                .as_ref()
                .zip(first)
                .is_some_and(|(topic, first)| topic.is_gapless(after.minor(), first));
            missing(link, known, &subject, after.minor(), is_gapless).await?
        };
        if known.session != link.session() {
            continue;
        }
        if let Some(page) = page {
            return Ok(page);
        }
        if is_end
            && live_epoch == link.live_epoch()
            && let Some(topic) = &live_topic
        {
            let last = entries.last().map_or(after.minor(), |entry| entry.0);
            topic.note_read(live_epoch, last);
        }
        let entries = entries
            .into_iter()
            .map(|(number, event)| (Position::new(known.epoch, number), Entry::Event(event)))
            .collect();
        return Ok(Page::Entries(entries));
    }
}

/// Reads a page of entries after a number. Returns also whether there are no more.
async fn entries(
    link: &Link,
    known: Known,
    subject: &str,
    after: u64,
) -> Result<(Vec<(u64, Bytes)>, bool), EngineError> {
    let Some(from) = after.checked_add(1) else {
        return Ok((Vec::new(), true));
    };
    let deadline = link.page_deadline();
    let Batch { mut entries, end } = link.get_page(known, subject, from).await?;
    match end {
        End::OfTopic => return Ok((entries, true)),
        End::OfBatch => return Ok((entries, false)),
        End::OneByOne => {}
    }
    let mut bytes: usize = entries.iter().map(|entry| entry.1.len()).sum();
    while entries.len() < PAGE_ENTRIES
        && bytes < PAGE_BYTES
        && (entries.is_empty() || Instant::now() < deadline)
    {
        let last = entries.last().map_or(after, |entry| entry.0);
        let Some(from) = last.checked_add(1) else {
            return Ok((entries, true));
        };
        let Some(entry) = link.get(known, subject, Wanted::From(from)).await? else {
            return Ok((entries, true));
        };
        bytes += entry.1.len();
        entries.push(entry);
    }
    Ok((entries, false))
}

/// Returns why entries between `after` and what was read may be missing; `None` if none are. The
/// oldest entries are discarded first, so none are missing if the stream has one that is older
/// than all that could be missing.
async fn missing(
    link: &Link,
    known: Known,
    subject: &str,
    after: u64,
    is_gapless: bool,
) -> Result<Option<Page>, EngineError> {
    let itself = link.get(known, subject, Wanted::From(after)).await?;
    if itself.is_some_and(|(number, _)| number == after) {
        return Ok(None);
    }
    // It is gone, or was never one of this topic: the end of the stream when the topic had no
    // entries, or forged.
    let info = link.info(Some(subject)).await?;
    let Some(info) = info.filter(|info| info.epoch == known.epoch) else {
        link.invalidate(known.session);
        return Ok(Some(Page::Unknown));
    };
    if after > info.last {
        return Ok(Some(Page::Unknown));
    }
    // Neither the limits of the stream nor those of the topic have discarded anything after it.
    let is_complete = info.first <= after + 1
        && u64::try_from(info.max_entries).map_or(true, |max| max == 0 || info.entries < max);
    let nothing_follows = after == info.last;
    Ok(if is_complete || is_gapless || nothing_follows {
        None
    } else {
        Some(Page::Trimmed)
    })
}
