//! Requesting entries from the stream: one, or many at once.

use std::sync::atomic::Ordering;

use async_nats::header::NATS_STREAM;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{DirectGetErrorKind, LastRawMessageErrorKind};
use async_nats::{HeaderMap, HeaderValue};
use serde_json::json;
use tokio::time::Instant;

use crate::log::EngineError;
use crate::log::nats::batch::{self, Batch};
use crate::log::nats::link::{Known, Link};
use crate::log::nats::stored::Stored;

/// A page that is one batch is full with so many entries.
const PAGE_ENTRIES: usize = 512;
/// A page is full with so many bytes.
pub(super) const PAGE_BYTES: usize = 256 * 1024;

/// Which entry of a topic is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    Last,
    /// The one with this number, or the next one after it.
    From(u64),
    /// The one with this number, whatever its topic.
    Number(u64),
}

impl Link {
    /// Requests an entry of a topic; `None` if there is none.
    pub(super) async fn get(
        &self,
        known: Known,
        subject: &str,
        wanted: Wanted,
    ) -> Result<Option<Stored>, EngineError> {
        self.check_connected()?;
        if let Wanted::Number(0) = wanted {
            // The server takes that for no request.
            return Ok(None);
        }
        let entry = if self.asks_leader(known) {
            self.get_from_leader(subject, wanted).await
        } else {
            match self.get_directly(subject, wanted).await {
                Ok(Some(message)) if self.is_own(&message.headers) => Ok(Some(stored(message))),
                Ok(Some(_)) => self.get_from_leader(subject, wanted).await,
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.check_failure(known, entry).await
    }

    /// Returns whether a topic is finished, as of the last second.
    pub(super) async fn is_finished(
        &self,
        known: Known,
        subject: &str,
    ) -> Result<bool, EngineError> {
        match self.finished.get(known.session, subject) {
            Some(is_finished) => Ok(is_finished),
            None => Ok(self.last_number(known, subject).await?.is_none()),
        }
    }

    /// Returns the number of the last entry of a topic, or 0 if it has none; `None` if the topic is finished.
    pub(super) async fn last_number(
        &self,
        known: Known,
        subject: &str,
    ) -> Result<Option<u64>, EngineError> {
        let last = self.get(known, subject, Wanted::Last).await?;
        let is_finished = last.as_ref().is_some_and(Stored::is_finished);
        self.finished.note(known.session, subject, is_finished);
        Ok((!is_finished).then(|| last.map_or(0, |last| last.number())))
    }

    /// Whether the leader of the stream alone is asked: others that answer may lag behind it.
    fn asks_leader(&self, known: Known) -> bool {
        known.has_replicas || self.has_mirror.load(Ordering::Relaxed)
    }

    /// Whether the stream itself has answered, with these headers. The server lets the mirrors of a stream in the same
    /// account answer in its place.
    pub(super) fn is_own(&self, headers: &HeaderMap) -> bool {
        let stream = headers.get_last(NATS_STREAM).map(HeaderValue::as_str);
        let is_own = stream.is_none_or(|stream| stream == self.options.stream);
        if !is_own && !self.has_mirror.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                stream = self.options.stream,
                mirror = stream,
                "mirror answers in place of the stream, so all is read from its leader from now on"
            );
        }
        is_own
    }

    /// Requests entries of a topic from a number on, as many as a page may have, with one request if
    /// that can be done.
    pub(super) async fn get_page(
        &self,
        known: Known,
        subject: &str,
        from: u64,
    ) -> Result<Batch, EngineError> {
        self.check_connected()?;
        // Each of its messages waits for this task like a live one, and one more ends it.
        let room = self.options.live_capacity.saturating_sub(1);
        let size = PAGE_ENTRIES.min(room);
        if self.asks_leader(known) || size == 0 {
            return Ok(Batch::none());
        }
        let request = json!({
            "seq": from,
            "next_by_subj": subject,
            "batch": size,
            "max_bytes": PAGE_BYTES,
        });
        let api = format!("$JS.API.DIRECT.GET.{}", self.options.stream);
        let is_own = |headers: &HeaderMap| self.is_own(headers);
        let batch = batch::request(&self.client, api, request, self.page_deadline(), is_own).await;
        self.check_failure(known, batch).await
    }

    /// Returns when a page is to be complete: if answers take long, it is short.
    pub(super) fn page_deadline(&self) -> Instant {
        Instant::now() + self.options.answer_within / 2
    }

    /// Invalidates what is known of the stream if a failed request shows that it is another one.
    async fn check_failure<T>(
        &self,
        known: Known,
        answer: Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        // A stream that does not exist does not answer. An invalidation without this request would
        // burden a server that is merely slow.
        if answer.is_err()
            && let Ok(info) = self.info(None).await
            && info.is_none_or(|info| info.epoch != known.epoch)
        {
            self.invalidate(known.session);
        }
        answer
    }

    async fn get_directly(
        &self,
        subject: &str,
        wanted: Wanted,
    ) -> Result<Option<StreamMessage>, EngineError> {
        let message = match wanted {
            Wanted::Last => self.stream.direct_get_last_for_subject(subject).await,
            Wanted::From(from) => {
                let from = Some(from);
                self.stream.direct_get_next_for_subject(subject, from).await
            }
            Wanted::Number(number) => self.stream.direct_get(number).await,
        };
        match message {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(EngineError::Client(error.into())),
        }
    }

    /// As above, by requests that the leader of the stream always answers itself.
    async fn get_from_leader(
        &self,
        subject: &str,
        wanted: Wanted,
    ) -> Result<Option<Stored>, EngineError> {
        let builder = self.stream.raw_message_builder();
        let builder = match wanted {
            Wanted::Last => builder.last_by_subject(subject),
            Wanted::From(from) => builder.sequence(from).next_by_subject(subject),
            Wanted::Number(number) => builder.sequence(number),
        };
        match builder.send().await {
            Ok(message) => Ok(Some(stored(message))),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(EngineError::Client(error.into())),
        }
    }
}

fn stored(message: StreamMessage) -> Stored {
    Stored::new(message.sequence, Some(&message.headers), message.payload)
}
