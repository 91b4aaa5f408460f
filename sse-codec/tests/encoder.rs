//! The exact bytes of encoded events.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
#[cfg(feature = "json")]
use sse_codec::Json;
use sse_codec::{Buffer, Data, DataWriter, Display, Encode, EncodeError, Encoder, Event, Field};
use sse_reference::text_of;

fn error_of(event: impl Encode) -> EncodeError {
    let mut out = BytesMut::from("before");
    let error = Encoder::new()
        .encode(&event, &mut out)
        .expect_err("the event cannot be encoded");
    assert_eq!(out, "before", "an error must write nothing");
    error
}

/// The events in microdot's documentation and tests. Two things differ: the id comes last, and a
/// comment has no blank line after it.
#[test]
fn the_documented_cases_of_microdot_have_the_same_fields() {
    assert_eq!(text_of("hello"), "data: hello\n\n");
    assert_eq!(
        text_of(Event::new().event("greeting").data("hello")),
        "event: greeting\ndata: hello\n\n"
    );
    assert_eq!(text_of("foo"), "data: foo\n\n");
    assert_eq!(
        text_of(Event::new().event("test").data("bar")),
        "event: test\ndata: bar\n\n"
    );
    assert_eq!(
        text_of(Event::new().event("test").id("id42").data("bar")),
        "event: test\ndata: bar\nid: id42\n\n"
    );
    assert_eq!(
        text_of(Event::new().id("id42").data("bar")),
        "data: bar\nid: id42\n\n"
    );
    assert_eq!(
        text_of(Display(std::io::Error::other("foo"))),
        "data: foo\n\n"
    );
    assert_eq!(text_of(b"foo"), "data: foo\n\n");
    assert_eq!(
        text_of(
            Event::new()
                .event("test")
                .id("id42")
                .retry(Duration::from_secs_f64(2.5))
                .data("bar")
        ),
        "retry: 2500\nevent: test\ndata: bar\nid: id42\n\n"
    );
    assert_eq!(text_of(Event::new().comment("heartbeat")), ": heartbeat\n");
}

/// The same, without the spaces of Python's JSON.
#[cfg(feature = "json")]
#[test]
fn the_documented_json_of_microdot_has_the_same_bytes() {
    assert_eq!(
        text_of(serde_json::json!({"foo": "bar"})),
        "data: {\"foo\":\"bar\"}\n\n"
    );
    assert_eq!(
        text_of(Json((42, "foo", "bar"))),
        "data: [42,\"foo\",\"bar\"]\n\n"
    );
}

#[test]
fn text_of_several_lines_has_a_prefix_on_each() {
    assert_eq!(
        text_of("a\nb\rc\r\nd"),
        "data: a\ndata: b\ndata: c\ndata: d\n\n"
    );
    assert_eq!(text_of("a\n"), "data: a\ndata: \n\n");
    assert_eq!(text_of("\n\n"), "data: \ndata: \ndata: \n\n");
    assert_eq!(text_of("\n\r"), "data: \ndata: \ndata: \n\n");
    assert_eq!(text_of(Display("a\r\nb\r")), "data: a\ndata: b\ndata: \n\n");
}

#[test]
fn a_crlf_written_in_two_pieces_is_one_line_break() {
    struct Pieces;
    impl fmt::Display for Pieces {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a\r")?;
            f.write_str("\nb")
        }
    }
    assert_eq!(text_of(Display(Pieces)), "data: a\ndata: b\n\n");
}

#[cfg(feature = "json")]
#[test]
fn raw_json_with_line_breaks_stays_inside_its_data() {
    let raw = serde_json::value::RawValue::from_string("[1,\r\n 2,\n\n 3]".to_owned())
        .expect("valid JSON");
    assert_eq!(
        text_of(Json(raw)),
        "data: [1,\ndata:  2,\ndata: \ndata:  3]\n\n"
    );
}

/// Some clients take these for line ends, and cut the data there.
#[cfg(feature = "json")]
#[test]
fn json_escapes_the_line_ends_beyond_ascii_and_text_does_not() {
    const TEXT: &str = "a\u{85}b\u{2028}\u{2029}";
    const ESCAPED: &str = r"a\u0085b\u2028\u2029";
    let value = serde_json::json!({ TEXT: [TEXT, "é… 日本語"] });
    let data = format!("data: {{\"{ESCAPED}\":[\"{ESCAPED}\",\"é… 日本語\"]}}\n\n");
    assert_eq!(text_of(&value), data);
    assert_eq!(text_of(Json(&value)), data);
    let event = Event::new().comment(TEXT).event(TEXT).id(TEXT);
    assert_eq!(
        text_of(event.json(&value)),
        format!(": {TEXT}\nevent: {TEXT}\n{data}").replace("\n\n", &format!("\nid: {TEXT}\n\n"))
    );
    let raw = serde_json::value::RawValue::from_string(format!("[\"{TEXT}\",\n1]"));
    assert_eq!(
        text_of(Json(raw.expect("valid JSON"))),
        format!("data: [\"{ESCAPED}\",\ndata: 1]\n\n")
    );
    assert_eq!(text_of(TEXT), format!("data: {TEXT}\n\n"));
    assert_eq!(text_of(Display(TEXT)), format!("data: {TEXT}\n\n"));
}

#[test]
fn unset_fields_do_not_appear_and_empty_ones_do() {
    assert_eq!(text_of(Event::new()), "");
    assert_eq!(text_of(Event::new().data("")), "data: \n\n");
    assert_eq!(text_of(Event::new().id("")), "id: \n\n");
    assert_eq!(text_of(Event::new().event("")), "event: \n\n");
    assert_eq!(text_of(Event::new().comment("")), ": \n");
    assert_eq!(text_of(Event::new().id("7")), "id: 7\n\n");
    assert_eq!(text_of(Event::new().retry(Duration::ZERO)), "retry: 0\n");
}

#[test]
fn each_line_of_a_comment_is_a_comment_line() {
    assert_eq!(
        text_of(Event::new().data("x").comment("one\ntwo\r\ndata: three")),
        ": one\n: two\n: data: three\ndata: x\n\n"
    );
}

#[test]
fn the_id_comes_last() {
    let event = || {
        Event::new()
            .id("7")
            .data("a\nb")
            .event("e")
            .retry(Duration::from_millis(1))
            .comment("c")
    };
    let whole = ": c\nretry: 1\nevent: e\ndata: a\ndata: b\nid: 7\n\n";
    assert_eq!(text_of(event()), whole);
    assert_eq!(
        text_of(Event::new().id("7").event("e")),
        "event: e\nid: 7\n\n"
    );

    // Whatever part of the event arrives, its id arrives after all its data.
    let (before_id, _) = whole.split_once("id").expect("an id");
    assert!(before_id.ends_with("data: b\n"));
}

#[test]
fn an_invalid_id_removes_the_data_before_it() {
    let event = Event::new().event("e").data("x".repeat(10_000)).id("1\n2");
    assert!(matches!(
        error_of(event),
        EncodeError::LineBreak {
            field: Field::Id,
            position: 1
        }
    ));
}

#[test]
fn a_comment_alone_is_a_line_and_no_block() {
    assert_eq!(text_of(Event::new().comment("x")), ": x\n");
    assert_eq!(
        text_of(Event::new().comment("one\ntwo\r\ndata: three\n")),
        ": one\n: two\n: data: three\n: \n"
    );
    // With any field, the blank line is there: the field needs it to take effect.
    let comment = || Event::new().comment("x");
    assert_eq!(text_of(comment().id("7")), ": x\nid: 7\n\n");
    assert_eq!(text_of(comment().event("")), ": x\nevent: \n\n");
    assert_eq!(text_of(comment().data("")), ": x\ndata: \n\n");
    assert_eq!(text_of(comment().display("")), ": x\ndata: \n\n");
}

#[test]
fn a_reconnection_time_alone_is_a_line_and_no_block() {
    let retry = || Event::new().retry(Duration::from_millis(7));
    assert_eq!(text_of(retry()), "retry: 7\n");
    assert_eq!(text_of(retry().comment("x")), ": x\nretry: 7\n");
    assert_eq!(text_of(retry().id("")), "retry: 7\nid: \n\n");
    assert_eq!(text_of(retry().event("e")), "retry: 7\nevent: e\n\n");
    assert_eq!(text_of(retry().data("")), "retry: 7\ndata: \n\n");
}

#[test]
fn a_comment_between_events_neither_splits_nor_joins_them() {
    let mut out = Vec::new();
    for event in [
        Event::new().event("a").data("1"),
        Event::new().event("b").data("2"),
    ] {
        let encoder = Encoder::new();
        encoder.encode(&event, &mut out).expect("an event");
        encoder
            .encode(&Event::new().comment("x"), &mut out)
            .expect("a comment");
    }
    assert_eq!(
        String::from_utf8(out.clone()).expect("UTF-8"),
        "event: a\ndata: 1\n\n: x\nevent: b\ndata: 2\n\n: x\n"
    );
    let received = sse_reference::received(std::str::from_utf8(&out).expect("UTF-8"));
    let events: Vec<_> = received.iter().map(|e| (e.event(), e.data())).collect();
    assert_eq!(events, [("a", "1"), ("b", "2")]);
}

#[test]
fn the_reconnection_time_is_rounded_up_and_never_overflows() {
    let retry = |duration| text_of(Event::new().retry(duration));
    assert_eq!(retry(Duration::from_micros(1)), "retry: 1\n");
    assert_eq!(retry(Duration::from_micros(1_000)), "retry: 1\n");
    assert_eq!(retry(Duration::from_micros(1_001)), "retry: 2\n");
    assert_eq!(
        retry(Duration::from_millis(u64::MAX)),
        "retry: 18446744073709551615\n"
    );
    assert_eq!(retry(Duration::MAX), "retry: 18446744073709551615\n");
}

#[test]
fn a_line_break_in_a_name_or_id_is_an_error_with_its_position() {
    for bad in ["a\nb", "a\rb", "a\r\nb"] {
        assert!(matches!(
            error_of(Event::new().event(bad).data("x")),
            EncodeError::LineBreak {
                field: Field::Event,
                position: 1
            }
        ));
        assert!(matches!(
            error_of(Event::new().event("ok").id(bad).data("x")),
            EncodeError::LineBreak {
                field: Field::Id,
                position: 1
            }
        ));
    }
    assert_eq!(
        error_of(Event::new().event("ok\n")).to_string(),
        "line break in the event field at byte 2"
    );
}

#[test]
fn a_nul_is_an_error_in_an_id_and_allowed_elsewhere() {
    assert!(matches!(
        error_of(Event::new().id("12\0")),
        EncodeError::Nul {
            field: Field::Id,
            position: 2
        }
    ));
    assert_eq!(
        text_of(Event::new().event("\0").data("\0")),
        "event: \0\ndata: \0\n\n"
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_an_error_with_its_position() {
    let error = error_of(Event::new().id("1").data(b"ab\xff".as_slice()));
    assert_eq!(error.to_string(), "data is not UTF-8 from byte 2");
    assert!(matches!(error, EncodeError::InvalidUtf8(at) if at.valid_up_to() == 2));
}

#[cfg(feature = "json")]
#[test]
fn json_that_fails_halfway_is_removed() {
    let failing = std::collections::BTreeMap::from([((1, 2), "a key that JSON cannot have")]);
    let error = error_of(
        Event::new()
            .event("x")
            .json((["written", "first"], failing)),
    );
    assert!(matches!(error, EncodeError::Json(_)));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_display_that_fails_halfway_is_removed_without_a_panic() {
    struct Failing;
    impl fmt::Display for Failing {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("written first")?;
            Err(fmt::Error)
        }
    }
    assert!(matches!(error_of(Display(Failing)), EncodeError::Display));
}

#[test]
fn a_display_that_panics_halfway_is_removed() {
    struct Panicking;
    impl fmt::Display for Panicking {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("written first")?;
            panic!("the data's own")
        }
    }
    let mut out = BytesMut::from("before");
    let encode = std::panic::AssertUnwindSafe(|| {
        let _ = Encoder::new().encode(&Event::new().id("1").display(Panicking), &mut out);
    });
    assert!(std::panic::catch_unwind(encode).is_err());
    assert_eq!(out, "before");
}

#[test]
fn an_event_longer_than_the_limit_is_removed() {
    let encoder = Encoder::new().max_event_len(13);
    let mut out = Vec::new();
    assert_eq!(encoder.encode("hello", &mut out).expect("13 bytes"), 13);
    let error = encoder.encode("hello!", &mut out).expect_err("14 bytes");
    assert!(matches!(error, EncodeError::TooLong { len: 14, limit: 13 }));
    assert_eq!(out, b"data: hello\n\n");
}

#[test]
fn the_limit_on_the_length_of_an_event_holds_for_text_of_any_length() {
    for text in (0..300).map(|len| "x".repeat(len)) {
        let len = text_of(&*text).len();
        let mut out = Vec::new();
        let exact = Encoder::new().max_event_len(len);
        assert_eq!(exact.encode(&*text, &mut out).expect("it fits"), len);
        let less = Encoder::new().max_event_len(len - 1);
        let error = less.encode(&*text, &mut out).expect_err("it is too long");
        assert!(matches!(error, EncodeError::TooLong { .. }));
        assert_eq!(out.len(), len);
    }
}

#[test]
fn data_has_the_event_name_of_what_it_owns_or_refers_to() {
    #[derive(Clone)]
    struct Named;
    impl Data for Named {
        fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
            out.text("x");
            Ok(())
        }

        fn event_name(&self) -> Option<&str> {
            Some("named")
        }
    }
    let expected = "event: named\ndata: x\n\n";
    assert_eq!(text_of(Named), expected);
    assert_eq!(text_of(&Named), expected);
    assert_eq!(text_of(Box::new(Named)), expected);
    assert_eq!(text_of(Arc::new(Named)), expected);
    assert_eq!(text_of(Cow::Borrowed(&Named)), expected);
    assert_eq!(text_of(Cow::<Named>::Owned(Named)), expected);
    assert_eq!(text_of(Event::new().data(Cow::Borrowed(&Named))), expected);
}

#[test]
fn an_id_longer_than_the_limit_is_an_error() {
    let id = "7".repeat(4096);
    assert_eq!(
        text_of(Event::new().id(&id).data("x")),
        format!("data: x\nid: {id}\n\n")
    );
    let error = error_of(Event::new().id("7".repeat(4097)).data("x"));
    assert!(matches!(
        error,
        EncodeError::IdTooLong {
            len: 4097,
            limit: 4096
        }
    ));
    assert_eq!(
        error.to_string(),
        "id of 4097 bytes exceeds the limit of 4096"
    );

    let encoder = Encoder::new().max_id_len(2);
    let mut out = Vec::new();
    let mut encode = |id: &str| encoder.encode(&Event::new().id(id).data("x"), &mut out);
    encode("12").expect("two bytes");
    assert!(matches!(
        encode("é1"),
        Err(EncodeError::IdTooLong { len: 3, limit: 2 })
    ));
    assert_eq!(out, b"data: x\nid: 12\n\n");
    // Data may be longer, and so may what was encoded before.
    let frame = Event::new().id("123").to_frame().expect("a frame");
    encoder.encode("123", &mut out).expect("text");
    encoder.encode(&frame, &mut out).expect("encoded");
    assert!(out.ends_with(b"data: 123\n\nid: 123\n\n"));
}

#[test]
fn a_frame_is_the_event_and_shares_its_bytes() {
    let event = Event::new().event("tick").id("1").data("x");
    let frame = event.to_frame().expect("a valid event");
    let clone = frame.clone();
    assert_eq!(clone.as_bytes().as_ptr(), frame.as_bytes().as_ptr());
    assert_eq!(text_of(&frame), text_of(&event));
    assert_eq!(frame.into_bytes(), "event: tick\ndata: x\nid: 1\n\n");
}
