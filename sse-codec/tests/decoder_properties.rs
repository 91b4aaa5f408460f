//! Properties for any bytes in any chunks: the decoder returns the same items as the standard's
//! algorithm, and encoded events are decoded unchanged.

use std::time::Duration;

use proptest::prelude::*;
use sse_codec::{DecodeError, Decoder, Encoder, Event, Item};
use sse_reference::{Sent, as_received, decode, decode_one_by_one, interpret};

/// Bytes in which sequences are frequent that decoders tend to misread.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            &b"data: "[..], b"data:", b"data", b"event: ", b"event:", b"event", b"id: ", b"id:", b"id",
            b"retry: ", b"retry:15", b"retry", b": ", b":", b" ", b"message",
        ]),
        4 => prop::sample::select(vec![&b"\n"[..], b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r"]),
        2 => prop::sample::select(vec![
            &b"x"[..], b"12", b"18446744073709551616", b"\0", "é".as_bytes(), "😀".as_bytes(), b"\xFF",
            b"\xF0\x9F\x98", b"\xE2\x82", b"\xED\xA0\x80", b"\xEF\xBB\xBF", b"\xEF\xBB", b"\xEF", b"\xBF",
        ]),
    ]
    .prop_map(<[u8]>::to_vec);
    let part = prop_oneof![
        20 => piece,
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => (0_usize..300).prop_map(|len| vec![b'y'; len]),
        1 => (0_usize..100).prop_map(|len| "é".repeat(len).into_bytes()),
    ];
    let start = prop_oneof![4 => Just(&b""[..]), 1 => Just(&b"\xEF\xBB\xBF"[..]), 1 => Just(&b"\xEF\xBB"[..])];
    (start, prop::collection::vec(part, 0..40))
        .prop_map(|(start, parts)| [start.to_vec(), parts.concat()].concat())
}

/// The lengths of the chunks, as far as there are bytes.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        prop::collection::vec(0_usize..20, 1..50),
        prop::collection::vec(0_usize..200, 1..10),
        Just(vec![1]),
    ]
}

fn cut<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    // The lengths are repeated, but not endlessly if all of them are zero.
    for cut in cuts.iter().cycle().take(bytes.len() + cuts.len()) {
        let (chunk, rest) = bytes.split_at((*cut).min(bytes.len()));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks.push(bytes);
    chunks
}

fn reporting() -> Decoder {
    Decoder::new().report_comments(true).report_retry(true)
}

/// Encodes every item of a stream again, one event each.
fn encode_again(bytes: &[u8]) -> Vec<u8> {
    let (mut decoder, encoder) = (reporting(), Encoder::new().max_id_len(usize::MAX));
    let mut out = Vec::new();
    let mut items = decoder.feed(bytes);
    while let Some(item) = items.next().expect("no limit is exceeded") {
        let encoded = match item {
            Item::Event(event) => {
                let mut owned = Vec::new();
                encoder
                    .encode(&event.into_owned(), &mut owned)
                    .expect("what was received can be sent");
                let encoded = encoder.encode(&event, &mut out);
                assert!(out.ends_with(&owned));
                encoded
            }
            Item::Retry(time) => encoder.encode(&Event::new().retry(time), &mut out),
            Item::Comment(text) => encoder.encode(&Event::new().comment(text), &mut out),
            other => panic!("unknown item: {other:?}"),
        };
        encoded.expect("what was received can be sent");
    }
    out
}

prop_compose! {
    fn sent()(
        comment in prop::option::weighted(0.2, any::<String>()),
        retry in prop::option::weighted(0.2, any::<u64>().prop_map(Duration::from_millis)),
        event in prop::option::of("[^\r\n]{0,20}"),
        id in prop::option::of("[^\r\n\0]{0,20}"),
        data in prop::option::of("[\r\n a-cé😀\u{feff}:]{0,20}|\\PC{0,400}"),
    ) -> Sent {
        Sent { comment, retry, event, id, data }
    }
}

fn encode(sent: &Sent, out: &mut Vec<u8>) {
    let event = sent.event();
    let encoded = match &sent.data {
        Some(data) => Encoder::new().encode(&event.data(data), out),
        None => Encoder::new().encode(&event, out),
    };
    encoded.expect("a valid event");
}

/// Appends the items that a client reads of `sent`, whose last event ID is `last_event_id`.
fn push_items(sent: &Sent, last_event_id: &mut String, items: &mut Vec<sse_reference::Item>) {
    if let Some(comment) = &sent.comment {
        items.extend(
            as_received(comment)
                .split('\n')
                .map(|line| sse_reference::Item::Comment(line.to_owned())),
        );
    }
    let received = sent.received();
    items.extend(received.retry.map(sse_reference::Item::Retry));
    if let Some(id) = received.id {
        *last_event_id = id;
    }
    if let Some(data) = received.data {
        items.push(sse_reference::Item::Event {
            event: match received.event {
                Some(name) if !name.is_empty() => name,
                _ => "message".to_owned(),
            },
            data,
            last_event_id: last_event_id.clone(),
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_stream_in_any_chunks_is_read_as_the_standard_defines(stream in stream(), cuts in cuts()) {
        let (expected, last_event_id) = interpret(&stream);
        let chunks = cut(&stream, &cuts);
        for chunks in [&[&stream[..]][..], &chunks] {
            let mut decoder = reporting();
            let (items, error) = decode(&mut decoder, chunks);
            prop_assert_eq!(&items, &expected);
            prop_assert_eq!(error, None);
            prop_assert_eq!(decoder.last_event_id(), &last_event_id);

            let mut decoder = reporting();
            prop_assert_eq!(&decode_one_by_one(&mut decoder, chunks), &expected);
            prop_assert_eq!(decoder.last_event_id(), &last_event_id);
        }

        let only_events: Vec<_> = expected
            .into_iter()
            .filter(|item| matches!(item, sse_reference::Item::Event { .. }))
            .collect();
        prop_assert_eq!(decode(&mut Decoder::new(), &chunks).0, only_events);
    }

    #[test]
    fn any_bytes_in_any_chunks_are_read_as_the_standard_defines(
        bytes in any::<Vec<u8>>(),
        cuts in cuts(),
    ) {
        let (expected, _) = interpret(&bytes);
        prop_assert_eq!(decode(&mut reporting(), &cut(&bytes, &cuts)).0, expected);
    }

    #[test]
    fn long_lines_in_any_chunks_are_read_as_the_standard_defines(
        lines in prop::collection::vec(
            (
                prop::sample::select(vec!["data: ", "data:", "data", "id: ", "event:", ": ", "dat: "]),
                prop::sample::select(vec![&b"x"[..], "é".as_bytes(), "€uro".as_bytes(), "😀".as_bytes(), b"\xE2\x82", b"\xFF"]),
                0_usize..800,
                prop::sample::select(vec!["", "\n", "\r", "\r\n", "\n\n", "\r\n\r\n"]),
            ),
            0..6,
        ),
        cuts in prop::collection::vec(0_usize..700, 1..10),
        limit in prop::option::of(0_usize..3000),
    ) {
        let mut stream = Vec::new();
        for (name, text, count, end) in lines {
            stream.extend_from_slice(name.as_bytes());
            stream.extend_from_slice(&text.repeat(count));
            stream.extend_from_slice(end.as_bytes());
        }
        let chunks = cut(&stream, &cuts);
        let decoder = || match limit {
            None => reporting(),
            Some(limit) => reporting().max_line_len(limit).max_event_len(limit),
        };
        let (items, error) = decode(&mut decoder(), &chunks);
        prop_assert_eq!(decode(&mut decoder(), &[&stream]), (items.clone(), error));
        let (expected, _) = interpret(&stream);
        if error.is_none() {
            prop_assert_eq!(items, expected);
        } else {
            prop_assert!(limit.is_some() && expected.starts_with(&items));
        }
    }

    #[test]
    fn limits_hold_for_any_chunks(
        stream in stream(),
        cuts in cuts(),
        line in 0_usize..60,
        event in 0_usize..60,
    ) {
        let limited = || reporting().max_line_len(line).max_event_len(event);
        let (items, error) = decode(&mut limited(), &[&stream]);
        prop_assert_eq!((&items, error), {
            let (items, error) = decode(&mut limited(), &cut(&stream, &cuts));
            (&items.clone(), error)
        });

        // A decoder that reports only events takes other paths, with the same result.
        let quiet = || Decoder::new().max_line_len(line).max_event_len(event);
        let is_event = |item: &&sse_reference::Item| matches!(item, sse_reference::Item::Event { .. });
        let events: Vec<_> = items.iter().filter(is_event).cloned().collect();
        for chunks in [&[&stream[..]][..], &cut(&stream, &cuts)] {
            prop_assert_eq!(decode(&mut quiet(), chunks), (events.clone(), error));
        }

        for item in &items {
            if let sse_reference::Item::Event { data, .. } = item {
                prop_assert!(data.len() <= event);
            }
        }
        // Before an error, the items are the same as without limits; without an error, all are.
        let (expected, _) = interpret(&stream);
        match error {
            None => prop_assert_eq!(items, expected),
            Some(DecodeError::LineTooLong { limit, position }) => {
                prop_assert_eq!(limit, line);
                prop_assert!(expected.starts_with(&items));
                let line_at = &stream[usize::try_from(position).expect("a small stream")..];
                let len = line_at.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                prop_assert!(len.unwrap_or(line_at.len()) > line);
            }
            Some(DecodeError::EventTooLong { limit, position }) => {
                prop_assert_eq!(limit, event);
                prop_assert!(expected.starts_with(&items));
                prop_assert!(stream[usize::try_from(position).expect("a small stream")..].starts_with(b"data"));
            }
            Some(other) => panic!("unknown error: {other}"),
        }
    }

    #[test]
    fn encoded_events_are_decoded_unchanged_in_any_chunks(
        events in prop::collection::vec(sent(), 0..8),
        cuts in cuts(),
    ) {
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        let mut last_event_id = String::new();
        for event in &events {
            encode(event, &mut bytes);
            push_items(event, &mut last_event_id, &mut expected);
        }
        let mut decoder = reporting();
        let (items, error) = decode(&mut decoder, &cut(&bytes, &cuts));
        prop_assert_eq!(error, None);
        prop_assert_eq!(items, expected);
        prop_assert_eq!(decoder.last_event_id(), last_event_id);
    }

    #[test]
    fn encoding_what_was_decoded_is_a_fixed_point(stream in stream()) {
        let once = encode_again(&stream);
        prop_assert_eq!(interpret(&once).0, interpret(&stream).0);
        prop_assert_eq!(&encode_again(&once), &once);
    }
}
