//! Enums as events and back, and events that are none of the variants.

use std::collections::BTreeMap;
use std::error::Error;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sse_codec::{EncodeError, Encoder, Event, Frame, ReceivedEvent, Typed, TypedError};
use sse_reference::{received, text_of};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Ping,
    Delta(String),
    Pair(u32, String),
    Usage { input: u32, output: Option<u32> },
    Nothing {},
    Wrapped(Box<Message>),
}

fn first_of(stream: &str) -> ReceivedEvent {
    received(stream).swap_remove(0)
}

fn messages() -> [(Message, &'static str); 7] {
    [
        (Message::Ping, "event: ping\ndata: null\n\n"),
        (
            Message::Delta("a\nb".into()),
            "event: delta\ndata: \"a\\nb\"\n\n",
        ),
        (
            Message::Pair(1, "x".into()),
            "event: pair\ndata: [1,\"x\"]\n\n",
        ),
        (
            Message::Usage {
                input: 1,
                output: None,
            },
            "event: usage\ndata: {\"input\":1,\"output\":null}\n\n",
        ),
        (
            Message::Usage {
                input: 1,
                output: Some(2),
            },
            "event: usage\ndata: {\"input\":1,\"output\":2}\n\n",
        ),
        (Message::Nothing {}, "event: nothing\ndata: {}\n\n"),
        (
            Message::Wrapped(Box::new(Message::Ping)),
            "event: wrapped\ndata: \"ping\"\n\n",
        ),
    ]
}

#[test]
fn a_variant_is_an_event_and_is_read_back() {
    for (message, text) in messages() {
        assert_eq!(text_of(Typed(&message)), text);
        assert_eq!(
            first_of(text).typed::<Message>().expect("a message"),
            message
        );
    }
}

#[test]
fn the_content_is_what_serde_json_writes() {
    for (message, _) in messages() {
        let event = first_of(&text_of(Typed(&message)));
        let tagged = serde_json::to_value(&message).expect("JSON");
        let content = match tagged {
            Value::String(_) => Value::Null,
            tagged => tagged[event.event()].clone(),
        };
        assert_eq!(event.json::<Value>().expect("JSON"), content);
    }
}

#[test]
fn a_typed_event_may_have_an_id_and_a_name_of_its_own() {
    assert_eq!(
        text_of(Event::new().id("1").typed(Message::Ping)),
        "event: ping\ndata: null\nid: 1\n\n"
    );
    assert_eq!(
        text_of(Event::new().event("other").typed(Message::Ping)),
        "event: other\ndata: null\n\n"
    );
}

#[test]
fn a_wrapper_of_an_enum_is_the_enum() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapper(Option<Message>);

    let wrapper = Wrapper(Some(Message::Delta("x".into())));
    let text = text_of(Typed(&wrapper));
    assert_eq!(text, "event: delta\ndata: \"x\"\n\n");
    assert_eq!(
        first_of(&text).typed::<Wrapper>().expect("a message"),
        wrapper
    );
}

#[test]
fn content_with_line_breaks_stays_inside_its_data() {
    #[derive(Serialize)]
    enum Raw {
        One(Box<RawValue>),
        Two(Box<RawValue>, u8),
    }
    let raw = || RawValue::from_string("[1,\r\n2]".into()).expect("JSON");
    assert_eq!(
        text_of(Typed(Raw::One(raw()))),
        "event: One\ndata: [1,\ndata: 2]\n\n"
    );
    assert_eq!(
        text_of(Typed(Raw::Two(raw(), 3))),
        "event: Two\ndata: [[1,\ndata: 2],3]\n\n"
    );
}

#[test]
fn a_value_that_is_not_an_enum_is_an_error_and_nothing_is_written() {
    let mut out = b"before".to_vec();
    for value in [
        json!(1),
        json!("x"),
        json!([1]),
        json!({"a": 1}),
        json!(null),
        json!(true),
    ] {
        let error = Encoder::new()
            .encode(&Event::new().id("1").typed(value), &mut out)
            .expect_err("not an enum");
        assert!(matches!(error, EncodeError::NotAnEnum));
        assert_eq!(error.to_string(), "typed data is not an enum");
    }
    assert_eq!(out, b"before");
}

#[test]
fn content_that_fails_halfway_is_removed() {
    #[derive(Serialize)]
    enum Failing {
        Several {
            first: u8,
            bad: BTreeMap<(u8, u8), u8>,
        },
    }
    let failing = Failing::Several {
        first: 1,
        bad: BTreeMap::from([((1, 2), 3)]),
    };
    let mut out = b"before".to_vec();
    let error = Encoder::new()
        .encode(&Typed(failing), &mut out)
        .expect_err("no JSON");
    assert!(matches!(error, EncodeError::Json(_)));
    assert_eq!(out, b"before");
}

#[test]
fn a_name_with_a_line_break_is_an_error() {
    #[derive(Serialize)]
    enum Forging {
        #[serde(rename = "a\ndata: b")]
        Variant,
    }
    let error = Frame::new(Typed(Forging::Variant)).expect_err("a line break");
    assert!(matches!(error, EncodeError::LineBreak { position: 1, .. }));
}

#[test]
fn an_unknown_name_is_an_error_with_the_event() {
    let error = first_of("event: other\nid: 3\ndata: {\n\n")
        .typed::<Message>()
        .expect_err("unknown");
    assert_eq!(error.to_string(), "unknown event \"other\"");
    assert!(matches!(
        &error,
        TypedError::UnknownEvent { expected, .. } if expected.contains(&"delta")
    ));
    let event = error.into_event();
    assert_eq!(
        (event.event(), event.data(), event.last_event_id()),
        ("other", "{", "3")
    );

    // The default name is looked up as well.
    let error = first_of("data: 1\n\n")
        .typed::<Message>()
        .expect_err("unknown");
    assert_eq!(error.event().event(), "message");
}

#[test]
fn json_that_does_not_fit_is_an_error_with_the_event() {
    for data in ["", "{", "1", "\"x\" y", "null"] {
        let error = first_of(&format!("event: delta\ndata: {data}\n\n"))
            .typed::<Message>()
            .expect_err("not a string");
        assert_eq!(
            error.to_string(),
            "data of event \"delta\" could not be deserialized as JSON"
        );
        let source = error.source().expect("the JSON error");
        assert!(source.is::<serde_json::Error>());
        assert!(matches!(&error, TypedError::Json(_)));
        assert_eq!(error.event().data(), data);
    }
    let error = first_of("data: [1\n\n")
        .json::<Value>()
        .expect_err("cut off");
    assert!(error.source().is_some());
    assert_eq!(error.into_event().data(), "[1");
}

#[test]
fn an_unknown_variant_inside_the_data_is_not_an_unknown_event() {
    let error = first_of("event: wrapped\ndata: \"other\"\n\n").typed::<Message>();
    assert!(matches!(error, Err(TypedError::Json(_))));
}

#[test]
fn a_unit_variant_accepts_any_data() {
    for data in ["", "null", "{\"type\": \"ping\"}", "not JSON"] {
        let event = first_of(&format!("event: ping\ndata: {data}\n\n"));
        assert_eq!(event.typed::<Message>().expect("a ping"), Message::Ping);
    }
}

#[test]
fn unknown_names_can_go_to_a_catch_all() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Open {
        Delta(String),
        #[serde(other)]
        Unknown,
    }
    let read = |stream| first_of(stream).typed::<Open>().expect("any event");
    assert_eq!(
        read("event: delta\ndata: \"x\"\n\n"),
        Open::Delta("x".into())
    );
    assert_eq!(read("event: other\ndata: not JSON\n\n"), Open::Unknown);
    assert_eq!(read("data: [DONE]\n\n"), Open::Unknown);
}

#[test]
fn unknown_names_can_go_to_a_variant_that_keeps_them() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Open {
        Delta(String),
        Usage {
            input: u32,
        },
        #[serde(untagged)]
        Other(BTreeMap<String, Value>),
    }
    let read = |stream| first_of(stream).typed::<Open>().expect("any event");
    assert_eq!(
        read("event: delta\ndata: \"x\"\n\n"),
        Open::Delta("x".into())
    );
    assert_eq!(
        read("event: usage\ndata: {\"input\": 1}\n\n"),
        Open::Usage { input: 1 }
    );
    assert_eq!(
        read("event: other\ndata: [1]\n\n"),
        Open::Other(BTreeMap::from([("other".into(), json!([1]))]))
    );
}

#[test]
fn an_enum_may_borrow_from_the_event() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Borrowed<'a> {
        #[serde(borrow)]
        Delta(&'a str),
    }
    let event = first_of("event: Delta\ndata: \"x\"\n\n");
    assert_eq!(
        event.typed::<Borrowed<'_>>().expect("a string"),
        Borrowed::Delta("x")
    );
    assert_eq!(event.json::<&str>().expect("a string"), "x");
}
