//! actix-web-lab: its bytes come out of the response's body.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web_lab::sse::{Data, Event, Sse};
use futures_util::stream;

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::Output;

/// The body of a response whose stream is always ready.
pub(super) struct Peer(Option<BoxBody>);

impl Peer {
    fn next_bytes(&mut self, build: impl Fn() -> Data + 'static, out: &mut impl Output) {
        let body = self.0.get_or_insert_with(|| {
            let events = stream::repeat_with(move || Ok::<_, Infallible>(Event::Data(build())));
            Sse::from_stream(events).boxed()
        });
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(Some(Ok(bytes))) = Pin::new(body).poll_next(&mut context) {
            out.bytes(&bytes);
        }
    }
}

impl Encode for Peer {
    const NAME: &'static str = "actix-web-lab";
    const REMARK: &'static str =
        "bytes out of the response's body; static strings, so that it need not copy its input";

    fn new() -> Self {
        Self(None)
    }

    fn text(&mut self, text: &'static str, out: &mut impl Output) {
        self.next_bytes(move || Data::new(text), out);
    }

    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    ) {
        self.next_bytes(move || Data::new(data).event(event).id(id), out);
    }

    fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
        self.next_bytes(move || Data::new_json(value).expect("JSON"), out);
    }
}
