//! Reading a page of entries.

use tokio::time::Instant;

use crate::log::EngineError;
use crate::log::nats::batch::{Batch, End};
use crate::log::nats::get::{PAGE_BYTES, Wanted};
use crate::log::nats::link::{Known, Link};
use crate::log::nats::stored::Stored;

/// How many entries a page has at most if each is a request. While a long page is read, a busy topic's
/// window moves on by as much, and a reader that catches up would not reach it.
const ENTRIES_ONE_BY_ONE: usize = 128;

/// A page of entries.
pub(super) struct Read {
    pub(super) entries: Vec<Stored>,
    /// Whether there are no more.
    pub(super) is_end: bool,
}

/// Reads a page of entries after a number.
pub(super) async fn read(
    link: &Link,
    known: Known,
    subject: &str,
    after: u64,
) -> Result<Read, EngineError> {
    let page = |entries, is_end| Ok(Read { entries, is_end });
    let Some(from) = after.checked_add(1) else {
        return page(Vec::new(), true);
    };
    let deadline = link.page_deadline();
    let Batch { mut entries, end } = link.get_page(known, subject, from).await?;
    match end {
        End::OfTopic => return page(entries, true),
        End::OfBatch => return page(entries, false),
        End::OneByOne => {}
    }
    let mut bytes: usize = entries.iter().map(Stored::len).sum();
    while entries.len() < ENTRIES_ONE_BY_ONE
        && bytes < PAGE_BYTES
        && (entries.is_empty() || Instant::now() < deadline)
    {
        let last = entries.last().map_or(after, Stored::number);
        let Some(from) = last.checked_add(1) else {
            return page(entries, true);
        };
        let Some(entry) = link.get(known, subject, Wanted::From(from)).await? else {
            return page(entries, true);
        };
        bytes += entry.len();
        entries.push(entry);
    }
    page(entries, false)
}
