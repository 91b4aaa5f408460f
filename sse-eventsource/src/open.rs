//! An open stream: a response body, decoded into updates.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http_body::Body as _;
use sse_codec::{Decoder, Item};
use tokio::time::Instant;

use crate::error::ErrorKind;
use crate::idle_timer::IdleTimer;
use crate::settings::Settings;
use crate::transport::Body;
use crate::update::Update;

pub(crate) struct Open {
    /// `None` after the end, an error or the idle timeout: it is never polled again, and its
    /// connection is closed.
    body: Option<Body>,
    /// The rest of the last chunk. No further chunk is read before this one is decoded.
    chunk: Bytes,
    timers: Timers,
    since: Instant,
}

/// What limits the silence of an open stream.
#[derive(Default)]
pub(crate) struct Timers {
    /// Since the last data, comments included.
    idle: Option<IdleTimer>,
    /// Since the last event.
    event: Option<IdleTimer>,
}

impl Timers {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            idle: settings.idle_timeout.map(IdleTimer::new),
            event: settings.event_timeout.map(IdleTimer::new),
        }
    }

    /// Returns the error of a stream without an event for too long.
    fn poll_event_timeout(&mut self, cx: &mut Context<'_>) -> Option<Box<ErrorKind>> {
        match self.event.as_mut()?.poll_timeout(cx) {
            Poll::Ready(time) => Some(Box::new(ErrorKind::EventTimeout(time))),
            Poll::Pending => None,
        }
    }
}

impl Open {
    pub(crate) fn new(body: Body, timers: Timers) -> Self {
        Self {
            body: Some(body),
            chunk: Bytes::new(),
            timers,
            since: Instant::now(),
        }
    }

    /// Returns when the stream was opened.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// Polls for the next update, `None` at the end of the stream.
    ///
    /// After an error it yields `None`, as after the end. The error is boxed, so that the result is
    /// not larger than an update, and can be passed on as it is.
    pub(crate) fn poll_next(
        &mut self,
        decoder: &mut Decoder,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Update, Box<ErrorKind>>>> {
        let polled = self.poll_body(decoder, cx);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.body = None;
            self.chunk = Bytes::new();
        }
        polled
    }

    fn poll_body(
        &mut self,
        decoder: &mut Decoder,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Update, Box<ErrorKind>>>> {
        loop {
            if !self.chunk.is_empty() {
                let mut items = decoder.feed(&self.chunk);
                // Each update is built where it is returned, as moving it from one enum to another
                // takes longer than decoding it.
                let update = match items.next() {
                    Ok(Some(Item::Event(event))) => {
                        if let Some(timer) = &mut self.timers.event {
                            timer.end_wait();
                        }
                        Update::Event(event.into_owned())
                    }
                    Ok(Some(Item::Comment(text))) => {
                        if let Some(error) = self.timers.poll_event_timeout(cx) {
                            return Poll::Ready(Some(Err(error)));
                        }
                        Update::Comment(text.to_owned())
                    }
                    Ok(Some(Item::Retry(time))) => Update::Retry(time),
                    // Kinds that the decoder may add are skipped.
                    Ok(Some(_)) => {
                        let read = self.chunk.len() - items.remainder().len();
                        self.chunk.advance(read);
                        continue;
                    }
                    Ok(None) => {
                        self.chunk = Bytes::new();
                        // Here too, as a server may send comments so fast that the body is never
                        // found waiting.
                        if let Some(error) = self.timers.poll_event_timeout(cx) {
                            return Poll::Ready(Some(Err(error)));
                        }
                        continue;
                    }
                    Err(error) => {
                        return Poll::Ready(Some(Err(Box::new(ErrorKind::Decode(error)))));
                    }
                };
                let read = self.chunk.len() - items.remainder().len();
                self.chunk.advance(read);
                self.release_chunk();
                return Poll::Ready(Some(Ok(update)));
            }
            match ready!(self.poll_frame(cx)) {
                Some(Ok(frame)) => self.chunk = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Drops the chunk once it is empty. It shares the buffer of the HTTP stack, which would have
    /// to allocate another one for the next chunk.
    fn release_chunk(&mut self) {
        if self.chunk.is_empty() {
            self.chunk = Bytes::new();
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Box<ErrorKind>>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        // Data that has arrived takes precedence over the timeout.
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            if let Some(timer) = &mut self.timers.idle {
                timer.end_wait();
            }
            return Poll::Ready(
                frame.map(|frame| frame.map_err(|error| Box::new(ErrorKind::Body(error)))),
            );
        }
        if let Some(timer) = &mut self.timers.idle
            && let Poll::Ready(time) = timer.poll_timeout(cx)
        {
            return Poll::Ready(Some(Err(Box::new(ErrorKind::IdleTimeout(time)))));
        }
        match self.timers.poll_event_timeout(cx) {
            Some(error) => Poll::Ready(Some(Err(error))),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;
    use crate::boxed::BoxError;

    /// A body of these frames, which panics if it is polled after its end or its error.
    struct Strict(Vec<Result<&'static str, io::ErrorKind>>, bool);

    impl futures_core::Stream for Strict {
        type Item = Result<http_body::Frame<Bytes>, BoxError>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            assert!(!self.1, "polled after the end");
            let next = (!self.0.is_empty()).then(|| self.0.remove(0));
            self.1 = !matches!(next, Some(Ok(_)));
            Poll::Ready(next.map(|next| match next {
                Ok(text) => Ok(http_body::Frame::data(Bytes::from_static(text.as_bytes()))),
                Err(kind) => Err(io::Error::from(kind).into()),
            }))
        }
    }

    #[test]
    fn after_the_end_or_an_error_there_is_nothing_however_often_it_is_polled() {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let reset = io::ErrorKind::ConnectionReset;
        for (frames, fails) in [
            (vec![Ok("data: a\n\n")], false),
            (vec![Ok("data: a\n\n"), Err(reset)], true),
            (vec![Ok("data: a\n\ndata: too long\n\n")], true),
        ] {
            let body = StreamBody::new(Strict(frames, false)).boxed_unsync();
            let mut open = Open::new(body, Timers::default());
            let mut decoder = Decoder::new().max_line_len(10);
            let mut poll = || open.poll_next(&mut decoder, &mut cx);
            assert!(matches!(poll(), Poll::Ready(Some(Ok(Update::Event(_))))));
            if fails {
                assert!(matches!(poll(), Poll::Ready(Some(Err(_)))));
            }
            for _ in 0..3 {
                assert!(matches!(poll(), Poll::Ready(None)));
            }
        }
    }
}
