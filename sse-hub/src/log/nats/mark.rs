//! Appending the mark of a loss, once, although several nodes find the same loss.

use std::ops::Range;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;

use tokio::time::timeout_at;

use crate::log::EngineError;
use crate::log::nats::append;
use crate::log::nats::entry_id::{EntryId, draw_stamp};
use crate::log::nats::get::Wanted;
use crate::log::nats::link::{Known, Link};
use crate::log::nats::page;
use crate::log::nats::stored::{LOST, STAMP, Stored, lost_text};
use crate::log::nats::subject::Subjects;
use crate::position::Position;

/// Appends a mark, unless the topic has one of the loss.
pub(super) async fn mark_loss(
    link: &Link,
    topic: &str,
    kept: Position,
    lost: Position,
) -> Result<(), EngineError> {
    let subject = link.subjects.log(topic);
    let known = link.known().await?;
    if EntryId::at(lost, known.epoch).is_none() {
        // No position of an older stream is known in this one.
        return Ok(());
    }
    let text = lost_text(lost);
    let kept_id = EntryId::at(kept, known.epoch);
    let mut after = kept_id.map_or(0, EntryId::number);
    // Any mark after the kept position tells of the loss. Without that position, only one of the same
    // loss does, or one that whatever precedes the loss precedes.
    let is_wanted = |entry: &Stored| {
        let is_after = || kept_id.is_some() || entry.id.position(known.epoch) > lost;
        entry.lost() == Some(text.as_str()) || entry.lost().is_some() && is_after()
    };
    let message = PublishMessage::build()
        .header(STAMP, draw_stamp())
        .header(LOST, text.as_str())
        .message_id(Subjects::mark_id(topic, kept, lost));
    let once = async {
        loop {
            let last = link.get(known, &subject, Wanted::Last).await?;
            let last = last.map_or(0, |last| last.number());
            if has_mark(link, known, &subject, after..last, &is_wanted).await? {
                return Ok(());
            }
            after = after.max(last);
            let next = message.clone().expected_last_subject_sequence(last);
            match append::publish(link, &subject, next).await {
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {}
                appended => return marked(appended, topic, lost),
            }
        }
    };
    // Entries may be appended faster than they are searched. One mark too many is a gap too many.
    match timeout_at(link.page_deadline(), once).await {
        Ok(done) => done,
        Err(_) => marked(append::publish(link, &subject, message).await, topic, lost),
    }
}

fn marked(
    appended: Result<PublishAck, PublishError>,
    topic: &str,
    lost: Position,
) -> Result<(), EngineError> {
    appended.map_err(|error| EngineError::Client(error.into()))?;
    tracing::warn!(topic, ?lost, "loss of entries marked");
    Ok(())
}

/// Whether there is a mark after the first number, and not after the second one.
async fn has_mark(
    link: &Link,
    known: Known,
    subject: &str,
    mut range: Range<u64>,
    is_wanted: &(dyn Fn(&Stored) -> bool + Sync),
) -> Result<bool, EngineError> {
    while !range.is_empty() {
        let (entries, is_end) = page::read(link, known, subject, range.start).await?;
        if entries.iter().any(is_wanted) {
            return Ok(true);
        }
        match entries.last() {
            Some(last) if !is_end => range.start = last.number(),
            _ => break,
        }
    }
    Ok(false)
}
