//! What the decoder gives, in the terms of the reference, for the property tests and the fuzz
//! target.

use sse_codec::{DecodeError, Decoder, Item};

use crate::reference;

fn seen(item: Item<'_>) -> reference::Item {
    match item {
        Item::Event(event) => reference::Item::Event {
            event: event.event().to_owned(),
            data: event.data().to_owned(),
            last_event_id: event.last_event_id().to_owned(),
        },
        Item::Retry(time) => {
            reference::Item::Retry(u64::try_from(time.as_millis()).expect("whole milliseconds"))
        }
        Item::Comment(text) => reference::Item::Comment(text.to_owned()),
        other => panic!("an item that nobody knows: {other:?}"),
    }
}

/// All items, and the error that ended them.
pub(crate) fn decode(
    decoder: &mut Decoder,
    chunks: &[&[u8]],
) -> (Vec<reference::Item>, Option<DecodeError>) {
    let mut items = Vec::new();
    for chunk in chunks {
        let mut found = decoder.feed(chunk);
        loop {
            match found.next() {
                Ok(Some(item)) => items.push(seen(item)),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(found.next(), Err(error), "it stays the same");
                    return (items, Some(error));
                }
            }
        }
        assert_eq!(found.remainder(), b"");
    }
    (items, None)
}

/// Takes one item of each feed and feeds the remainder again.
pub(crate) fn decode_one_by_one(decoder: &mut Decoder, chunks: &[&[u8]]) -> Vec<reference::Item> {
    let mut items = Vec::new();
    for chunk in chunks {
        let mut rest = *chunk;
        loop {
            let mut found = decoder.feed(rest);
            match found.next().expect("no limit is passed") {
                Some(item) => items.push(seen(item)),
                None => break,
            }
            rest = found.remainder();
        }
    }
    items
}
