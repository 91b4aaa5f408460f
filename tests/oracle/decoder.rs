//! The events that the decoder returns.

use sse_codec::Decoder;

use crate::event::Event;

/// Returns the events of one connection and the last event ID at its end.
pub(crate) fn decode<'a>(
    decoder: &mut Decoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Event>, String) {
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
