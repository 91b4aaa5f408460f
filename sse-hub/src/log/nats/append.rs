//! Appending an entry: the stream answers the publish with the number of the entry.

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use bytes::Bytes;

use crate::log::EngineError;
use crate::log::nats::entry_id::{EntryId, draw_stamp};
use crate::log::nats::get::Wanted;
use crate::log::nats::link::{Known, Link};
use crate::log::nats::page;
use crate::log::nats::stored::{FINISHED, STAMP};
use crate::log::nats::subject::Subjects;
use crate::position::Position;

/// An entry to append.
pub(super) struct Call {
    subject: String,
    message: PublishMessage,
    stamp: String,
    len: usize,
    /// What tells it from others, if it has a key.
    message_id: Option<String>,
    /// Whether it ends the topic.
    is_last: bool,
}

impl Call {
    pub(super) fn new(link: &Link, topic: &str, entry: &[u8], key: Option<&str>) -> Self {
        let stamp = draw_stamp();
        let message = PublishMessage::build()
            .header(STAMP, stamp.as_str())
            .payload(Bytes::copy_from_slice(entry));
        let message_id = key.map(|key| Subjects::message_id(topic, key));
        Self {
            subject: link.subjects.log(topic),
            message: match &message_id {
                Some(id) => message.message_id(id),
                None => message,
            },
            stamp,
            len: entry.len(),
            message_id,
            is_last: false,
        }
    }

    /// Has the entry end the topic.
    pub(super) fn last(self) -> Self {
        Self {
            message: self.message.header(FINISHED, ""),
            is_last: true,
            ..self
        }
    }

    /// Returns the message, to be stored as it is, unless another one comes first where that matters.
    async fn message(&self, link: &Link, known: Known) -> Result<PublishMessage, EngineError> {
        let message = self.message.clone();
        let is_finished = if self.is_last {
            match link.last_number(known, &self.subject).await? {
                Some(last) => return Ok(message.expected_last_subject_sequence(last)),
                None => true,
            }
        } else {
            link.is_finished(known, &self.subject).await?
        };
        match is_finished {
            false => Ok(message),
            // An earlier one with the same key is answered nevertheless.
            true if self.message_id.is_some() => Ok(message.expected_last_subject_sequence(0)),
            true => Err(EngineError::Finished),
        }
    }
}

pub(super) async fn append(link: &Link, call: Call) -> Result<Position, EngineError> {
    let mut attempts = link.attempts();
    let mut was_invalidated = false;
    loop {
        link.check_connected()?;
        // Before the publish: if the stream is replaced meanwhile, the position is one of neither.
        let known = link.known().await?;
        let message = match call.message(link, known).await {
            Ok(message) => message,
            Err(EngineError::Finished) => return Err(EngineError::Finished),
            Err(error) if link.retry(&mut attempts, &error).await.is_none() => return Err(error),
            Err(_) => continue,
        };
        let error = match publish(link, &call.subject, message).await {
            // In a cluster, an event may be lost before it was stored, but not its key.
            Ok(answer) if answer.sequence == 0 => return Err(EngineError::KeyWithoutEvent),
            Ok(answer) if answer.duplicate => {
                let id = earlier(link, known, &call.subject, answer.sequence).await?;
                return Ok(id.position(known.epoch));
            }
            Ok(answer) => {
                if call.is_last {
                    link.finished.note(known.session, &call.subject, true);
                }
                let id = EntryId::of(answer.sequence, Some(&call.stamp));
                return Ok(id.position(known.epoch));
            }
            // Another one came before the end, or the topic is finished.
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                if link.last_number(known, &call.subject).await?.is_some() {
                    continue;
                }
                let earlier = earlier_with_id(link, known, &call).await?;
                let earlier = earlier.ok_or(EngineError::Finished)?;
                return Ok(earlier.position(known.epoch));
            }
            Err(error) => error,
        };
        let is_stream_missing = error.kind() == PublishErrorKind::StreamNotFound;
        let error = match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => {
                return Err(EngineError::TooLong {
                    len: call.len,
                    limit: link.client.max_payload(),
                });
            }
            _ => EngineError::Client(error.into()),
        };
        // Either there is no stream, which is created then, or it has no leader.
        if is_stream_missing && !was_invalidated {
            was_invalidated = true;
            link.invalidate(known.session);
        }
        // Nothing has stored it.
        if link.retry(&mut attempts, &error).await.is_none() {
            return Err(error);
        }
    }
}

/// Returns the entry of a topic that was published with the same key. Newer servers (2.15.1) look at the expected number
/// before they look whether a message is repeated, so that they do not answer with the earlier one.
async fn earlier_with_id(
    link: &Link,
    known: Known,
    call: &Call,
) -> Result<Option<EntryId>, EngineError> {
    let Some(id) = &call.message_id else {
        return Ok(None);
    };
    let mut after = 0;
    loop {
        let read = page::read(link, known, &call.subject, after).await?;
        let mut entries = read.entries.iter();
        if let Some(earlier) = entries.find(|entry| entry.has_message_id(id)) {
            return Ok(Some(earlier.id));
        }
        match read.entries.last() {
            Some(last) if !read.is_end => after = last.number(),
            _ => return Ok(None),
        }
    }
}

/// Publishes a message to the stream, and waits for its answer.
pub(super) async fn publish(
    link: &Link,
    subject: &str,
    message: PublishMessage,
) -> Result<PublishAck, PublishError> {
    let sent = link.jetstream.send_publish(subject.to_owned(), message);
    sent.await?.await
}

/// Returns the entry that has the same key: the answer has its number, but not its stamp.
async fn earlier(
    link: &Link,
    known: Known,
    subject: &str,
    number: u64,
) -> Result<EntryId, EngineError> {
    let stored = link.get(known, subject, Wanted::From(number)).await?;
    let stored = stored.filter(|stored| stored.number() == number);
    Ok(stored.map_or(EntryId::unstamped(number), |stored| stored.id))
}
