//! Our own decoder.

use sse_codec::Decoder;

use super::decode::Decode;
use crate::decode::input::Input;
use crate::outcome::Sink;

/// Events that borrow from the decoder and the chunk.
pub(super) struct Borrowed;

impl Decode for Borrowed {
    const NAME: &'static str = "ours, borrowed";
    const EVENTS: &'static str = "borrowed `&str`";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let mut decoder = Decoder::new();
        for chunk in input.chunks() {
            let mut events = decoder.feed(chunk);
            while let Ok(Some(event)) = events.next_event() {
                sink.event(
                    event.event(),
                    event.last_event_id(),
                    event.data().as_bytes(),
                );
            }
        }
    }
}

/// Events that are kept.
pub(super) struct Owned;

impl Decode for Owned {
    const NAME: &'static str = "ours, owned";
    const EVENTS: &'static str = "one `Box<str>`, none if short";

    fn decode(input: &Input, sink: &mut impl Sink) {
        let mut decoder = Decoder::new();
        for chunk in input.chunks() {
            let mut events = decoder.feed(chunk);
            while let Ok(Some(event)) = events.next_event() {
                let event = event.into_owned();
                sink.event(
                    event.event(),
                    event.last_event_id(),
                    event.data().as_bytes(),
                );
            }
        }
    }
}
