//! The processing model of the standard (HTML § 9.2.2 to § 9.2.6).

use std::task::Poll;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{Method, StatusCode};
use sse_eventsource::{
    BuildError, Error, ErrorKind, EventSource, ReadyState, RedirectError, Rejected, Update,
};

use crate::stack::{Stack, cut, events, no_jitter, open, poll_once, read_all, reply, status};

fn get() -> sse_eventsource::EventSourceBuilder {
    EventSource::get("https://example.com/ticks?x=1#part").backoff(no_jitter())
}

#[tokio::test(start_paused = true)]
async fn the_request_is_that_of_the_standard() {
    let stack = Stack::new([]);
    let (data, error) = read_all(get().build_with(stack.clone()).expect("valid")).await;
    assert!(data.is_empty() && error.is_none());
    let requests = stack.requests();
    assert_eq!(requests.len(), 1, "204 is the end");
    assert_eq!(requests[0].method(), Method::GET);
    assert_eq!(requests[0].uri(), "https://example.com/ticks?x=1");
    assert_eq!(requests[0].headers()["accept"], "text/event-stream");
    assert_eq!(requests[0].headers()["cache-control"], "no-cache");
    assert_eq!(requests[0].headers()["pragma"], "no-cache");
    assert_eq!(requests[0].headers()["accept-encoding"], "identity");
    let agent = requests[0].headers()["user-agent"].to_str().expect("ASCII");
    assert!(agent.starts_with("sse-eventsource/"), "{agent}");
    assert_eq!(requests[0].headers().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_resumed_after_the_last_id() {
    let stack = Stack::new([
        events(["id: 1\ndata: a\n\nid: lost\ndata: incomplete"]),
        cut("id: 2\ndata: b\n\nid: lost"),
        events(["id: \u{fc}\n\n"]),
        events(["data: c\n\n"]),
        events(["id\n\n"]),
    ]);
    let (data, error) = read_all(get().build_with(stack.clone()).expect("valid")).await;
    assert_eq!(data, ["a", "b", "c"]);
    assert!(error.is_none());
    // The third ID is that of an event without data; an empty one resets the last.
    assert_eq!(
        stack.sent("last-event-id"),
        ["", "1", "2", "\u{fc}", "\u{fc}", ""]
    );
}

#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_is_skipped_in_each_stream() {
    let stack = Stack::new([
        events(["\u{feff}data: a\n\n"]),
        events(["\u{feff}data: b\n\n"]),
    ]);
    let (data, _) = read_all(get().build_with(stack).expect("valid")).await;
    assert_eq!(data, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn an_initial_id_is_sent_and_reported() {
    let stack = Stack::new([events(["data: a\n\n"])]);
    let builder = get().last_event_id("41");
    let mut source = builder.build_with(stack.clone()).expect("valid");
    let event = source
        .try_next()
        .await
        .expect("no error")
        .expect("an event");
    assert_eq!(event.last_event_id(), "41");
    assert_eq!(event.id(), None);
    assert_eq!(stack.sent("last-event-id"), ["41"]);
}

#[tokio::test(start_paused = true)]
async fn another_content_type_is_final_and_reported() {
    let page = reply(
        200,
        &[("content-type", "text/html")],
        stream::iter([Ok("<h1>no")]),
    );
    let stack = Stack::new([page, events(["data: a\n\n"])]);
    let mut source = get().build_with(stack.clone()).expect("valid");
    let error = source.try_next().await.expect_err("no event stream");
    assert!(
        matches!(error.kind(), ErrorKind::ContentType(_)),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "GET https://example.com/ticks?…: the response has the Content-Type \"text/html\", expected text/event-stream: <h1>no"
    );
    assert_eq!(error.rejected().expect("a response").body(), "<h1>no");
    assert_eq!(source.ready_state(), ReadyState::Closed);
    assert!(source.next().await.is_none());
    assert_eq!(stack.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_content_type_and_one_of_several_are_reported() {
    for (headers, expected) in [
        (
            &[][..],
            "GET https://example.com/ticks?…: the response has no Content-Type, expected text/event-stream",
        ),
        (
            &[
                ("content-type", "text/event-stream"),
                ("content-type", "text/html"),
            ],
            "GET https://example.com/ticks?…: \
             the response has the Content-Type \"text/event-stream, text/html\", \
             expected text/event-stream",
        ),
    ] {
        let stack = Stack::new([reply(200, headers, stream::empty())]);
        let (_, error) = read_all(get().build_with(stack).expect("valid")).await;
        assert_eq!(error.expect("an error").to_string(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn other_statuses_are_final_and_keep_the_start_of_the_body() {
    for code in [
        201, 206, 300, 304, 305, 400, 401, 403, 404, 410, 501, 505, 506, 508, 510, 511,
    ] {
        let endless = stream::repeat_with(|| Ok("no events here, only "));
        let answer = reply(code, &[("content-type", "text/event-stream")], endless);
        let stack = Stack::new([answer]);
        let (data, error) = read_all(get().build_with(stack.clone()).expect("valid")).await;
        assert!(data.is_empty());
        let error = error.expect("an error");
        assert!(matches!(error.kind(), ErrorKind::Status(_)), "{error:?}");
        let rejected = error.rejected().expect("a response");
        assert_eq!(
            rejected.status(),
            StatusCode::from_u16(code).expect("a status")
        );
        assert!(rejected.body().starts_with(b"no events"));
        assert_eq!(rejected.body().len(), Rejected::MAX_BODY_LEN);
        assert_eq!(stack.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_encoding_that_was_not_asked_for_is_an_error() {
    let headers = [
        ("content-type", "text/event-stream"),
        ("content-encoding", "gzip"),
    ];
    let stack = Stack::new([reply(200, &headers, stream::iter([Ok("\x1f")]))]);
    let (_, error) = read_all(get().build_with(stack).expect("valid")).await;
    let error = error.expect("an error");
    assert!(
        matches!(error.kind(), ErrorKind::ContentEncoding(_)),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "GET https://example.com/ticks?…: unexpected Content-Encoding \"gzip\""
    );

    let headers = [
        ("content-type", "text/event-stream"),
        ("content-encoding", "identity"),
        ("content-encoding", "gzip"),
    ];
    let stack = Stack::new([reply(200, &headers, stream::iter([Ok("\x1f")]))]);
    let (_, error) = read_all(get().build_with(stack).expect("valid")).await;
    let error = error.expect("an error");
    assert!(
        matches!(error.kind(), ErrorKind::ContentEncoding(_)),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_states_are_reported_in_their_order() {
    let stack = Stack::new([
        events([": hi\nretry: 5000\ndata: a\n\n"]),
        status(500),
        open(""),
    ]);
    let source = get().build_with(stack).expect("valid");
    let mut updates = source.into_updates();
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last != "open 200 (Open)") || seen.len() < 9 {
        let update = updates.next().await.expect("more").expect("no error");
        let text = match update {
            Update::Connecting { attempt } => format!("connecting {attempt}"),
            Update::Open(head) => format!("open {}", head.status.as_u16()),
            Update::Event(event) => format!("event {}", event.data()),
            Update::Comment(text) => format!("comment {text}"),
            Update::Retry(time) => format!("retry {time:?}"),
            Update::Disconnected { error, delay } => {
                let error = error.map(|error| error.to_string());
                format!("disconnected {error:?} {delay:?}")
            }
            other => panic!("{other:?}"),
        };
        seen.push(format!(
            "{text} ({:?})",
            updates.event_source().ready_state()
        ));
    }
    assert_eq!(
        seen,
        [
            "connecting 1 (Connecting)",
            "open 200 (Open)",
            "comment hi (Open)",
            "retry 5s (Open)",
            "event a (Open)",
            "disconnected None 5s (Connecting)",
            "connecting 1 (Connecting)",
            "disconnected Some(\"GET https://example.com/ticks?…: unexpected status 500 Internal \
             Server Error\") 5s (Connecting)",
            "connecting 2 (Connecting)",
            "open 200 (Open)",
        ]
    );
    updates.close();
    assert_eq!(updates.event_source().ready_state(), ReadyState::Closed);
    assert!(updates.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_the_stream_is_read() {
    let stack = Stack::new([open("data: a\n\n")]);
    let mut source = get().build_with(stack.clone()).expect("valid");
    assert_eq!(source.ready_state(), ReadyState::Connecting);
    assert!(stack.requests().is_empty());
    assert!(matches!(poll_once(&mut source), Poll::Ready(Some(Ok(_)))));
    assert_eq!(source.ready_state(), ReadyState::Open);
}

#[tokio::test(start_paused = true)]
async fn redirects_are_followed_without_credentials_to_another_origin() {
    let to = |code, location| reply(code, &[("location", location)], stream::empty());
    let stack = Stack::new([
        to(307, "/moved"),
        to(308, "https://other.test/"),
        to(302, "https://example.com/back"),
        events(["data: a\n\n"]),
    ]);
    let builder = get().header("authorization", "Bearer x").last_event_id("7");
    let (data, _) = read_all(builder.build_with(stack.clone()).expect("valid")).await;
    assert_eq!(data, ["a"]);
    let uris: Vec<_> = stack
        .requests()
        .iter()
        .map(|request| request.uri().to_string())
        .collect();
    // A new attempt starts at the first URL.
    assert_eq!(
        uris,
        [
            "https://example.com/ticks?x=1",
            "https://example.com/moved",
            "https://other.test/",
            "https://example.com/back",
            "https://example.com/ticks?x=1",
        ]
    );
    // Credentials that were dropped are not added again.
    assert_eq!(
        stack.sent("authorization"),
        ["Bearer x", "Bearer x", "", "", "Bearer x"]
    );
    assert_eq!(stack.sent("last-event-id"), ["7", "7", "7", "7", "7"]);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_loop_ends() {
    let again = || reply(302, &[("location", "")], stream::empty());
    let stack = Stack::new((0..100).map(|_| again()));
    let source = get()
        .max_redirects(3)
        .build_with(stack.clone())
        .expect("valid");
    let (_, error) = read_all(source).await;
    assert!(
        matches!(
            error.as_ref().map(Error::kind),
            Some(ErrorKind::Redirect(RedirectError::TooMany { limit: 3 }))
        ),
        "{error:?}"
    );
    assert_eq!(stack.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_without_a_location_is_an_unexpected_status() {
    let stack = Stack::new([status(302)]);
    let (_, error) = read_all(get().build_with(stack).expect("valid")).await;
    assert!(
        matches!(error.as_ref().map(Error::kind), Some(ErrorKind::Status(_))),
        "{error:?}"
    );
}

#[test]
fn an_invalid_request_is_not_built() {
    let build = |url: &str| EventSource::get(url).build_with(Stack::default());
    assert!(matches!(build("/ticks"), Err(BuildError::Url(_))));
    assert!(
        matches!(build("ftp://a.test/"), Err(BuildError::Scheme { scheme }) if scheme == "ftp")
    );
    let forged = EventSource::get("http://a.test/").header("x", "a\r\nb: c");
    assert!(matches!(
        forged.build_with(Stack::default()),
        Err(BuildError::Http(_))
    ));
}
