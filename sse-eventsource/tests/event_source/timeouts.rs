//! The timeouts, and what resets them.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use sse_eventsource::{Error, ErrorKind, EventSource, Reconnect, RequestBody, Update};
use tokio::time::{Instant, sleep};

use crate::stack::{Reply, Stack, body, events, no_jitter, open, read_all, reply};

fn get() -> sse_eventsource::EventSourceBuilder {
    EventSource::get("https://example.com/ticks").backoff(no_jitter())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns the error of the first lost connection, and after how long it was lost.
async fn first_loss(source: EventSource) -> (Option<Error>, Duration) {
    let start = Instant::now();
    let mut updates = source.into_updates();
    loop {
        match updates.next().await {
            Some(Ok(Update::Disconnected { error, .. })) => return (error, start.elapsed()),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_response_is_requested_again() {
    let stack = Stack::new([Reply::Silence, events(["data: a\n\n"])]);
    let source = get()
        .response_timeout(seconds(5))
        .build_with(stack)
        .expect("valid");
    let start = Instant::now();
    let (data, error) = read_all(source).await;
    assert_eq!(data, ["a"]);
    assert!(error.is_none());
    assert_eq!(start.elapsed().as_secs(), 5 + 3 + 3);

    let stack = Stack::new([Reply::Silence]);
    let source = get()
        .response_timeout(seconds(5))
        .build_with(stack)
        .expect("valid");
    let (error, _) = first_loss(source).await;
    assert!(
        matches!(error.as_ref().map(Error::kind), Some(ErrorKind::ResponseTimeout { limit, request_was_sent: false }) if *limit == seconds(5))
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_a_lost_connection() {
    let stack = Stack::new([open("data: a\n\n")]);
    let source = get()
        .idle_timeout(seconds(30))
        .build_with(stack)
        .expect("valid");
    let (error, time) = first_loss(source).await;
    assert!(
        matches!(error.as_ref().map(Error::kind), Some(ErrorKind::IdleTimeout(time)) if *time == seconds(30))
    );
    assert_eq!(time.as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn keep_alive_comments_keep_a_stream_alive() {
    let keep_alives = stream::unfold(0, |count| async move {
        sleep(seconds(15)).await;
        (count < 100).then_some((Ok(":\n"), count + 1))
    });
    let silence = stream::pending();
    let stack = Stack::new([body(keep_alives.chain(silence))]);
    let source = get()
        .idle_timeout(seconds(20))
        .build_with(stack)
        .expect("valid");
    let (error, time) = first_loss(source).await;
    assert!(
        matches!(
            error.as_ref().map(Error::kind),
            Some(ErrorKind::IdleTimeout(_))
        ),
        "{error:?}"
    );
    assert_eq!(time.as_secs(), 100 * 15 + 20);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_does_not_make_a_stream_idle() {
    let chunks = stream::unfold(0, |count| async move {
        sleep(seconds(10)).await;
        let pieces = ["data: a\n\n", "data: b\n\n", "data: c\n\n"];
        Some((Ok(*pieces.get(count)?), count + 1))
    });
    let stack = Stack::new([body(chunks)]);
    let mut source = get()
        .idle_timeout(seconds(15))
        .build_with(stack.clone())
        .expect("valid");
    for expected in ["a", "b", "c"] {
        let event = source.next().await.expect("more").expect("no error");
        assert_eq!(event.data(), expected);
        sleep(seconds(100)).await;
    }
    assert_eq!(stack.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_the_body_of_an_error_is_bounded() {
    let hangs = stream::iter([Ok("not "), Ok("found")]).chain(stream::pending());
    let stack = Stack::new([reply(404, &[], hangs)]);
    let source = get().response_timeout(seconds(1)).build_with(stack);
    let start = Instant::now();
    let (_, error) = read_all(source.expect("valid")).await;
    let error = error.expect("an error");
    assert!(matches!(error.kind(), ErrorKind::Status(_)), "{error:?}");
    assert_eq!(error.rejected().expect("a response").body(), "not found");
    assert_eq!(start.elapsed().as_secs(), 5);
}

/// The default limits of the standard's request and of any other.
#[tokio::test(start_paused = true)]
async fn a_post_waits_longer_for_its_answer() {
    for (source, limit) in [
        (get(), 60),
        (EventSource::post("https://llm.example/"), 10 * 60),
    ] {
        let stack = Stack::new([Reply::Silence]);
        let start = Instant::now();
        let source = source.max_attempts(1).build_with(stack).expect("valid");
        let (_, error) = read_all(source).await;
        let kind = error.as_ref().map(Error::kind);
        assert!(
            matches!(kind, Some(ErrorKind::ResponseTimeout { .. })),
            "{error:?}"
        );
        assert_eq!(start.elapsed().as_secs(), limit);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_server_may_be_working_on_is_not_repeated() {
    let ask = || {
        EventSource::post("https://llm.example/")
            .body("{}")
            .reconnect(Reconnect::UntilOpen)
            .backoff(no_jitter())
    };
    let late = || Stack::new([Reply::Silence, events(["data: a\n\n"])]);
    let stack = late();
    let (data, error) = read_all(ask().build_with(stack.clone()).expect("valid")).await;
    assert!(data.is_empty());
    let kind = error.as_ref().map(Error::kind);
    assert!(
        matches!(
            kind,
            Some(ErrorKind::ResponseTimeout {
                request_was_sent: true,
                ..
            })
        ),
        "{error:?}"
    );
    assert_eq!(stack.requests().len(), 1);

    // If that is asked for, it is.
    let stack = late();
    let asked = ask().retry_if(|error| matches!(error.kind(), ErrorKind::ResponseTimeout { .. }));
    let (data, error) = read_all(asked.build_with(stack.clone()).expect("valid")).await;
    assert_eq!((data.len(), error.is_none()), (1, true));
    assert_eq!(stack.requests().len(), 2);
}

/// A stack that never takes the body, as one that cannot connect.
#[tokio::test(start_paused = true)]
async fn a_request_that_was_not_sent_in_full_is_repeated() {
    for body in [
        RequestBody::from("{}"),
        // Half a body, then nothing for ever.
        RequestBody::from_fn(|| {
            let half = stream::iter([Ok::<_, std::io::Error>(http_body::Frame::data(
                bytes::Bytes::from("{"),
            ))]);
            http_body_util::StreamBody::new(half.chain(stream::pending()))
        }),
    ] {
        let attempts = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&attempts);
        let source = EventSource::post("https://llm.example/")
            .body(body)
            .reconnect(Reconnect::UntilOpen)
            .max_attempts(2)
            .backoff(no_jitter())
            .build_with_fn(move |request: http::Request<RequestBody>| {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                async move {
                    let mut body = request.into_body();
                    // Only the stream: to take the bytes is to send them in full.
                    if http_body::Body::size_hint(&body).exact().is_none() {
                        let _ = body.frame().await;
                    }
                    std::future::pending::<Result<http::Response<String>, std::io::Error>>().await
                }
            });
        let (_, error) = read_all(source.expect("valid")).await;
        let kind = error.as_ref().map(Error::kind);
        assert!(
            matches!(
                kind,
                Some(ErrorKind::ResponseTimeout {
                    request_was_sent: false,
                    ..
                })
            ),
            "{error:?}"
        );
        assert_eq!(attempts.load(std::sync::atomic::Ordering::Relaxed), 2);
    }
}

/// In real time: paused time passes only while all tasks wait.
#[tokio::test]
async fn comments_without_a_pause_are_no_events_either() {
    let source = || {
        let comments = stream::repeat(()).then(async |()| {
            // As a socket does: its task yields from time to time, with data left.
            tokio::task::consume_budget().await;
            Ok(": x\n")
        });
        let stack = Stack::new([body(comments)]);
        get()
            .event_timeout(Duration::from_millis(100))
            .reconnect(Reconnect::Never)
            .build_with(stack)
            .expect("valid")
    };
    let is_timeout = |error: Option<Error>| {
        let kind = error.as_ref().map(Error::kind);
        matches!(kind, Some(ErrorKind::EventTimeout(_)))
    };
    let next = tokio::time::timeout(seconds(10), async { source().next().await });
    let error = next.await.expect("a timeout").expect("an item").err();
    assert!(is_timeout(error));

    // Where each comment is reported, too.
    let mut updates = source().into_updates();
    let read = async {
        loop {
            match updates.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("an end in order"),
            }
        }
    };
    let error = tokio::time::timeout(seconds(10), read).await;
    assert!(is_timeout(Some(error.expect("a timeout"))));
}
