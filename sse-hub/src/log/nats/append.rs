//! Appending an entry: a publish to the stream that is answered with its number.

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;

use crate::log::LogError;
use crate::log::nats::error::NatsError;
use crate::log::nats::link::Link;
use crate::log::nats::subject::Subjects;
use crate::position::Position;

/// An entry on its way.
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

pub(super) async fn append(link: &Link, call: Call) -> Result<Position, LogError> {
    let mut may_retry = true;
    loop {
        link.check_connected()?;
        // Before: should the stream be another one meanwhile, the position is one of neither.
        let known = link.known().await?;
        let subject = call.subject.clone();
        let sent = link.jetstream.send_publish(subject, call.message.clone());
        let answer = match sent.await {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        let error = match answer {
            // In a cluster, a key may be known of an event that got lost before it was stored.
            Ok(answer) if answer.sequence == 0 => {
                let why = "the key is known, but not its event".to_owned();
                return Err(NatsError::Refused(why).into());
            }
            Ok(answer) => return Ok(Position::new(known.epoch, answer.sequence)),
            Err(error) => error,
        };
        match error.kind() {
            // Nobody has taken it.
            PublishErrorKind::StreamNotFound if may_retry => {
                may_retry = false;
                link.doubt(known.session);
            }
            PublishErrorKind::MaxPayloadExceeded => {
                return Err(LogError::TooLong {
                    len: call.len,
                    limit: link.client.max_payload(),
                });
            }
            _ => return Err(NatsError::Client(error.into()).into()),
        }
    }
}
