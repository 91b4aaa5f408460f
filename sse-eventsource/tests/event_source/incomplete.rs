//! An end that is not the end, and failures that are reported in a stream with status 200.

use futures_util::StreamExt as _;
use sse_eventsource::{Error, ErrorKind, EventSource, EventSourceBuilder, Reconnect, RequestBody};
use sse_eventsource_testing::{CHUNKED, STREAM, Server};

use crate::stack::{Stack, cut, events, no_jitter, no_wait, read_all};

const HALF: &str = "data: {\"half\":1}\n\n";

fn answer(builder: EventSourceBuilder) -> EventSourceBuilder {
    builder
        .backoff(no_jitter())
        .end_if(|event| event.data() == "[DONE]")
        .fail_if(|event| event.event() == "error" || event.data().starts_with("{\"error\""))
}

fn post() -> EventSourceBuilder {
    answer(EventSource::post("https://llm.example/v1/answers"))
}

fn is_incomplete(error: Option<&Error>) -> bool {
    matches!(error.map(Error::kind), Some(ErrorKind::Incomplete))
}

#[tokio::test(start_paused = true)]
async fn an_orderly_end_before_the_last_event_is_an_error() {
    for reconnect in [Reconnect::Never, Reconnect::UntilOpen] {
        let stack = Stack::new([events([HALF])]);
        let source = post().reconnect(reconnect).build_with(stack.clone());
        let (data, error) = read_all(source.expect("valid")).await;
        assert_eq!(data, ["{\"half\":1}"]);
        assert!(is_incomplete(error.as_ref()), "{error:?}");
        assert_eq!(stack.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_complete_ends_without_an_error() {
    let stack = Stack::new([events([HALF, "data: [DONE]\n\n"])]);
    let (data, error) = read_all(post().build_with(stack).expect("valid")).await;
    assert_eq!((data.len(), error.is_none()), (1, true));

    // Without a known last event, the end in order is all there is.
    let stack = Stack::new([events([HALF])]);
    let source = EventSource::post("https://llm.example/").build_with(stack);
    let (data, error) = read_all(source.expect("valid")).await;
    assert_eq!((data.len(), error.is_none()), (1, true));
}

#[tokio::test(start_paused = true)]
async fn a_last_event_with_content_is_yielded_and_nothing_after_it() {
    let builder = || {
        EventSource::get("https://example.com/")
            .backoff(no_jitter())
            .end_after(|event| event.event() == "done")
            .fail_if(|event| event.data() == "failed")
    };
    let done = "event: done\ndata: 26 tokens\n\ndata: more\n\n";
    let stack = Stack::new([events([HALF]), events([HALF, done])]);
    let (data, error) = read_all(builder().build_with(stack.clone()).expect("valid")).await;
    assert_eq!(data, ["{\"half\":1}", "{\"half\":1}", "26 tokens"]);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stack.requests().len(), 2);

    let stack = Stack::new([events([HALF])]);
    let once = builder().reconnect(Reconnect::UntilOpen);
    let (_, error) = read_all(once.build_with(stack).expect("valid")).await;
    assert!(is_incomplete(error.as_ref()), "{error:?}");

    let stack = Stack::new([events(["event: done\ndata: failed\n\n"])]);
    let (data, error) = read_all(builder().build_with(stack).expect("valid")).await;
    assert!(data.is_empty(), "{data:?}");
    assert!(matches!(
        error.map(Error::into_kind),
        Some(ErrorKind::Event(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_204_is_no_answer_but_ends_a_stream_that_is_resumed() {
    let (data, error) = read_all(post().build_with(Stack::new([])).expect("valid")).await;
    assert!(data.is_empty());
    assert!(is_incomplete(error.as_ref()), "{error:?}");

    let get = answer(EventSource::get("https://example.com/"));
    let (_, error) = read_all(get.build_with(Stack::new([])).expect("valid")).await;
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_resumed_is_complete_however_often_it_ends() {
    let stack = Stack::new([
        events(["id: 1\ndata: a\n\n"]),
        cut("data: b\n\n"),
        events(["data: [DONE]\n\n"]),
    ]);
    let source = answer(EventSource::get("https://example.com/")).build_with(stack.clone());
    let (data, error) = read_all(source.expect("valid")).await;
    assert_eq!(data, ["a", "b"]);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stack.requests().len(), 3);
}

#[tokio::test]
async fn every_kind_of_early_end_is_noticed_over_a_socket() {
    let chunk = format!("{:x}\r\n{HALF}\r\n", HALF.len());
    let length = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {}\r\n\r\n{HALF}",
        HALF.len()
    );
    for (response, in_order) in [
        // Closed by the connection, with a last chunk, with a length: in order.
        (format!("{STREAM}{HALF}"), true),
        (format!("{CHUNKED}{chunk}0\r\n\r\n"), true),
        (length, true),
        // Without the last chunk.
        (format!("{CHUNKED}{chunk}"), false),
    ] {
        let server = Server::start(move |_, mut connection| {
            let response = response.clone();
            async move {
                connection.answer(response).await;
            }
        });
        let source = answer(EventSource::post(server.url()))
            .build()
            .expect("valid");
        let (data, error) = read_all(source).await;
        assert_eq!(data, ["{\"half\":1}"]);
        let error = error.expect("an error");
        match error.kind() {
            ErrorKind::Incomplete => assert!(in_order),
            ErrorKind::Body(_) => assert!(!in_order),
            _ => panic!("{error:?}"),
        }
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("POST {}: ", server.url())),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_body_that_can_be_sent_once_is_not_sent_again() {
    let once = RequestBody::once(http_body_util::Full::new(bytes::Bytes::from("{}")));
    let server = Server::start(|_, mut connection| async move {
        connection.head().await;
        // What is not read would make the end a reset.
        connection.exactly(2).await;
        connection.send(format!("{STREAM}{HALF}")).await;
    });
    let source = answer(EventSource::post(server.url()))
        .body(once)
        .reconnect(Reconnect::Always);
    let (_, error) = read_all(source.build().expect("valid")).await;
    assert!(is_incomplete(error.as_ref()), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_received_of_the_last_event_can_be_asked_for() {
    let stack = Stack::new([events(["data: a\n\nid: 2\ndata: {\"last\":true}\n"])]);
    let mut source = post().build_with(stack).expect("valid");
    assert_eq!(
        source.next().await.expect("one").expect("no error").data(),
        "a"
    );
    let error = source.next().await.expect("one").expect_err("incomplete");
    assert!(is_incomplete(Some(&error)), "{error:?}");
    let last = source.incomplete_event().expect("half an event");
    assert_eq!((last.data(), last.id()), ("{\"last\":true}", Some("2")));
    // It does not count for the next attempt.
    assert_eq!(source.last_event_id(), "");
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_stream_is_an_error_with_the_event() {
    for text in [
        "event: error\ndata: {\"type\":\"overloaded\"}\n\ndata: [DONE]\n\n",
        "data: {\"error\":{\"code\":429}}\n\ndata: [DONE]\n\n",
    ] {
        for builder in [post(), answer(EventSource::get("https://example.com/"))] {
            let stack = Stack::new([events([HALF, text])]);
            let source = builder.build_with(stack.clone()).expect("valid");
            let (data, error) = read_all(source).await;
            assert_eq!(data.len(), 1);
            let Some(ErrorKind::Event(event)) = error.map(Error::into_kind) else {
                panic!("another error");
            };
            assert!(text.contains(event.data()));
            assert_eq!(stack.requests().len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_a_stream_that_is_resumed_can_be_retried() {
    let stack = Stack::new([
        events(["id: 1\ndata: a\n\nevent: error\ndata: busy\n\n"]),
        events(["data: [DONE]\n\n"]),
    ]);
    let builder = answer(EventSource::get("https://example.com/"))
        .retry_if(|error| matches!(error.kind(), ErrorKind::Event(_)));
    let (data, error) = read_all(builder.build_with(stack.clone()).expect("valid")).await;
    assert_eq!(data, ["a"]);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(stack.sent("last-event-id"), ["", "1"]);
}

#[tokio::test]
async fn the_head_of_the_response_comes_before_the_first_event() {
    let server = Server::start(|number, mut connection| async move {
        match number {
            0 => {
                connection
                    .answer("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy")
                    .await;
            }
            1 => {
                let head = "HTTP/1.1 200 OK\r\nX-Request-Id: 7\r\n\
                    Content-Type: text/event-stream\r\n\r\n";
                connection.answer(head).await;
                // Silent until the client leaves.
                connection.closed().await;
            }
            _ => connection.answer("HTTP/1.1 204 No Content\r\n\r\n").await,
        }
    });
    let builder = || EventSource::get(server.url()).backoff(no_wait());
    let mut failed = builder().max_attempts(1).build().expect("valid");
    let error = failed.opened().await.expect_err("503");
    assert_eq!(error.rejected().expect("a response").status(), 503);
    assert_eq!(
        error.to_string(),
        format!(
            "GET {}: unexpected status 503 Service Unavailable: busy",
            server.url()
        )
    );

    let mut source = builder().build().expect("valid");
    let response = source.opened().await.expect("open").expect("a response");
    assert_eq!(response.headers["x-request-id"], "7");
    assert!(source.opened().await.expect("still open").is_none());
    drop(source);

    let mut ended = builder().build().expect("valid");
    assert!(ended.opened().await.expect("no error").is_none());
}
