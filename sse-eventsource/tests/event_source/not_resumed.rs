//! Ids with which a stream cannot be resumed do not end it: it goes on without them.

use futures_util::StreamExt as _;
use sse_eventsource::{Error, ErrorKind, EventSource, Reconnect, Update};

use crate::stack::{Stack, cut, events, no_jitter, read_all, status};

fn get() -> sse_eventsource::EventSourceBuilder {
    EventSource::get("https://example.com/ticks").backoff(no_jitter())
}

/// Reads to the end. Returns the data, the ids that were given up with the status of the answer to
/// each, and the error at the end.
async fn read(source: EventSource) -> (Vec<String>, Vec<(String, Option<u16>)>, Option<Error>) {
    let mut updates = source.into_updates();
    let (mut data, mut refused) = (Vec::new(), Vec::new());
    while let Some(update) = updates.next().await {
        match update {
            Ok(Update::Event(event)) => data.push(event.data().to_owned()),
            Ok(Update::NotResumed {
                last_event_id,
                error,
            }) => {
                let rejected = error
                    .as_ref()
                    .map(|error| error.rejected().expect("a response"));
                refused.push((last_event_id, rejected.map(|it| it.status().as_u16())));
            }
            Ok(_) => {}
            Err(error) => return (data, refused, Some(error)),
        }
    }
    (data, refused, None)
}

#[tokio::test(start_paused = true)]
async fn an_id_that_no_header_can_contain_is_left_out() {
    let stack = Stack::new([
        events(["id: a\u{7f}b\ndata: 1\n\n"]),
        events(["data: 2\n\n"]),
        events(["id: 3\ndata: 3\n\n"]),
    ]);
    let source = get().build_with(stack.clone()).expect("valid");
    let (data, refused, error) = read(source).await;
    assert_eq!(data, ["1", "2", "3"]);
    // Reported once, not with every attempt.
    assert_eq!(refused, [("a\u{7f}b".to_owned(), None)]);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stack.sent("last-event-id"), ["", "", "", "3"]);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_the_server_refuses_is_left_out_at_once() {
    for code in [400, 410, 412, 413, 416, 422, 431] {
        let stack = Stack::new([
            events(["id: long\ndata: 1\n\n"]),
            status(code),
            events(["data: 2\n\n"]),
            cut("id: 3\ndata: 3\n\n"),
        ]);
        let source = get().build_with(stack.clone()).expect("valid");
        let (data, refused, error) = read(source).await;
        assert_eq!(data, ["1", "2", "3"]);
        assert_eq!(refused, [("long".to_owned(), Some(code))]);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(stack.sent("last-event-id"), ["", "long", "", "", "3"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_for_another_reason_is_final() {
    // Without an id, after the id was left out, and with a status that does not mean the id.
    for (replies, sent) in [
        (vec![status(400)], vec![""]),
        (
            vec![events(["id: 1\ndata: a\n\n"]), status(400), status(400)],
            vec!["", "1", ""],
        ),
        (
            vec![events(["id: 1\ndata: a\n\n"]), status(403)],
            vec!["", "1"],
        ),
    ] {
        let stack = Stack::new(replies);
        let (_, error) = read_all(get().build_with(stack.clone()).expect("valid")).await;
        let kind = error.as_ref().map(Error::kind);
        assert!(matches!(kind, Some(ErrorKind::Status(_))), "{error:?}");
        assert_eq!(stack.sent("last-event-id"), sent);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_id_is_an_attempt_like_any_other() {
    let resumed = || get().last_event_id("7");
    let stack = Stack::new([status(400), events(["data: a\n\n"])]);
    let source = resumed().max_attempts(1).build_with(stack.clone());
    let (_, error) = read_all(source.expect("valid")).await;
    assert!(error.is_some());
    assert_eq!(stack.requests().len(), 1);

    let stack = Stack::new([status(400), events(["data: a\n\n"])]);
    let source = resumed()
        .reconnect(Reconnect::Never)
        .build_with(stack.clone());
    let (_, error) = read_all(source.expect("valid")).await;
    assert!(error.is_some());
    assert_eq!(stack.requests().len(), 1);

    let stack = Stack::new([status(400), events(["data: a\n\n"])]);
    let source = resumed().max_attempts(2).build_with(stack.clone());
    let (data, error) = read_all(source.expect("valid")).await;
    assert_eq!(data, ["a"]);
    assert!(error.is_none());
}
