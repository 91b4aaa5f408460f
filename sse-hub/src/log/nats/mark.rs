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
use crate::log::nats::stored::{FINISHED, LOST, STAMP, Stored, lost_text};
use crate::log::nats::subject::Subjects;
use crate::position::Position;

/// Appends a mark, unless the topic has one of the loss. Returns its position.
pub(super) async fn mark_loss(
    link: &Link,
    topic: &str,
    kept: Position,
    lost: Position,
) -> Result<Option<Position>, EngineError> {
    let subject = link.subjects.log(topic);
    let known = link.known().await?;
    if EntryId::at(lost, known.epoch).is_none() {
        // No position of an older stream is known in this one.
        return Ok(None);
    }
    let kept = EntryId::at(kept, known.epoch);
    let mark = Mark {
        link,
        known,
        subject: &subject,
        is_kept_known: kept.is_some(),
        lost,
        text: lost_text(lost),
        stamp: draw_stamp(),
    };
    let id = Subjects::mark_id(topic, position_of(kept, known), lost);
    // Entries may be appended faster than they are searched. One mark too many is a gap too many.
    let searched = mark.append_unless_found(kept.map_or(0, EntryId::number), &id);
    let position = match timeout_at(link.page_deadline(), searched).await {
        Ok(marked) => marked?,
        Err(_) => mark.append(mark.message()).await?,
    };
    Ok(Some(position))
}

fn position_of(kept: Option<EntryId>, known: Known) -> Position {
    kept.map_or(Position::OLDEST, |kept| kept.position(known.epoch))
}

/// A mark that is to be appended.
struct Mark<'a> {
    link: &'a Link,
    known: Known,
    subject: &'a str,
    is_kept_known: bool,
    lost: Position,
    /// What was lost, as a header.
    text: String,
    stamp: String,
}

impl Mark<'_> {
    /// Whether an entry after the kept one, if that is known, is a mark that tells of the loss. Without the
    /// kept one, only a mark of the same loss does, or one that whatever precedes the loss precedes.
    fn is_told_by(&self, entry: &Stored) -> bool {
        let is_after = || self.is_kept_known || self.position(entry) > self.lost;
        entry
            .lost()
            .is_some_and(|lost| lost == self.text || is_after())
    }

    fn position(&self, entry: &Stored) -> Position {
        entry.id.position(self.known.epoch)
    }

    /// Appends the mark, unless there is one that tells of the loss. Returns its position.
    async fn append_unless_found(&self, mut after: u64, id: &str) -> Result<Position, EngineError> {
        let mut message = self.message().message_id(id);
        loop {
            let last = self
                .link
                .get(self.known, self.subject, Wanted::Last)
                .await?;
            // What follows the end shows that the topic is finished.
            let is_finished = last.as_ref().is_some_and(Stored::is_finished);
            let last = last.map_or(0, |last| last.number());
            if let Some(found) = self.find(after..last).await? {
                return Ok(found);
            }
            after = after.max(last);
            let mut next = message.clone().expected_last_subject_sequence(last);
            if is_finished {
                next = next.header(FINISHED, "");
            }
            match append::publish(self.link, self.subject, next).await {
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {}
                Ok(answer) if answer.duplicate => {
                    // The one with the same id may have been lost, with a leader of a cluster.
                    match self.find_at(answer.sequence).await? {
                        Some(found) => return Ok(found),
                        None => message = self.message(),
                    }
                }
                appended => return self.appended(appended),
            }
        }
    }

    fn message(&self) -> PublishMessage {
        PublishMessage::build()
            .header(STAMP, self.stamp.as_str())
            .header(LOST, self.text.as_str())
    }

    async fn append(&self, message: PublishMessage) -> Result<Position, EngineError> {
        self.appended(append::publish(self.link, self.subject, message).await)
    }

    fn appended(
        &self,
        appended: Result<PublishAck, PublishError>,
    ) -> Result<Position, EngineError> {
        let answer = appended.map_err(|error| EngineError::Client(error.into()))?;
        let id = EntryId::of(answer.sequence, Some(&self.stamp));
        Ok(id.position(self.known.epoch))
    }

    /// Returns the mark that tells of the loss, after the first number, and not after the second one.
    async fn find(&self, mut range: Range<u64>) -> Result<Option<Position>, EngineError> {
        while !range.is_empty() {
            let page = page::read(self.link, self.known, self.subject, range.start).await?;
            if let Some(found) = page.entries.iter().find(|entry| self.is_told_by(entry)) {
                return Ok(Some(self.position(found)));
            }
            match page.entries.last() {
                Some(last) if !page.is_end => range.start = last.number(),
                _ => break,
            }
        }
        Ok(None)
    }

    /// Returns the entry with a number if it is a mark that tells of the loss.
    async fn find_at(&self, number: u64) -> Result<Option<Position>, EngineError> {
        let wanted = Wanted::From(number);
        let found = self.link.get(self.known, self.subject, wanted).await?;
        let found = found.filter(|it| it.number() == number && self.is_told_by(it));
        Ok(found.map(|found| self.position(&found)))
    }
}
