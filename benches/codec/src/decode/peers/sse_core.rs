//! sse-core: a state machine that takes buffers.

use sse_core::{SseDecoder, SseEvent};

use super::decode::Decode;
use crate::decode::input::Input;
use crate::outcome::Sink;

pub(super) struct Peer;

impl Decode for Peer {
    const NAME: &'static str = "sse-core";
    const EVENTS: &'static str = "a `String`, the id as `Arc<str>`";
    const REMARK: &'static str = "with a limit of 16 MiB, as its default is 512 KiB";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let mut decoder =
            SseDecoder::with_limit(const { std::num::NonZero::new(16 << 20).unwrap() });
        for mut chunk in input.chunks() {
            while let Some(event) = decoder.next(&mut chunk) {
                if let Ok(SseEvent::Message(event)) = event {
                    let id = event.last_event_id.as_deref().unwrap_or_default();
                    sink.event(&event.event, id, event.data.as_bytes());
                }
            }
        }
    }
}
