//! Many entries by one request, which servers from 2.11 on answer with all of them.

use async_nats::header::{NATS_LAST_SEQUENCE, NATS_SEQUENCE};
use async_nats::{Client, HeaderMap, HeaderName, Message, StatusCode};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::log::EngineError;
use crate::log::nats::stored::{Stored, number_in};

/// How many entries follow the one that has this header, or the end of the batch. Servers that know
/// no batches do not send it.
const NUM_PENDING: HeaderName = HeaderName::from_static("Nats-Num-Pending");

/// The status of the message that ends a batch.
const END_OF_BATCH: u16 = 204;

/// The entries of a topic that follow a number.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) entries: Vec<Stored>,
    pub(super) end: End,
}

/// Why there are no more entries in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The topic has no more.
    OfTopic,
    /// The topic may have more.
    OfBatch,
    /// The server knows no batches: the further ones must be requested one by one.
    OneByOne,
}

impl Batch {
    /// The batch that was not requested.
    pub(super) const fn none() -> Self {
        Self {
            entries: Vec::new(),
            end: End::OneByOne,
        }
    }
}

/// Requests a batch, of which nothing is taken if the answer is not from the stream itself. At the deadline, it ends with what has arrived; if that is nothing, this goes on
/// waiting.
pub(super) async fn request(
    client: &Client,
    api: String,
    request: Value,
    deadline: Instant,
    is_own: impl Fn(&HeaderMap) -> bool + Send,
) -> Result<Batch, EngineError> {
    let inbox = client.new_inbox();
    // Dropping it ends the subscription, also if this future is dropped.
    let mut answers = client
        .subscribe(inbox.clone())
        .await
        .map_err(|error| EngineError::Client(error.into()))?;
    client
        .publish_with_reply(api, inbox, request.to_string().into())
        .await
        .map_err(|error| EngineError::Client(error.into()))?;
    let mut entries: Vec<Stored> = Vec::new();
    loop {
        let answer = if entries.is_empty() {
            answers.next().await
        } else if let Ok(answer) = timeout_at(deadline, answers.next()).await {
            answer
        } else {
            return Ok(Batch {
                entries,
                end: End::OfBatch,
            });
        };
        let answer = answer.ok_or(EngineError::Unavailable)?;
        if answer
            .headers
            .as_ref()
            .is_some_and(|headers| !is_own(headers))
        {
            return Ok(Batch::none());
        }
        match answer_of(answer, entries.last().map_or(0, Stored::number))? {
            Answer::Entry(entry) => entries.push(entry),
            Answer::OnlyEntry(entry) => {
                entries.push(entry);
                return Ok(Batch {
                    entries,
                    end: End::OneByOne,
                });
            }
            // It would be taken for the end of the topic.
            Answer::End(End::OfBatch) if entries.is_empty() => {
                return Err(EngineError::InvalidAnswer("an entry in a batch"));
            }
            Answer::End(end) => return Ok(Batch { entries, end }),
        }
    }
}

/// One message of an answer.
enum Answer {
    Entry(Stored),
    /// The only one, from a server that knows no batches.
    OnlyEntry(Stored),
    End(End),
}

/// Returns what a message means that came after the entry with the number `last`.
fn answer_of(message: Message, last: u64) -> Result<Answer, EngineError> {
    let number = |name| {
        message
            .headers
            .as_ref()
            .and_then(|all| number_in(all, name))
    };
    let pending = number(NUM_PENDING);
    // The client drops what it has no room for.
    let is_next = number(NATS_LAST_SEQUENCE) == Some(last);
    match message.status {
        None => {}
        Some(StatusCode::NOT_FOUND) => return Ok(Answer::End(End::OfTopic)),
        Some(status) if status.as_u16() == END_OF_BATCH => {
            let is_end_of_topic = is_next && pending == Some(0);
            return Ok(Answer::End(if is_end_of_topic {
                End::OfTopic
            } else {
                End::OfBatch
            }));
        }
        Some(status) => {
            let description = message.description.as_deref().unwrap_or_default();
            return Err(EngineError::Refused(format!("{status} {description}")));
        }
    }
    let sequence = number(NATS_SEQUENCE).ok_or(EngineError::InvalidAnswer("a sequence"))?;
    let entry = Stored::new(sequence, message.headers.as_ref(), message.payload);
    Ok(match pending {
        None => Answer::OnlyEntry(entry),
        Some(_) if is_next => Answer::Entry(entry),
        Some(_) => Answer::End(End::OfBatch),
    })
}
