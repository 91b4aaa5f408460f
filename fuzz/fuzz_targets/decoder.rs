//! Any bytes in any chunks are read as the standard defines, without a panic and within the limits.
//!
//! The last four bytes of the input are the lengths of the chunks and the limits, the others are the
//! stream. So a recorded stream is a useful seed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_codec::Decoder;
use sse_reference::{Item, decode, decode_one_by_one, interpret};

fuzz_target!(|input: &[u8]| {
    let (stream, control) = input.split_at(input.len().saturating_sub(4));
    let control = |at: usize| usize::from(control.get(at).copied().unwrap_or(7));
    let (first, second) = (control(0), control(1).max(1));

    let (expected, last_event_id) = interpret(stream);
    let unlimited = || Decoder::new().report_comments(true).report_retry(true);
    let mut decoder = unlimited();
    assert_eq!(decode(&mut decoder, &[stream]), (expected.clone(), None));
    assert_eq!(decoder.last_event_id(), last_event_id);

    let chunks = cut(stream, first, second);
    let mut decoder = unlimited();
    assert_eq!(decode(&mut decoder, &chunks), (expected.clone(), None));
    assert_eq!(decoder.last_event_id(), last_event_id);

    let mut decoder = unlimited();
    assert_eq!(decode_one_by_one(&mut decoder, &chunks), expected);

    let limited = || {
        unlimited()
            .max_line_len(control(2))
            .max_event_len(control(3))
    };
    let (items, error) = decode(&mut limited(), &[stream]);
    assert_eq!(decode(&mut limited(), &chunks), (items.clone(), error));
    assert!(expected.starts_with(&items));
    assert!(error.is_some() || items == expected);
    // A decoder that reports only events takes other paths, with the same result.
    let quiet = || {
        Decoder::new()
            .max_line_len(control(2))
            .max_event_len(control(3))
    };
    let is_event = |item: &Item| matches!(item, Item::Event { .. });
    let events: Vec<_> = items
        .iter()
        .filter(|item| is_event(item))
        .cloned()
        .collect();
    assert_eq!(decode(&mut quiet(), &[stream]), (events.clone(), error));
    assert_eq!(decode(&mut quiet(), &chunks), (events, error));

    for item in items {
        if let Item::Event { data, .. } = item {
            assert!(data.len() <= control(3));
        }
    }
});

/// Cuts a stream into chunks of two lengths in turn.
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
