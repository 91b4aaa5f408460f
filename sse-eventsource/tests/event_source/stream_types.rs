//! The event source as a stream of updates and as a stream of typed events.

use futures_util::StreamExt as _;
use sse_eventsource::{ErrorKind, EventSource, EventSourceBuilder, ReadyState, Reconnect, Update};

use crate::stack::{Stack, cut, events, no_jitter, open};

fn get() -> EventSourceBuilder {
    EventSource::get("https://example.com/ticks").backoff(no_jitter())
}

#[tokio::test(start_paused = true)]
async fn events_are_values_of_an_enum() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Message {
        Delta(String),
        Stop { reason: String },
    }

    let stack = Stack::new([
        cut("event: delta\ndata: \"a\"\n\n"),
        events([
            "event: other\ndata: 1\n\nevent: delta\ndata: 2\n\n",
            "event: stop\ndata: {\"reason\":\"end\"}\n\n",
        ]),
    ]);
    let messages = get().build_with(stack).expect("valid").typed::<Message>();
    let read: Vec<_> = messages.collect().await;
    assert_eq!(read.len(), 4);
    assert!(matches!(&read[0], Ok(Message::Delta(text)) if text == "a"));
    assert!(
        matches!(&read[1], Err(error) if matches!(error.kind(), ErrorKind::Typed(error) if error.event().event() == "other"))
    );
    assert!(
        matches!(&read[2], Err(error) if matches!(error.kind(), ErrorKind::Typed(error) if error.event().data() == "2"))
    );
    assert!(matches!(&read[3], Ok(Message::Stop { reason }) if reason == "end"));
}

#[tokio::test(start_paused = true)]
async fn unknown_events_are_skipped_on_request_but_no_error() {
    let stack = Stack::new([events([
        "event: ping\ndata: no JSON\n\ndata: 1\n\nevent: error\ndata: busy\n\n",
        "data: \"no number\"\n\ndata: 2\n\n",
    ])]);
    let source = get().build_with(stack).expect("valid");
    let read: Vec<_> = source.typed::<Number>().skip_unknown().collect().await;
    let seen: Vec<_> = read
        .iter()
        .map(|item| match item {
            Ok(Number::Message(number)) => number.to_string(),
            Err(error) => match error.kind() {
                ErrorKind::Typed(error) => error.event().data().to_owned(),
                other => panic!("{other:?}"),
            },
        })
        .collect();
    assert_eq!(seen, ["1", "busy", "\"no number\"", "2"]);
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Number {
    Message(u32),
}

#[tokio::test(start_paused = true)]
async fn updates_and_typed_events_turn_back_into_events_without_loss() {
    let stack = Stack::new([events([
        ": a\nretry: 9\ndata: 1\n\n: b\ndata: 2\n\n: c\ndata: 3\n\n",
    ])]);
    let builder = get().reconnect(Reconnect::Never);
    let mut updates = builder.build_with(stack).expect("valid").into_updates();
    loop {
        let update = updates.next().await.expect("an update").expect("no error");
        if matches!(update, Update::Event(event) if event.data() == "1") {
            break;
        }
    }
    let mut numbers = updates.into_inner().typed::<Number>();
    let number = numbers.next().await.expect("an event").expect("no error");
    assert_eq!(number, Number::Message(2));
    let mut source = numbers.into_inner();
    let event = source.next().await.expect("an event").expect("no error");
    assert_eq!(event.data(), "3");
    assert!(source.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn updates_and_typed_events_are_restarted_and_closed_as_events_are() {
    let streams = || Stack::new([open("id: 7\ndata: 1\n\n"), open("data: 2\n\n")]);
    let stack = streams();
    let source = get().build_with(stack.clone()).expect("valid");
    let mut numbers = source.typed::<Number>();
    for expected in [1, 2] {
        let number = numbers.next().await.expect("an event").expect("no error");
        assert_eq!(number, Number::Message(expected));
        assert_eq!(numbers.event_source().last_event_id(), "7");
        numbers.restart();
        assert_eq!(numbers.event_source().ready_state(), ReadyState::Connecting);
    }
    numbers.close();
    assert!(numbers.next().await.is_none());
    assert_eq!(stack.sent("last-event-id"), ["", "7"]);

    let stack = streams();
    let source = get().build_with(stack.clone()).expect("valid");
    let mut updates = source.into_updates();
    let mut data = Vec::new();
    while let Some(update) = updates.next().await {
        match update.expect("no error") {
            Update::Event(event) => data.push(event.data().to_owned()),
            Update::Disconnected { error, .. } => assert!(error.is_none(), "{error:?}"),
            _ => continue,
        }
        match data.len() {
            1 => updates.restart(),
            _ => updates.close(),
        }
    }
    assert_eq!(data, ["1", "2"]);
    assert_eq!(stack.sent("last-event-id"), ["", "7"]);
}
