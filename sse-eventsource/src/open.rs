//! An open stream: a response body, read as events.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http_body::Body as _;
use sse_codec::{Decoder, Item};
use tokio::time::Instant;

use crate::error::Error;
use crate::idle::Idle;
use crate::transport::Body;
use crate::update::Update;

pub(crate) struct Open {
    body: Body,
    /// What was not decoded yet of the piece that came last. No further one is read before.
    chunk: Bytes,
    idle: Option<Idle>,
    since: Instant,
}

impl Open {
    pub(crate) fn new(body: Body, idle: Option<Idle>) -> Self {
        Self {
            body,
            chunk: Bytes::new(),
            idle,
            since: Instant::now(),
        }
    }

    /// Since when the stream is open.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// The next thing that the stream says, or `None` at its end.
    pub(crate) fn poll_next(
        &mut self,
        decoder: &mut Decoder,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Update, Error>>> {
        loop {
            if !self.chunk.is_empty() {
                let mut items = decoder.feed(&self.chunk);
                let update = items.next().map(|item| item.and_then(to_update));
                let read = self.chunk.len() - items.remainder().len();
                match update {
                    Ok(Some(update)) => {
                        self.chunk.advance(read);
                        self.let_go();
                        return Poll::Ready(Some(Ok(update)));
                    }
                    Ok(None) => {
                        self.chunk.clear();
                        self.let_go();
                    }
                    Err(error) => return Poll::Ready(Some(Err(Error::Decode(error)))),
                }
            }
            match ready!(self.poll_frame(cx)) {
                Some(Ok(frame)) => self.chunk = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Drops the piece once it is empty. It would hold on to the buffer of the HTTP stack, which
    /// then has to make another one for the next piece.
    fn let_go(&mut self) {
        if self.chunk.is_empty() {
            self.chunk = Bytes::new();
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Error>>> {
        // What has come is looked at before the time is.
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            if let Some(idle) = &mut self.idle {
                idle.end_wait();
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::Body)));
        }
        match &mut self.idle {
            Some(idle) => idle
                .poll_timeout(cx)
                .map(|time| Some(Err(Error::IdleTimeout(time)))),
            None => Poll::Pending,
        }
    }
}

/// What is reported of an item. Kinds that the decoder may have one day are passed over.
fn to_update(item: Item<'_>) -> Option<Update> {
    match item {
        Item::Event(event) => Some(Update::Event(event.into_owned())),
        Item::Comment(text) => Some(Update::Comment(text.to_owned())),
        Item::Retry(time) => Some(Update::Retry(time)),
        _ => None,
    }
}
