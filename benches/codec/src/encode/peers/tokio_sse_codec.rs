//! `tokio_sse_codec`: a codec of tokio-util.

use std::borrow::Cow;

use bytes::BytesMut;
use tokio_sse_codec::{Event, Frame, SseEncoder};
use tokio_util::codec::Encoder as _;

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::{Buffer, Output};

pub(super) struct Peer(SseEncoder, Buffer<BytesMut>);

impl Peer {
    fn encode(
        &mut self,
        name: &'static str,
        id: Option<&'static str>,
        data: impl AsRef<[u8]>,
        out: &mut impl Output,
    ) {
        let Self(encoder, buffer) = self;
        let event = Event {
            id: id.map(Cow::Borrowed),
            name: Cow::Borrowed(name),
            data,
        };
        buffer.append(out, |buffer| {
            encoder
                .encode(Frame::Event(event), buffer)
                .expect("a valid event");
        });
    }
}

impl Encode for Peer {
    const NAME: &'static str = "tokio_sse_codec";
    const REMARK: &'static str = "always writes a name; splits data at LF only";

    fn new() -> Self {
        Self(SseEncoder::new(), Buffer::new())
    }

    fn text(&mut self, text: &'static str, out: &mut impl Output) {
        self.encode("message", None, text, out);
    }

    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    ) {
        self.encode(event, Some(id), data, out);
    }

    fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
        let json = serde_json::to_string(value).expect("JSON");
        self.encode("message", None, json, out);
    }

    fn finish(&mut self, out: &mut impl Output) {
        self.1.send(out);
    }
}
