//! Appending an entry: the stream answers the publish with the number of the entry.

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;

use crate::log::EngineError;
use crate::log::nats::link::Link;
use crate::log::nats::subject::Subjects;
use crate::position::Position;

/// An entry to append.
pub(super) struct Call {
    subject: String,
    message: PublishMessage,
    len: usize,
}

impl Call {
    pub(super) fn new(link: &Link, topic: &str, entry: &[u8], key: Option<&str>) -> Self {
        let message = PublishMessage::build().payload(Bytes::copy_from_slice(entry));
        Self {
            subject: link.subjects.log(topic),
            message: match key {
                Some(key) => message.message_id(Subjects::message_id(topic, key)),
                None => message,
            },
            len: entry.len(),
        }
    }
}

pub(super) async fn append(link: &Link, call: Call) -> Result<Position, EngineError> {
    let mut may_retry = true;
    loop {
        link.check_connected()?;
        // Before the publish: if the stream is replaced meanwhile, the position is one of neither.
        let known = link.known().await?;
        let subject = call.subject.clone();
        let sent = link.jetstream.send_publish(subject, call.message.clone());
        let answer = match sent.await {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        let error = match answer {
            // In a cluster, an event may be lost before it was stored, but not its key.
            Ok(answer) if answer.sequence == 0 => return Err(EngineError::KeyWithoutEvent),
            Ok(answer) => return Ok(Position::new(known.epoch, answer.sequence)),
            Err(error) => error,
        };
        match error.kind() {
            // Nothing has stored it.
            PublishErrorKind::StreamNotFound if may_retry => {
                may_retry = false;
                link.invalidate(known.session);
            }
            PublishErrorKind::MaxPayloadExceeded => {
                return Err(EngineError::TooLong {
                    len: call.len,
                    limit: link.client.max_payload(),
                });
            }
            _ => return Err(EngineError::Client(error.into())),
        }
    }
}
