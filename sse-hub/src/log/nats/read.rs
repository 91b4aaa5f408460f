//! Reading a topic, and telling whether nothing is missing before what was read.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use crate::log::nats::error::NatsError;
use crate::log::nats::link::{Known, Link, Wanted};
use crate::log::{LogError, Page, Span};
use crate::position::Position;

/// Before everything.
pub(super) const OLDEST: Position = Position::new(0, 0);

/// A page is full with so many entries, or so many bytes.
const PAGE_ENTRIES: usize = 128;
const PAGE_BYTES: usize = 256 * 1024;

/// Listens to a topic from now on, and finds its end.
pub(super) async fn open(link: &Arc<Link>, name: &str) -> Result<Span, LogError> {
    let lease = link.listen(name).await?;
    let subject = link.subjects.log(name);
    loop {
        let stretch = link.stretch();
        let known = link.known().await?;
        let Some(last) = last(link, known, &subject).await? else {
            link.doubt(known.session);
            continue;
        };
        if known.session != link.session() {
            continue;
        }
        if stretch == link.stretch() {
            lease.topic.has_read(stretch, last);
        }
        lease.keep();
        let head = Position::new(known.epoch, last);
        return Ok(Span { floor: head, head });
    }
}

/// The number after which the topic has nothing yet; `None` if the stream is another one.
async fn last(link: &Link, known: Known, subject: &str) -> Result<Option<u64>, NatsError> {
    if let Some((number, _)) = link.get(known, subject, Wanted::Last).await? {
        return Ok(Some(number));
    }
    // Whatever the topic had is gone: it was before the stream's own end.
    let Some(info) = link
        .info(None)
        .await?
        .filter(|info| info.epoch == known.epoch)
    else {
        return Ok(None);
    };
    // It may have got its first entry since.
    let entry = link.get(known, subject, Wanted::Last).await?;
    Ok(Some(entry.map_or(info.last, |(number, _)| number)))
}

/// What follows a position.
pub(super) async fn read(link: &Link, name: &str, after: Position) -> Result<Page, LogError> {
    let subject = link.subjects.log(name);
    loop {
        let stretch = link.stretch();
        let known = link.known().await?;
        if after != OLDEST && after.major() != known.epoch {
            return Ok(Page::Unknown);
        }
        // Only what is listened to from before the reading on is heard without a hole after it.
        let listened = link.listened(name);
        let (entries, is_end) = entries(link, known, &subject, after.minor()).await?;
        let page = if after == OLDEST {
            None
        } else {
            let first = entries.first().map(|entry| entry.0);
            let is_bridged = listened
                .as_ref()
                .zip(first)
                .is_some_and(|(topic, first)| topic.bridges(after.minor(), first));
            missing(link, known, &subject, after.minor(), is_bridged).await?
        };
        if known.session != link.session() {
            continue;
        }
        if let Some(page) = page {
            return Ok(page);
        }
        if is_end
            && stretch == link.stretch()
            && let Some(topic) = &listened
        {
            let last = entries.last().map_or(after.minor(), |entry| entry.0);
            topic.has_read(stretch, last);
        }
        let entries = entries
            .into_iter()
            .map(|(number, event)| (Position::new(known.epoch, number), event))
            .collect();
        return Ok(Page::Entries(entries));
    }
}

/// A page of entries after a number, and whether they are all.
async fn entries(
    link: &Link,
    known: Known,
    subject: &str,
    after: u64,
) -> Result<(Vec<(u64, Bytes)>, bool), NatsError> {
    let mut entries = Vec::new();
    let (mut last, mut bytes) = (after, 0);
    // Where each answer takes long, a page is short, so that it is there in time.
    let enough = Instant::now() + link.options.answer_within / 2;
    while entries.len() < PAGE_ENTRIES
        && bytes < PAGE_BYTES
        && (entries.is_empty() || Instant::now() < enough)
    {
        let Some(from) = last.checked_add(1) else {
            return Ok((entries, true));
        };
        let Some(entry) = link.get(known, subject, Wanted::From(from)).await? else {
            return Ok((entries, true));
        };
        last = entry.0;
        bytes += entry.1.len();
        entries.push(entry);
    }
    Ok((entries, false))
}

/// What is to be said if entries between `after` and what was read before may be missing; `None`
/// if none are. Entries go oldest first, so it is enough that one is there which is older than all
/// that could be missing.
async fn missing(
    link: &Link,
    known: Known,
    subject: &str,
    after: u64,
    is_bridged: bool,
) -> Result<Option<Page>, NatsError> {
    let itself = link.get(known, subject, Wanted::From(after)).await?;
    if itself.is_some_and(|(number, _)| number == after) {
        return Ok(None);
    }
    // It is gone, or it never was one of this topic: the end of the stream when the topic had
    // nothing, or forged.
    let info = link.info(Some(subject)).await?;
    let Some(info) = info.filter(|info| info.epoch == known.epoch) else {
        link.doubt(known.session);
        return Ok(Some(Page::Unknown));
    };
    if after > info.last {
        return Ok(Some(Page::Unknown));
    }
    // Neither the stream's own limits nor the topic's have let go of anything after it.
    let is_complete = info.first <= after + 1
        && u64::try_from(info.max_entries).map_or(true, |max| max == 0 || info.entries < max);
    let nothing_follows = after == info.last;
    Ok(if is_complete || is_bridged || nothing_follows {
        None
    } else {
        Some(Page::Trimmed)
    })
}
