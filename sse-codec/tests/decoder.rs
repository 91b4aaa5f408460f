//! The rules of HTML § 9.2.5 and § 9.2.6, one test each. Each stream is read as a whole, byte by byte,
//! and cut in two at every position, which must make no difference.

use std::collections::HashSet;
use std::time::Duration;

use sse_codec::{DecodeError, Decoder, EventRef, Item};

/// An event as (name, data, last event ID).
type Seen = (String, String, String);

fn feed(decoder: &mut Decoder, chunk: &[u8], seen: &mut Vec<Seen>) {
    let mut events = decoder.feed(chunk);
    while let Some(event) = events.next_event().expect("no limit is exceeded") {
        seen.push((
            event.event().to_owned(),
            event.data().to_owned(),
            event.last_event_id().to_owned(),
        ));
    }
    assert_eq!(events.remainder(), b"");
}

fn read_in(chunks: &[&[u8]]) -> (Vec<Seen>, Decoder) {
    let (mut decoder, mut seen) = (Decoder::new(), Vec::new());
    for chunk in chunks {
        feed(&mut decoder, chunk, &mut seen);
    }
    (seen, decoder)
}

fn read(stream: impl AsRef<[u8]>) -> (Vec<Seen>, Decoder) {
    let stream = stream.as_ref();
    let (whole, decoder) = read_in(&[stream]);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    let mut cuts = vec![read_in(&bytes)];
    for at in 0..=stream.len() {
        cuts.push(read_in(&[&stream[..at], b"", &stream[at..]]));
    }
    for (seen, other) in cuts {
        assert_eq!(seen, whole);
        assert_eq!(other.last_event_id(), decoder.last_event_id());
        assert_eq!(other.reconnection_time(), decoder.reconnection_time());
    }
    (whole, decoder)
}

fn seen(events: &[(&str, &str, &str)]) -> Vec<Seen> {
    let owned = |&(event, data, id): &(&str, &str, &str)| {
        (event.to_owned(), data.to_owned(), id.to_owned())
    };
    events.iter().map(owned).collect()
}

/// Returns the data of the events of `stream`.
fn data(stream: impl AsRef<[u8]>) -> Vec<String> {
    read(stream)
        .0
        .into_iter()
        .map(|(_, data, _)| data)
        .collect()
}

#[test]
fn the_examples_of_the_standard_are_read_as_it_defines() {
    assert_eq!(data("data: YHOO\ndata: +2\ndata: 10\n\n"), ["YHOO\n+2\n10"]);
    let (events, decoder) = read(
        ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
    );
    assert_eq!(
        events,
        seen(&[
            ("message", "first event", "1"),
            ("message", "second event", ""),
            ("message", " third event", ""),
        ])
    );
    assert_eq!(decoder.last_event_id(), "");
    assert_eq!(data("data\n\ndata\ndata\n\ndata:"), ["", "\n"]);
    assert_eq!(data("data:test\n\ndata: test\n\n"), ["test", "test"]);
}

#[test]
fn a_byte_order_mark_is_removed_at_the_very_start() {
    assert_eq!(data("\u{feff}data: x\n\n"), ["x"]);
    assert_eq!(data("\u{feff}\n\ndata: x\n\n"), ["x"]);
    assert_eq!(data("\u{feff}"), [""; 0]);
}

#[test]
fn only_one_byte_order_mark_is_removed() {
    assert_eq!(data("\u{feff}\u{feff}data: x\n\n"), [""; 0]);
    assert_eq!(data("\u{feff}\u{feff}data: x\ndata: y\n\n"), ["y"]);
}

#[test]
fn a_byte_order_mark_is_kept_everywhere_else() {
    assert_eq!(data("data: \u{feff}x\n\n"), ["\u{feff}x"]);
    assert_eq!(
        data("data: \u{feff}\ndata: \u{feff}\n\n"),
        ["\u{feff}\n\u{feff}"]
    );
    assert_eq!(data("\n\u{feff}data: x\n\n"), [""; 0]);
    assert_eq!(data("data: x\n\n\u{feff}data: y\n\n"), ["x"]);
}

#[test]
fn an_incomplete_byte_order_mark_is_text() {
    assert_eq!(data(b"\xEFdata: x\n\ndata: y\n\n"), ["y"]);
    assert_eq!(data(b"\xEF\xBBdata: x\ndata: y\n\n"), ["y"]);
    assert_eq!(data(b"\xEF\xBB\n\ndata: y\n\n"), ["y"]);
    assert_eq!(data("\u{fec0}: x\ndata: y\n\n"), ["y"]);
}

#[test]
fn lf_cr_and_crlf_each_end_a_line() {
    for end in ["\n", "\r", "\r\n"] {
        let stream = format!("data: a{end}data: b{end}{end}id: 1{end}data{end}{end}");
        assert_eq!(
            read(stream).0,
            seen(&[("message", "a\nb", ""), ("message", "", "1")])
        );
    }
}

#[test]
fn line_ends_may_be_mixed() {
    assert_eq!(
        data("data: a\r\ndata: b\rdata: c\n\rdata: d\r\r\n"),
        ["a\nb\nc", "d"]
    );
    assert_eq!(
        data("data: a\n\r\ndata: b\r\n\ndata: c\r\n\r"),
        ["a", "b", "c"]
    );
    // LF CR is two line ends, CR CR LF too.
    assert_eq!(data("data: a\n\rdata: b\r\r\ndata: c\n\n"), ["a", "b", "c"]);
}

#[test]
fn a_cr_at_the_end_of_a_chunk_dispatches_at_once() {
    for stream in ["data: x\r\r", "data: x\n\r", "data: x\r\n\r"] {
        let mut decoder = Decoder::new();
        let mut events = decoder.feed(stream.as_bytes());
        let event = events.next_event().expect("no error").map(EventRef::data);
        assert_eq!(event, Some("x"), "{stream:?}");
    }
}

#[test]
fn an_lf_after_a_cut_crlf_is_not_another_line() {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    feed(&mut decoder, b"data: x\r\n\r", &mut events);
    assert_eq!(events.len(), 1);
    feed(&mut decoder, b"", &mut events);
    feed(&mut decoder, b"\n", &mut events);
    feed(&mut decoder, b"data: y\r", &mut events);
    // If the LF were a line end, the blank line would dispatch here.
    feed(&mut decoder, b"\ndata: z\r", &mut events);
    assert_eq!(events.len(), 1);
    feed(&mut decoder, b"\n\r", &mut events);
    assert_eq!(events[1..], seen(&[("message", "y\nz", "")]));
    feed(&mut decoder, b"\n\n\n", &mut events);
    assert_eq!(events.len(), 2);
}

#[test]
fn line_ends_are_found_at_every_place_in_the_searched_blocks() {
    for pad in 40..80 {
        for end in ["\n", "\r", "\r\n"] {
            for first in [":", "data: ", "unknown: "] {
                let first = format!("{first}{}{end}{end}", "x".repeat(pad));
                let stream = format!(
                    "{first}data: a{end}{end}:{end}id: 7{end}data: b{end}data{end}event: e{end}{end}"
                );
                let (events, _) = read(stream);
                let rest = seen(&[("message", "a", ""), ("e", "b\n", "7")]);
                assert_eq!(events[events.len() - 2..], rest, "{pad} {end:?} {first:?}");
                assert_eq!(events.len() == 3, first.starts_with("data"));
            }
        }
    }
}

#[test]
fn a_field_without_a_colon_has_an_empty_value() {
    assert_eq!(data("data\n\n"), [""]);
    assert_eq!(
        read("event: a\nid: 1\nevent\nid\ndata\n\n").0,
        seen(&[("message", "", "")])
    );
}

#[test]
fn exactly_one_space_after_the_colon_is_removed() {
    assert_eq!(data("data:x\n\ndata: x\n\ndata:  x\n\n"), ["x", "x", " x"]);
    assert_eq!(data("data: \n\ndata:  \n\ndata:\tx\n\n"), ["", " ", "\tx"]);
    assert_eq!(
        read("event:  a\nid:  1 \ndata: x \n\n").0,
        seen(&[(" a", "x ", " 1 ")])
    );
    // A space before the colon is part of the name.
    assert_eq!(data("data : x\n\n"), [""; 0]);
}

#[test]
fn a_value_may_contain_colons() {
    assert_eq!(data("data: a: b\n\ndata::c\n\n"), ["a: b", ":c"]);
}

#[test]
fn data_lines_are_joined_with_lf() {
    assert_eq!(data("data: a\r\ndata: b\rdata: c\n\n"), ["a\nb\nc"]);
    assert_eq!(
        data("data: a\nevent: x\ndata: b\n: c\nother\ndata: c\n\n"),
        ["a\nb\nc"]
    );
}

#[test]
fn an_empty_data_line_is_a_line() {
    assert_eq!(data("data\n\n"), [""]);
    assert_eq!(data("data:\n\n"), [""]);
    assert_eq!(data("data\ndata\n\n"), ["\n"]);
    assert_eq!(data("data: a\ndata\n\n"), ["a\n"]);
    assert_eq!(data("data:\ndata: a\n\n"), ["\na"]);
    assert_eq!(data("data: a\ndata:\ndata: b\n\n"), ["a\n\nb"]);
}

#[test]
fn an_event_without_data_is_not_dispatched_but_its_id_is_kept() {
    let (events, decoder) = read("event: a\nid: 7\n\ndata: x\n\n");
    assert_eq!(events, seen(&[("message", "x", "7")]));
    assert_eq!(decoder.last_event_id(), "7");

    let (events, decoder) = read("id: 8\n\n");
    assert_eq!(events, []);
    assert_eq!(decoder.last_event_id(), "8");
    assert_eq!(data("\n\n\n\r\r\n"), [""; 0]);
}

#[test]
fn an_id_counts_once_its_event_is_complete() {
    let (_, decoder) = read("id: 1\ndata: x\n\nid: 2\ndata: y\n");
    assert_eq!(decoder.last_event_id(), "1");
}

#[test]
fn an_id_applies_to_later_events() {
    assert_eq!(
        read("id: 1\ndata: a\n\ndata: b\n\nevent: e\ndata: c\n\nid: 2\ndata: d\n\n").0,
        seen(&[
            ("message", "a", "1"),
            ("message", "b", "1"),
            ("e", "c", "1"),
            ("message", "d", "2"),
        ])
    );
}

#[test]
fn an_id_with_nul_is_ignored() {
    assert_eq!(
        read("id: 1\nid: 2\0\ndata: a\n\nid: \0\ndata: b\n\nid\0: 3\ndata: c\n\n").0,
        seen(&[
            ("message", "a", "1"),
            ("message", "b", "1"),
            ("message", "c", "1")
        ])
    );
}

#[test]
fn a_nul_elsewhere_is_text() {
    assert_eq!(read("event: \0\ndata: \0\n\n").0, seen(&[("\0", "\0", "")]));
}

#[test]
fn an_empty_id_resets_the_last_event_id() {
    for empty in ["id", "id:", "id: "] {
        let (events, decoder) = read(format!("id: 1\ndata: a\n\n{empty}\ndata: b\n\n"));
        assert_eq!(events, seen(&[("message", "a", "1"), ("message", "b", "")]));
        assert_eq!(decoder.last_event_id(), "");
    }
}

#[test]
fn the_last_of_several_names_and_ids_counts() {
    assert_eq!(
        read("event: a\nid: 1\ndata: x\nevent: b\nid: 2\n\n").0,
        seen(&[("b", "x", "2")])
    );
    assert_eq!(
        read("event: a\nevent:\ndata\n\n").0,
        seen(&[("message", "", "")])
    );
}

#[test]
fn the_name_is_reset_after_each_event() {
    assert_eq!(
        read("event: a\ndata: x\n\ndata: y\n\nevent: b\n\ndata: z\n\n").0,
        seen(&[("a", "x", ""), ("message", "y", ""), ("message", "z", "")])
    );
}

#[test]
fn a_retry_of_digits_sets_the_reconnection_time() {
    let retry = |stream: &str| read(stream).1.reconnection_time();
    assert_eq!(retry("retry: 1500\n"), Some(Duration::from_millis(1500)));
    assert_eq!(retry("retry:0\n\n"), Some(Duration::ZERO));
    assert_eq!(
        retry("retry: 1\nretry: 2\n\n"),
        Some(Duration::from_millis(2))
    );
    assert_eq!(retry("data: x\n\n"), None);
    assert_eq!(retry("retry: 1500"), None, "the line is not complete");
}

#[test]
fn a_retry_of_anything_else_is_ignored() {
    for value in [
        "", " ", "1s", "-1", "+1", "1.5", "1 ", "  1", "0x1", "1e3", "\u{661}",
    ] {
        let stream = format!("retry: 7\nretry: {value}\n\n");
        let time = read(stream).1.reconnection_time();
        assert_eq!(time, Some(Duration::from_millis(7)), "{value:?}");
    }
}

#[test]
fn a_huge_retry_becomes_the_longest_time() {
    let max = Some(Duration::from_millis(u64::MAX));
    for value in [
        "18446744073709551615",
        "18446744073709551616",
        &"9".repeat(500),
    ] {
        assert_eq!(read(format!("retry: {value}\n")).1.reconnection_time(), max);
    }
}

#[test]
fn unknown_fields_and_comments_are_ignored() {
    assert_eq!(
        data("other: a\nfoo\n:data: b\n:\n: c\ndata: d\n datum: e\ndata d\n\n"),
        ["d"]
    );
}

#[test]
fn names_of_fields_are_case_sensitive() {
    let (events, decoder) = read("Data: a\nDATA: b\nEvent: c\nID: d\nId: e\nRetry: 1\ndata: x\n\n");
    assert_eq!(events, seen(&[("message", "x", "")]));
    assert_eq!(decoder.reconnection_time(), None);
}

#[test]
fn an_incomplete_last_event_is_discarded() {
    assert_eq!(data("data: a\n\ndata: b"), ["a"]);
    assert_eq!(data("data: a\n\ndata: b\n"), ["a"]);
    assert_eq!(data("data: a\r\n\r\ndata: b\r\n"), ["a"]);
    assert_eq!(data(""), [""; 0]);
}

#[test]
fn each_maximal_subpart_of_a_malformed_character_is_replaced_once() {
    for (bytes, text) in [
        (&b"\xFF"[..], "\u{fffd}"),
        (b"a\x80\x80b", "a\u{fffd}\u{fffd}b"),
        (b"\xC3", "\u{fffd}"),
        (b"\xC3(", "\u{fffd}("),
        (b"\xE2\x82", "\u{fffd}"),
        (b"\xE2\x82\xE2\x82\xAC", "\u{fffd}\u{20ac}"),
        (b"\xF0\x9F\x98", "\u{fffd}"),
        (b"\xF0\x9F\x98\xF0\x9F\x98\x80", "\u{fffd}\u{1f600}"),
        // Overlong forms, surrogates, and beyond U+10FFFF: none of their bytes begins a character.
        (b"\xC0\x80", "\u{fffd}\u{fffd}"),
        (b"\xE0\x80\x80", "\u{fffd}\u{fffd}\u{fffd}"),
        (b"\xED\xA0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
        (b"\xF4\x90\x80\x80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
    ] {
        let stream = |name: &[u8]| [name, bytes, b"\n"].concat();
        assert_eq!(data([stream(b"data: "), b"\n".to_vec()].concat()), [text]);
        let all = [
            stream(b"event:"),
            stream(b"id:"),
            stream(b"data:"),
            b"\n".to_vec(),
        ]
        .concat();
        assert_eq!(read(all).0, seen(&[(text, text, text)]));
        // Between other lines, and followed by a valid event.
        let lines = [
            b"data: a\n",
            &stream(b"data: ")[..],
            b"data: b\n\ndata: c\n\n",
        ]
        .concat();
        assert_eq!(data(lines), [format!("a\n{text}\nb"), "c".to_owned()]);
    }
}

#[test]
fn a_name_with_a_malformed_character_is_unknown() {
    assert_eq!(data(b"data\xFF: x\n\xFFdata: y\ndata: z\n\n"), ["z"]);
}

#[test]
fn whole_characters_stay_whole_however_they_are_cut() {
    let text = "é€😀\u{10ffff}\u{d7ff}\u{e000}";
    assert_eq!(
        read(format!(
            "event: {text}\nid: {text}\ndata: {text}\ndata: {text}\n\n"
        ))
        .0,
        seen(&[(text, &format!("{text}\n{text}"), text)])
    );
}

#[test]
fn lines_and_events_may_be_as_long_as_the_limits() {
    let long = "x".repeat(100_000);
    for chunk_len in [1_000, 4_096, 65_536, 1_000_000] {
        let stream = format!("data: {long}\ndata: {long}\n\ndata: {long}\n\n");
        let chunks: Vec<&[u8]> = stream.as_bytes().chunks(chunk_len).collect();
        let (events, _) = read_in(&chunks);
        assert_eq!(
            events,
            seen(&[
                ("message", &format!("{long}\n{long}"), ""),
                ("message", &long, "")
            ])
        );
    }
}

#[test]
fn comments_and_retry_fields_are_reported_on_request_in_stream_order() {
    let stream = b": one\ndata: a\n:two\nretry: 10\nretry: x\ndata: b\n\n:\xFF\n:\n";
    let mut decoder = Decoder::new().report_comments(true).report_retry(true);
    for chunk_len in 1..=stream.len() {
        let mut items = Vec::new();
        decoder.reset();
        for chunk in stream.chunks(chunk_len) {
            let mut found = decoder.feed(chunk);
            while let Some(item) = found.next().expect("no limit is exceeded") {
                items.push(match item {
                    Item::Event(event) => format!("event {:?}", event.data()),
                    Item::Retry(time) => format!("retry {time:?}"),
                    Item::Comment(text) => format!("comment {text:?}"),
                    other => panic!("{other:?}"),
                });
            }
        }
        assert_eq!(
            items,
            [
                "comment \"one\"",
                "comment \"two\"",
                "retry 10ms",
                "event \"a\\nb\"",
                "comment \"\u{fffd}\"",
                "comment \"\"",
            ]
        );
    }

    decoder = Decoder::new();
    let mut items = decoder.feed(stream);
    assert!(matches!(items.next(), Ok(Some(Item::Event(_)))));
    assert_eq!(items.next(), Ok(None));
}

#[test]
fn an_id_is_distinguished_from_one_of_an_earlier_event() {
    let mut decoder = Decoder::new();
    let mut events = decoder.feed(
        b"data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid: 2\n\ndata: d\n\nid\ndata: e\n\ndata: f\n\n",
    );
    let mut ids = Vec::new();
    while let Some(event) = events.next_event().expect("no error") {
        let owned = event.into_owned();
        assert_eq!(owned.id(), event.id());
        ids.push(event.id().map(str::to_owned));
    }
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(ids, [None, id("1"), None, id("2"), id(""), None]);
}

#[test]
fn an_event_named_message_equals_one_without_a_name() {
    let mut decoder = Decoder::new();
    let mut events = decoder.feed(b"event: message\ndata: x\n\ndata: x\n\nevent: m\ndata: x\n\n");
    let mut next = || {
        let event = events.next_event().expect("no error").expect("an event");
        event.into_owned()
    };
    let (named, unnamed, other) = (next(), next(), next());
    assert_eq!(named, unnamed);
    assert_eq!(named.as_event_ref(), unnamed.as_event_ref());
    assert_eq!(HashSet::from([named, unnamed.clone()]).len(), 1);
    assert_ne!(unnamed, other);
}

#[test]
fn feeding_the_remainder_again_loses_no_item() {
    let stream = b": c\ndata: a\r\n\r\nid: 1\ndata: b\n: d\n\nretry: 5\ndata: c\r\rdata: d";
    let mut expected = Vec::new();
    let options = || Decoder::new().report_comments(true).report_retry(true);
    let mut decoder = options();
    let mut items = decoder.feed(stream);
    while let Some(item) = items.next().expect("no error") {
        expected.push(format!("{item:?}"));
    }
    assert_eq!(expected.len(), 6);

    let mut decoder = options();
    let mut one_by_one = Vec::new();
    let mut rest = &stream[..];
    loop {
        let mut items = decoder.feed(rest);
        let Some(item) = items.next().expect("no error") else {
            break;
        };
        one_by_one.push(format!("{item:?}"));
        rest = items.remainder();
    }
    assert_eq!(one_by_one, expected);
    let mut items = decoder.feed(b"e\n\n");
    assert!(matches!(items.next(), Ok(Some(Item::Event(event))) if event.data() == "de"));
}

#[test]
fn events_that_are_never_taken_leave_the_chunk_unread() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.feed(b"data: x\n\n").remainder(), b"data: x\n\n");
    let mut events = decoder.feed(b"data: x\n\n");
    assert!(events.next_event().expect("no error").is_some());
}

#[test]
fn a_reset_begins_a_new_stream_and_keeps_what_a_client_keeps() {
    let mut decoder = Decoder::new();
    let mut events = Vec::new();
    feed(
        &mut decoder,
        b"retry: 9\nid: 1\ndata: a\n\nevent: lost\nid: 2\ndata: lost\ndata: los",
        &mut events,
    );
    decoder.reset();
    assert_eq!(decoder.last_event_id(), "1");
    assert_eq!(decoder.reconnection_time(), Some(Duration::from_millis(9)));

    feed(&mut decoder, b"\xEF\xBB\xBFdata: b\r", &mut events);
    decoder.reset();
    feed(&mut decoder, b"\n\ndata: c\n\n", &mut events);
    assert_eq!(
        events,
        seen(&[("message", "a", "1"), ("message", "c", "1")])
    );
}

#[test]
fn a_decoder_can_begin_with_the_id_of_an_earlier_connection() {
    let mut decoder = Decoder::new().with_last_event_id("41");
    assert_eq!(decoder.last_event_id(), "41");
    let mut events = Vec::new();
    feed(&mut decoder, b"data: a\n\nid: 42\ndata: b\n\n", &mut events);
    assert_eq!(
        events,
        seen(&[("message", "a", "41"), ("message", "b", "42")])
    );
}

#[test]
fn a_line_longer_than_the_limit_is_an_error_with_its_position() {
    let error = DecodeError::LineTooLong {
        limit: 10,
        position: 12,
    };
    assert_eq!(
        error.to_string(),
        "line at byte 12 exceeds the limit of 10 bytes"
    );
    // An event's data, a comment, and an ignored field.
    for line in ["data: 6bytes", ":1234567890", "unknown: 890"] {
        let stream = format!("data: 4444\n\n{line}\n\ndata: later\n\n");
        for chunk_len in 1..=stream.len() {
            let mut decoder = Decoder::new().max_line_len(10);
            let (mut count, mut errors) = (0, 0);
            for chunk in stream.as_bytes().chunks(chunk_len) {
                let mut events = decoder.feed(chunk);
                loop {
                    match events.next_event() {
                        Ok(Some(event)) => {
                            assert_eq!(event.data(), "4444");
                            count += 1;
                        }
                        Ok(None) => break,
                        Err(found) => {
                            assert_eq!(found, error);
                            errors += 1;
                            break;
                        }
                    }
                }
            }
            assert_eq!(count, 1);
            assert!(errors > 0);
        }
    }
}

#[test]
fn a_limit_may_be_shorter_than_an_incomplete_byte_order_mark() {
    for chunk_len in 1..=4 {
        for limit in 0..2 {
            let mut decoder = Decoder::new().max_line_len(limit);
            let mut results = Vec::new();
            for chunk in b"\xEF\xBBx\n".chunks(chunk_len) {
                results.push(decoder.feed(chunk).next().err());
            }
            let error = DecodeError::LineTooLong { limit, position: 0 };
            assert_eq!(results.last(), Some(&Some(error)));
        }
    }
}

#[test]
fn an_unfinished_line_is_refused_before_it_ends() {
    let mut decoder = Decoder::new().max_line_len(10);
    assert_eq!(decoder.feed(b"data: 4444").next(), Ok(None));
    assert_eq!(
        decoder.feed(b"5").next(),
        Err(DecodeError::LineTooLong {
            limit: 10,
            position: 0
        })
    );
}

#[test]
fn data_longer_than_the_limit_is_an_error_with_its_position() {
    let error = |position| DecodeError::EventTooLong { limit: 5, position };
    assert_eq!(
        error(9).to_string(),
        "event data exceeds the limit of 5 bytes in the line at byte 9"
    );
    for (stream, expected) in [
        (&b"data: 12345\n\n"[..], Ok(Some("12345"))),
        (b"data: 123456\n\n", Err(error(0))),
        (b"data: 12\ndata: 34\n\n", Ok(Some("12\n34"))),
        (b"data: 12\ndata: 345\n\n", Err(error(9))),
        (
            b"data\ndata\ndata\ndata\ndata\ndata\n\n",
            Ok(Some("\n\n\n\n\n")),
        ),
        (
            b"data\ndata\ndata\ndata\ndata\ndata\ndata\n\n",
            Err(error(30)),
        ),
        // Each replacement has three bytes.
        (b"id: 1\ndata: \xFF12\n\n", Ok(Some("\u{fffd}12"))),
        (b"id: 1\ndata: \xFF\xFF\n\n", Err(error(6))),
        (b"data: \ndata: \xFF12\n\n", Err(error(7))),
    ] {
        for chunk_len in 1..=stream.len() {
            let mut decoder = Decoder::new().max_event_len(5);
            let mut result = Ok(None);
            for chunk in stream.chunks(chunk_len) {
                match decoder.feed(chunk).next_event() {
                    Ok(Some(event)) => result = Ok(Some(event.data().to_owned())),
                    Ok(None) => {}
                    Err(error) => result = Err(error),
                }
            }
            assert_eq!(result, expected.map(|data| data.map(str::to_owned)));
        }
    }
}

#[test]
fn after_an_error_only_a_reset_continues() {
    let mut decoder = Decoder::new().max_line_len(10);
    let mut events = decoder.feed(b"id: 1\ndata: a\n\ndata: too long\n\ndata: b\n\n");
    assert!(events.next_event().expect("no error").is_some());
    let error = events.next_event().expect_err("a line is too long");
    assert_eq!(events.next_event(), Err(error));
    assert_eq!(decoder.feed(b"\n\ndata: c\n\n").next_event(), Err(error));
    assert_eq!(decoder.feed(b"").next_event(), Err(error));
    assert_eq!(decoder.last_event_id(), "1");

    decoder.reset();
    let mut events = Vec::new();
    feed(&mut decoder, b"data: c\n\n", &mut events);
    assert_eq!(events, seen(&[("message", "c", "1")]));
}

#[test]
fn what_the_end_of_a_stream_discards_can_be_asked_for() {
    for (stream, expected) in [
        (&b""[..], None),
        (b"data: a\n\n", None),
        (b"data: a\n", Some(("message", "a", ""))),
        (b"data: a", Some(("message", "a", ""))),
        (b"data: a\r", Some(("message", "a", ""))),
        (b"data: a\r\n", Some(("message", "a", ""))),
        (b"data: a\r\n\r", None),
        (b"data", Some(("message", "", ""))),
        (b"dat", None),
        (
            b"id: 7\n\nevent: x\ndata: a\ndata: b\nid: 8",
            Some(("x", "a\nb", "8")),
        ),
        // An event without data is none.
        (b"event: x\nid: 8\n", None),
        (b": comment\nretry: 5", None),
        // Half a character.
        (b"data: \xE2\x82", Some(("message", "\u{fffd}", ""))),
    ] {
        for chunk_len in 1..=stream.len().max(1) {
            let mut decoder = Decoder::new().report_comments(true).report_retry(true);
            for chunk in stream.chunks(chunk_len) {
                let mut items = decoder.feed(chunk);
                while items.next().expect("no limit is exceeded").is_some() {}
            }
            let incomplete = decoder.incomplete_event();
            let found = incomplete
                .as_ref()
                .map(|event| (event.event(), event.data(), event.last_event_id()));
            assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(stream));
            // Asking changes nothing: the stream may go on.
            let mut seen = Vec::new();
            feed(&mut decoder, b"\n\ndata: next\n\n", &mut seen);
            assert_eq!(seen.last().map(|event| event.1.as_str()), Some("next"));
        }
    }
    let mut failed = Decoder::new().max_line_len(10);
    failed
        .feed(b"data: a\ndata: too long")
        .next_event()
        .expect_err("a line is too long");
    assert_eq!(failed.incomplete_event(), None);
}
