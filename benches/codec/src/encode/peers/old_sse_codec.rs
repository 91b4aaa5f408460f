//! sse-codec 0.3: the package of our name that was on crates.io before, a codec of
//! `futures_codec`.

use futures_codec::{BytesMut, Encoder as _};
use old_sse_codec::{Event, SSECodec};

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::Output;

pub(super) struct Peer(SSECodec, BytesMut);

impl Peer {
    fn encode(&mut self, event: Event, out: &mut impl Output) {
        let Self(codec, buffer) = self;
        codec.encode(event, buffer).expect("a valid event");
        out.bytes(buffer);
        buffer.clear();
    }
}

impl Encode for Peer {
    const NAME: &'static str = "sse-codec 0.3";

    fn new() -> Self {
        Self(SSECodec::default(), BytesMut::with_capacity(256 << 10))
    }

    fn text(&mut self, text: &'static str, out: &mut impl Output) {
        self.encode(Event::message("message", text, None), out);
    }

    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    ) {
        self.encode(Event::message(event, data, id), out);
    }

    fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
        let json = serde_json::to_string(value).expect("JSON");
        self.encode(Event::message("message", &json, None), out);
    }
}
