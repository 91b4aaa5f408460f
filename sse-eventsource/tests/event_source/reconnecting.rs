//! When an event source connects again, how long it waits before that, and when it stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Method};
use sse_eventsource::{
    Backoff, DecodeError, Error, ErrorKind, EventSource, ReadyState, Reconnect, Update,
};
use tokio::time::Instant;

use crate::stack::{
    Reply, Stack, body, cut, events, no_jitter, open, poll_once, read_all, reply, status,
};

fn get() -> sse_eventsource::EventSourceBuilder {
    EventSource::get("https://example.com/ticks").backoff(no_jitter())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Reads to the end, and returns how long each wait was.
async fn delays(source: EventSource) -> Vec<Duration> {
    let mut updates = source.into_updates();
    let mut delays = Vec::new();
    let mut disconnected = None;
    while let Some(Ok(update)) = updates.next().await {
        match update {
            Update::Disconnected { delay, .. } => disconnected = Some((Instant::now(), delay)),
            Update::Connecting { .. } => {
                if let Some((since, delay)) = disconnected.take() {
                    // The timer counts in milliseconds, and rounds up.
                    assert_eq!(since.elapsed().as_millis(), delay.as_millis());
                    delays.push(delay);
                }
            }
            _ => {}
        }
    }
    delays
}

#[tokio::test(start_paused = true)]
async fn the_server_sets_the_reconnection_time() {
    let stack = Stack::new([
        events(["data: a\n\n"]),
        events(["retry: 1500\n"]),
        cut("retry: x\n"),
        status(503),
    ]);
    let source = get().build_with(stack).expect("valid");
    let retry = Duration::from_millis(1500);
    assert_eq!(delays(source).await, [seconds(3), retry, retry, retry]);
}

#[tokio::test(start_paused = true)]
async fn a_reconnection_time_of_nothing_makes_no_hot_loop() {
    let stack = Stack::new((0..50).map(|_| events(["retry: 0\n\n"])));
    let source = get().build_with(stack).expect("valid");
    assert_eq!(delays(source).await, [Duration::from_millis(100); 50]);
}

#[tokio::test(start_paused = true)]
async fn a_reconnection_time_of_ages_is_capped() {
    let stack = Stack::new([events(["retry: 18446744073709551615\n\n"])]);
    let source = get().build_with(stack).expect("valid");
    assert_eq!(delays(source).await, [seconds(3600)]);
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_lengthen_the_wait() {
    let failure = || Reply::Failure("refused");
    let healthy = body(stream::once(async {
        tokio::time::sleep(seconds(11)).await;
        Err(std::io::ErrorKind::ConnectionReset.into())
    }));
    let replies = [
        failure(),
        status(500),
        cut("data: a\n\n"),
        failure(),
        failure(),
        failure(),
        healthy,
        failure(),
        events(["data: in order\n\n"]),
        failure(),
    ];
    let backoff = Backoff::new()
        .reconnection_time(Duration::ZERO)
        .min_reconnection_time(Duration::ZERO)
        .max(seconds(20))
        .jitter(|ceiling| ceiling);
    let source = get()
        .backoff(backoff)
        .build_with(Stack::new(replies))
        .expect("valid");
    assert_eq!(
        delays(source).await,
        [2, 4, 8, 16, 20, 20, 2, 4, 1, 2].map(seconds)
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_ends_with_its_error() {
    let stack = Stack::new((0..9).map(|_| status(500)));
    let source = get()
        .max_attempts(4)
        .build_with(stack.clone())
        .expect("valid");
    let (_, error) = read_all(source).await;
    assert_eq!(
        error
            .expect("an error")
            .rejected()
            .expect("a response")
            .status(),
        500
    );
    assert_eq!(stack.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for() {
    let busy = |code, value| reply(code, &[("retry-after", value)], stream::empty());
    let dated = reply(
        503,
        &[
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("retry-after", "Sun, 06 Nov 1994 08:50:17 GMT"),
        ],
        stream::empty(),
    );
    let stack = Stack::new([
        events(["retry: 2000\n\n"]),
        busy(429, "7"),
        dated,
        // The wait is never shorter than the reconnection time.
        busy(429, "1"),
        busy(503, "999999999999"),
        busy(503, "soon"),
    ]);
    let source = get().build_with(stack).expect("valid");
    assert_eq!(delays(source).await, [2, 7, 40, 2, 3600, 2].map(seconds));
}

#[tokio::test(start_paused = true)]
async fn what_is_retried_can_be_chosen() {
    let stack = Stack::new([
        status(404),
        status(404),
        events(["data: a\n\n"]),
        status(500),
    ]);
    let builder = get().retry_if(|error| {
        error
            .rejected()
            .is_some_and(|rejected| rejected.status() == 404)
    });
    let (data, error) = read_all(builder.build_with(stack).expect("valid")).await;
    assert_eq!(data, ["a"]);
    assert_eq!(
        error
            .expect("an error")
            .rejected()
            .expect("a response")
            .status(),
        500
    );
}

#[tokio::test(start_paused = true)]
async fn each_attempt_gets_a_fresh_token() {
    let stack = Stack::new([
        cut("id: 1\n\n"),
        Reply::Failure("refused"),
        events(["data: a\n\n"]),
    ]);
    let count = Arc::new(AtomicUsize::new(0));
    let builder = get().before_attempt(move |mut request| {
        let count = count.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            let token = HeaderValue::try_from(format!("Bearer {count}"))?;
            request.headers_mut().insert("authorization", token);
            let id = request.headers_mut().remove("last-event-id");
            let id = id.as_ref().map_or(Ok("none"), |id| id.to_str())?;
            *request.uri_mut() = format!("https://example.com/?after={id}").parse()?;
            Ok(request)
        }
    });
    let (data, _) = read_all(builder.build_with(stack.clone()).expect("valid")).await;
    assert_eq!(data, ["a"]);
    let sent = stack.sent("authorization");
    assert_eq!(sent, ["Bearer 0", "Bearer 1", "Bearer 2", "Bearer 3"]);
    let requests = stack.requests();
    let queries: Vec<_> = requests
        .iter()
        .map(|request| request.uri().query())
        .collect();
    let one = Some("after=1");
    assert_eq!(queries, [Some("after=none"), one, one, one]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_hook_is_final() {
    let stack = Stack::new([]);
    let builder = get().before_attempt(|_| async { Err("no token".into()) });
    let (_, error) = read_all(builder.build_with(stack.clone()).expect("valid")).await;
    assert!(
        matches!(error.as_ref().map(Error::kind), Some(ErrorKind::Hook(error)) if error.to_string() == "no token")
    );
    assert!(stack.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_post_is_sent_once_by_default() {
    let post = || {
        EventSource::post("https://example.com/ask")
            .backoff(no_jitter())
            .json(&[1, 2])
    };
    let stack = Stack::new([status(503), cut("data: a\n\n"), events(["data: b\n\n"])]);
    let (_, error) = read_all(post().build_with(stack.clone()).expect("valid")).await;
    assert!(
        matches!(error.as_ref().map(Error::kind), Some(ErrorKind::Status(_))),
        "{error:?}"
    );
    assert_eq!(stack.requests().len(), 1);

    // Failed attempts are repeated; a stream that was open is not.
    let stack = Stack::new([status(503), cut("data: a\n\n"), events(["data: b\n\n"])]);
    let builder = post().reconnect(Reconnect::UntilOpen);
    let (data, error) = read_all(builder.build_with(stack.clone()).expect("valid")).await;
    assert_eq!(data, ["a"]);
    assert!(
        matches!(error.as_ref().map(Error::kind), Some(ErrorKind::Body(_))),
        "{error:?}"
    );
    for request in stack.requests() {
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.body(), "[1,2]");
        assert_eq!(request.headers()["content-type"], "application/json");
    }
    assert_eq!(stack.requests().len(), 2);

    // A stream that ends in order ends without an error.
    let stack = Stack::new([events(["data: b\n\n"]), events(["data: c\n\n"])]);
    let (data, error) = read_all(post().build_with(stack).expect("valid")).await;
    assert_eq!(data, ["b"]);
    assert!(error.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_end_event_ends_the_stream() {
    let stack = Stack::new([open("data: a\n\ndata: [DONE]\n\ndata: b\n\n")]);
    let builder = get().end_if(|event| event.data() == "[DONE]");
    let (data, error) = read_all(builder.build_with(stack.clone()).expect("valid")).await;
    assert_eq!(data, ["a"]);
    assert!(error.is_none());
    assert_eq!(stack.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_exceeded_limit_of_the_decoder_is_final() {
    let stack = Stack::new([events(["data: a\n\ndata: 0123456789\n\n"])]);
    let source = get().max_line_len(10).build_with(stack).expect("valid");
    let (data, error) = read_all(source).await;
    assert_eq!(data, ["a"]);
    let expected = DecodeError::LineTooLong {
        limit: 10,
        position: 9,
    };
    assert!(
        matches!(error.as_ref().map(Error::kind), Some(ErrorKind::Decode(error)) if *error == expected)
    );

    let stack = Stack::new([events(["data: 01234\ndata: 01234\n\n"])]);
    let source = get().max_event_len(10).build_with(stack).expect("valid");
    let (_, error) = read_all(source).await;
    assert!(matches!(
        error.as_ref().map(Error::kind),
        Some(ErrorKind::Decode(DecodeError::EventTooLong {
            limit: 10,
            ..
        }))
    ));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_when_a_reader_drops_its_future() {
    let slow = body(stream::unfold(0, |step| async move {
        tokio::time::sleep(seconds(2)).await;
        let piece = ["data: a", "\n\ndata: b\n\n", "data: c\n", "\n"].get(step)?;
        Some((Ok(*piece), step + 1))
    }));
    let stack = Stack::new([Reply::Failure("refused"), slow]);
    let mut source = get().build_with(stack.clone()).expect("valid");
    let (mut data, mut cancelled) = (Vec::new(), 0);
    loop {
        match tokio::time::timeout(Duration::from_millis(700), source.next()).await {
            Ok(Some(event)) => data.push(event.expect("no error").data().to_owned()),
            Ok(None) => break,
            Err(_) => cancelled += 1,
        }
    }
    assert_eq!(data, ["a", "b", "c"]);
    assert!(cancelled > 10, "cancelled {cancelled} times");
    assert_eq!(
        stack.requests().len(),
        3,
        "the last one is answered with 204"
    );
}

#[tokio::test(start_paused = true)]
async fn a_closed_source_ends_in_every_state() {
    for first in [
        Reply::Silence,
        Reply::Failure("refused"),
        open("data: a\n\n"),
    ] {
        let stack = Stack::new([first]);
        let mut source = get().build_with(stack.clone()).expect("valid");
        let _ = poll_once(&mut source);
        source.close();
        assert!(matches!(poll_once(&mut source), Poll::Ready(None)));
        assert_eq!(stack.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_like_an_end_in_order() {
    let stack = Stack::new([
        open("id: 1\ndata: a\n\nid: 2\ndata: incomplete"),
        open("data: b\n\n"),
    ]);
    let builder = get().reconnect(Reconnect::Never);
    let mut source = builder.build_with(stack.clone()).expect("valid");
    source.restart();
    assert_eq!(stack.requests().len(), 0, "there is nothing to restart yet");
    let event = source.next().await.expect("an event").expect("no error");
    assert_eq!(event.data(), "a");

    let before = Instant::now();
    source.restart();
    assert_eq!(source.ready_state(), ReadyState::Connecting);
    let event = source.next().await.expect("an event").expect("no error");
    assert_eq!(event.data(), "b");
    assert_eq!(before.elapsed(), seconds(3));
    assert_eq!(stack.sent("last-event-id"), ["", "1"]);

    source.close();
    source.restart();
    assert!(source.next().await.is_none());
    assert_eq!(stack.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn statuses_that_pass_are_retried() {
    for code in [
        408, 409, 425, 429, 500, 502, 503, 504, 507, 509, 520, 524, 529, 530, 598, 599,
    ] {
        let stack = Stack::new([status(code), status(code), events(["data: a\n\n"])]);
        let (data, error) = read_all(get().build_with(stack.clone()).expect("valid")).await;
        assert_eq!(data, ["a"], "{code}: {error:?}");
    }
}
