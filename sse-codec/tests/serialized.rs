//! Received events as serde values.

use serde_json::json;
use sse_codec::ReceivedEvent;
use sse_reference::received;

const STREAM: &str = "data: a\n\nevent: tick\nid: 7\ndata: \"b\"\ndata: é\n\ndata\n\n\
    event: message\ndata: c\n\nid\ndata: d\n\n";

#[test]
fn an_event_is_a_struct_of_four_fields() {
    let events: Vec<_> = received(STREAM)
        .iter()
        .map(|event| serde_json::to_value(event).expect("JSON"))
        .collect();
    let event = |event: &str, data: &str, last_event_id: &str, sets_id: bool| json!({ "event": event, "data": data, "last_event_id": last_event_id, "sets_id": sets_id });
    assert_eq!(
        events,
        [
            event("message", "a", "", false),
            event("tick", "\"b\"\né", "7", true),
            event("message", "", "7", false),
            event("message", "c", "7", false),
            event("message", "d", "", true),
        ]
    );
}

#[test]
fn an_event_is_deserialized_unchanged() {
    for event in received(STREAM) {
        let json = serde_json::to_string(&event).expect("JSON");
        let same: ReceivedEvent = serde_json::from_str(&json).expect("an event");
        assert_eq!(same, event);
        assert_eq!(same.id(), event.id());
        assert_eq!(
            serde_json::to_string(&event.as_event_ref()).expect("JSON"),
            json
        );
    }
}

#[test]
fn every_field_but_the_data_may_be_missing() {
    let event: ReceivedEvent = serde_json::from_str(r#"{"data":"x"}"#).expect("an event");
    assert_eq!(event, received("data: x\n\n")[0]);
    let error = serde_json::from_str::<ReceivedEvent>(r#"{"event":"x"}"#).expect_err("no data");
    assert!(error.is_data());
}

#[test]
fn an_event_that_no_stream_can_have_is_refused() {
    for (event, message) in [
        (
            json!({ "data": "", "event": "a\ndata: b" }),
            "event name contains a line break",
        ),
        (
            json!({ "data": "", "event": "a\r" }),
            "event name contains a line break",
        ),
        (
            json!({ "data": "", "last_event_id": "1\n" }),
            "last event ID contains a line break or NUL",
        ),
        (
            json!({ "data": "", "last_event_id": "\0" }),
            "last event ID contains a line break or NUL",
        ),
        (json!({ "data": "a\r\nb" }), "event data contains CR"),
    ] {
        let error = serde_json::from_value::<ReceivedEvent>(event).expect_err("no such event");
        assert_eq!(error.to_string(), message);
    }
}
