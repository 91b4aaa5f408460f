//! What the codec's decoder returns, in the terms of the reference.

use sse_codec::{DecodeError, Decoder, ReceivedEvent};

use crate::interpret::Item;

fn item(item: sse_codec::Item<'_>) -> Item {
    match item {
        sse_codec::Item::Event(event) => Item::Event {
            event: event.event().to_owned(),
            data: event.data().to_owned(),
            last_event_id: event.last_event_id().to_owned(),
        },
        sse_codec::Item::Retry(time) => {
            Item::Retry(u64::try_from(time.as_millis()).expect("whole milliseconds"))
        }
        sse_codec::Item::Comment(text) => Item::Comment(text.to_owned()),
        other => panic!("unknown item: {other:?}"),
    }
}

/// Returns all items of a stream in chunks, and the error that ended it.
///
/// # Panics
///
/// If the error does not persist, or the decoder leaves a part of a chunk unread.
pub fn decode(decoder: &mut Decoder, chunks: &[&[u8]]) -> (Vec<Item>, Option<DecodeError>) {
    let mut items = Vec::new();
    for chunk in chunks {
        let mut events = decoder.feed(chunk);
        loop {
            match events.next() {
                Ok(Some(found)) => items.push(item(found)),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(events.next(), Err(error), "the error persists");
                    return (items, Some(error));
                }
            }
        }
        assert_eq!(events.remainder(), b"");
    }
    (items, None)
}

/// Returns the same items, by taking one of each chunk and feeding the remainder again.
///
/// # Panics
///
/// If the stream exceeds a limit.
pub fn decode_one_by_one(decoder: &mut Decoder, chunks: &[&[u8]]) -> Vec<Item> {
    let mut items = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        loop {
            let mut events = decoder.feed(rest);
            match events.next().expect("no limit is exceeded") {
                Some(found) => items.push(item(found)),
                None => break,
            }
            rest = events.remainder();
        }
    }
    items
}

/// Returns the events of a stream in one chunk.
///
/// # Panics
///
/// If the stream exceeds a limit.
#[must_use]
pub fn received(stream: &str) -> Vec<ReceivedEvent> {
    let mut decoder = Decoder::new();
    let mut events = decoder.feed(stream.as_bytes());
    let mut received = Vec::new();
    while let Some(event) = events.next_event().expect("no limit is exceeded") {
        received.push(event.into_owned());
    }
    received
}
