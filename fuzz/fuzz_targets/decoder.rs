//! Any bytes in any cuts are read as the standard says, without a panic and within the limits.
//!
//! The last four bytes of the input say how to cut it and what to allow, the others are the
//! stream. So a recorded stream is a useful seed as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_codec::{DecodeError, Decoder, Item};

#[path = "../../sse-codec/tests/reference/mod.rs"]
mod reference;

fuzz_target!(|input: &[u8]| {
    let (stream, control) = input.split_at(input.len().saturating_sub(4));
    let control = |at: usize| usize::from(control.get(at).copied().unwrap_or(7));
    let (first, second) = (control(0), control(1).max(1));

    let (expected, last_event_id) = reference::interpret(stream);
    let unlimited = || Decoder::new().report_comments(true).report_retry(true);
    let mut decoder = unlimited();
    assert_eq!(read(&mut decoder, &[stream]), (expected.clone(), None));
    assert_eq!(decoder.last_event_id(), last_event_id);

    let chunks = cut(stream, first, second);
    let mut decoder = unlimited();
    assert_eq!(read(&mut decoder, &chunks), (expected.clone(), None));
    assert_eq!(decoder.last_event_id(), last_event_id);

    let mut decoder = unlimited();
    assert_eq!(read_one_by_one(&mut decoder, &chunks), expected);

    let limited = || {
        unlimited()
            .max_line_len(control(2))
            .max_event_len(control(3))
    };
    let (items, error) = read(&mut limited(), &[stream]);
    assert_eq!(read(&mut limited(), &chunks), (items.clone(), error));
    assert!(expected.starts_with(&items));
    assert!(error.is_some() || items == expected);
    for item in items {
        if let reference::Item::Event { data, .. } = item {
            assert!(data.len() <= control(3));
        }
    }
});

/// A chunk of one length, then one of another, and so on.
fn cut(mut stream: &[u8], first: usize, second: usize) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    for len in [first, second].into_iter().cycle() {
        let (chunk, rest) = stream.split_at(len.min(stream.len()));
        chunks.push(chunk);
        stream = rest;
        if stream.is_empty() {
            break;
        }
    }
    chunks
}

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

fn read(decoder: &mut Decoder, chunks: &[&[u8]]) -> (Vec<reference::Item>, Option<DecodeError>) {
    let mut items = Vec::new();
    for chunk in chunks {
        let mut found = decoder.feed(chunk);
        loop {
            match found.next() {
                Ok(Some(item)) => items.push(seen(item)),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(found.next(), Err(error));
                    return (items, Some(error));
                }
            }
        }
        assert_eq!(found.remainder(), b"");
    }
    (items, None)
}

/// Takes one item of each feed and feeds what is left again.
fn read_one_by_one(decoder: &mut Decoder, chunks: &[&[u8]]) -> Vec<reference::Item> {
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
