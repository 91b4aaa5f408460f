//! An entry as the stream has it: a payload, and what the headers say of it.

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;

use crate::log::Entry;
use crate::log::nats::entry_id::EntryId;
use crate::position::Position;

/// The header with an entry's stamp.
pub(super) const STAMP: HeaderName = HeaderName::from_static("Sse-Stamp");

/// The header of the mark of a loss: the newest position that is known to be lost.
pub(super) const LOST: HeaderName = HeaderName::from_static("Sse-Lost");

/// The header of the event that ends a topic, and of a mark that follows it.
pub(super) const FINISHED: HeaderName = HeaderName::from_static("Sse-Finished");

/// An entry of a topic.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: EntryId,
    payload: Bytes,
    /// What was lost, if it is a mark.
    lost: Option<String>,
    is_finished: bool,
    /// What tells repeated messages, if it was published with a key.
    message_id: Option<String>,
}

impl Stored {
    pub(super) fn new(number: u64, headers: Option<&HeaderMap>, payload: Bytes) -> Self {
        let header = |name| headers.and_then(|all| all.get(name));
        Self {
            id: EntryId::of(number, header(STAMP).map(HeaderValue::as_str)),
            lost: header(LOST).map(|lost| lost.as_str().to_owned()),
            is_finished: header(FINISHED).is_some(),
            message_id: header(NATS_MESSAGE_ID).map(|id| id.as_str().to_owned()),
            payload,
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.id.number()
    }

    pub(super) fn len(&self) -> usize {
        self.payload.len()
    }

    /// Returns what was lost, if it is the mark of a loss.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    pub(super) fn has_message_id(&self, id: &str) -> bool {
        self.message_id.as_deref() == Some(id)
    }

    /// Whether nothing follows it: it is the event that ends the topic, or comes after that.
    pub(super) fn is_finished(&self) -> bool {
        self.is_finished
    }

    pub(super) fn into_entry(self) -> Entry {
        if self.lost.is_some() {
            Entry::Loss
        } else if self.is_finished {
            Entry::Last(self.payload)
        } else {
            Entry::Event(self.payload)
        }
    }
}

/// Returns a lost position as the header has it.
pub(super) fn lost_text(lost: Position) -> String {
    format!("{:x}.{:x}", lost.major(), lost.minor())
}

/// Returns the number in a header of the server: the last one, in case the publisher has set the
/// same header.
pub(super) fn number_in(headers: &HeaderMap, name: HeaderName) -> Option<u64> {
    headers.get_last(name)?.as_str().parse().ok()
}
