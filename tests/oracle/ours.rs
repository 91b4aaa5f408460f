//! What our decoder makes of a stream.

use sse_codec::Decoder;

use crate::Event;

/// The events, and the last event ID at the end.
pub(crate) fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, String) {
    let mut decoder = Decoder::new();
    let mut received = Vec::new();
    for piece in pieces {
        let mut events = decoder.feed(piece);
        while let Some(event) = events.next_event().expect("no limit is passed") {
            received.push(Event {
                event: event.event().to_owned(),
                data: event.data().to_owned(),
                id: event.last_event_id().to_owned(),
            });
        }
    }
    (received, decoder.last_event_id().to_owned())
}
