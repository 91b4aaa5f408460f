//! sse-stream: an event becomes `Bytes` for the body.

use sse_stream::Sse;

use super::encode::Encode;
use crate::encode::cases::Chunk;
use crate::encode::output::Output;

pub(super) struct Peer;

impl Encode for Peer {
    const NAME: &'static str = "sse-stream";
    const REMARK: &'static str = "`encode`, which is what its body does with an event";

    fn new() -> Self {
        Self
    }

    fn text(&mut self, text: &'static str, out: &mut impl Output) {
        out.bytes(&Sse::default().data(text).encode().expect("a valid event"));
    }

    fn event(
        &mut self,
        event: &'static str,
        id: &'static str,
        data: &'static str,
        out: &mut impl Output,
    ) {
        let event = Sse::default().event(event).id(id).data(data);
        out.bytes(&event.encode().expect("a valid event"));
    }

    fn json(&mut self, value: &'static Chunk, out: &mut impl Output) {
        let json = serde_json::to_string(value).expect("JSON");
        out.bytes(&Sse::default().data(json).encode().expect("a valid event"));
    }
}
