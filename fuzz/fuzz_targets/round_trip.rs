//! Encoded events are decoded unchanged, and decoded items can be encoded again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_codec::{Decoder, Encoder, Event, Item, ReceivedEvent};
use sse_reference::as_received;

fuzz_target!(|input: &[u8]| {
    send_and_receive(input);
    receive_and_send(input);
});

/// Sends the fields of one event, which the input has with 0xFF between them. Its first byte is the
/// length of the chunks.
fn send_and_receive(input: &[u8]) {
    let Some((chunk_len, fields)) = input.split_first() else {
        return;
    };
    let fields: Vec<_> = fields
        .split(|byte| *byte == 0xFF)
        .map(String::from_utf8_lossy)
        .collect();
    let [data, id, event, comment] =
        [0, 1, 2, 3].map(|at| fields.get(at).map(AsRef::<str>::as_ref));

    let mut sent = Event::new();
    if let Some(comment) = comment {
        sent = sent.comment(comment);
    }
    if let Some(event) = event {
        sent = sent.event(event);
    }
    if let Some(id) = id {
        sent = sent.id(id);
    }
    let mut bytes = Vec::new();
    if Encoder::new()
        .max_id_len(usize::MAX)
        .encode(&sent.data(data.unwrap_or("")), &mut bytes)
        .is_err()
    {
        return;
    }

    let mut received: Vec<ReceivedEvent> = Vec::new();
    let mut decoder = Decoder::new();
    for chunk in bytes.chunks(usize::from(*chunk_len).max(1)) {
        let mut events = decoder.feed(chunk);
        while let Some(event) = events.next_event().expect("no limit is exceeded") {
            received.push(event.into_owned());
        }
    }
    let [received] = &received[..] else {
        panic!("one event was sent, not {received:?}");
    };
    assert_eq!(received.data(), as_received(data.unwrap_or("")));
    assert_eq!(received.id(), id);
    let name = event.filter(|name| !name.is_empty());
    assert_eq!(received.event(), name.unwrap_or("message"));
}

/// Decodes the input as a stream and encodes its items. The result has the same items, and decoding
/// and encoding it again does not change it.
fn receive_and_send(input: &[u8]) {
    let (once, items) = decode_and_encode(input);
    let (twice, same_items) = decode_and_encode(&once);
    assert_eq!(same_items, items);
    assert_eq!(twice, once);
}

fn decode_and_encode(stream: &[u8]) -> (Vec<u8>, Vec<String>) {
    let encoder = Encoder::new().max_id_len(usize::MAX);
    let mut decoder = Decoder::new().report_comments(true).report_retry(true);
    let (mut out, mut seen) = (Vec::new(), Vec::new());
    let mut items = decoder.feed(stream);
    while let Some(item) = items.next().expect("no limit is exceeded") {
        seen.push(format!("{item:?}"));
        let encoded = match item {
            Item::Event(event) => encoder.encode(&event, &mut out),
            Item::Retry(time) => encoder.encode(&Event::new().retry(time), &mut out),
            Item::Comment(text) => encoder.encode(&Event::new().comment(text), &mut out),
            other => panic!("unknown item: {other:?}"),
        };
        encoded.expect("what was received can be sent");
    }
    (out, seen)
}
