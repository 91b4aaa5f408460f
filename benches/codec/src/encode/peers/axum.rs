//! axum: `Event` encodes while it is built; its bytes come out of the response's body.

use std::convert::Infallible;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::response::IntoResponse as _;
use axum::response::sse::{Event, Sse};
use futures_util::stream;
use http_body::Body as _;

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::Output;

/// Builds the event, which writes everything but its blank line: less than any server does, but all
/// of it is axum's work.
pub(super) struct EventOnly;

impl Encode for EventOnly {
    const NAME: &'static str = "axum, Event only";
    const REMARK: &'static str =
        "the event is built, without its blank line, and dropped; its bytes are not accessible";

    fn new() -> Self {
        Self
    }

    fn text(&mut self, text: &'static str, _: &mut impl Output) {
        drop(black_box(Event::default().data(text)));
    }

    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        _: &mut impl Output,
    ) {
        drop(black_box(Event::default().event(event).id(id).data(data)));
    }

    fn json(&mut self, value: &'static Chunk, _: &mut impl Output) {
        drop(black_box(Event::default().json_data(value).expect("JSON")));
    }
}

/// The body of a response whose stream is always ready, a frame for each event.
pub(super) struct Body(Option<axum::body::Body>);

impl Body {
    fn next_frame(&mut self, build: impl Fn() -> Event + Send + 'static, out: &mut impl Output) {
        let body = self.0.get_or_insert_with(|| {
            let events = stream::repeat_with(move || Ok::<_, Infallible>(build()));
            Sse::new(events).into_response().into_body()
        });
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(Some(Ok(frame))) = Pin::new(body).poll_frame(&mut context)
            && let Ok(bytes) = frame.into_data()
        {
            out.bytes(&bytes);
        }
    }
}

impl Encode for Body {
    const NAME: &'static str = "axum, body";
    const REMARK: &'static str = "frames out of the response's body";

    fn new() -> Self {
        Self(None)
    }

    fn text(&mut self, text: &'static str, out: &mut impl Output) {
        self.next_frame(move || Event::default().data(text), out);
    }

    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    ) {
        self.next_frame(move || Event::default().event(event).id(id).data(data), out);
    }

    fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
        self.next_frame(
            move || Event::default().json_data(value).expect("JSON"),
            out,
        );
    }
}
