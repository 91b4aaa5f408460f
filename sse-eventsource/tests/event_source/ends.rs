//! The end of a stream is final: whatever ended it, it can be polled on and does no harm.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_core::stream::FusedStream;
use futures_util::{StreamExt as _, stream};
use http::Request;
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use sse_eventsource::{Error, EventSource, EventSourceBuilder, HttpClient, Reconnect, RequestBody};
use sse_eventsource_testing::{CHUNKED, STREAM, Server};
use tower_service::Service as _;

use crate::stack::{Reply, Stack, body, no_jitter, poll_once, status};

/// An event, then the end or an error. A stream of `unfold` panics if it is polled after its end.
fn strict(is_cut: bool) -> Reply {
    body(stream::unfold(0, move |step| async move {
        match step {
            0 => Some((Ok("data: \"a\"\n\n"), 1)),
            1 if is_cut => Some((Err(std::io::ErrorKind::ConnectionReset.into()), 2)),
            2 => panic!("polled after an error"),
            _ => None,
        }
    }))
}

/// A source for each way to end.
fn sources() -> Vec<EventSource> {
    let build = |reply, change: fn(EventSourceBuilder) -> EventSourceBuilder| {
        let builder = EventSource::get("https://example.com/").backoff(no_jitter());
        let source = change(builder).build_with(Stack::new([reply]));
        source.expect("valid")
    };
    vec![
        build(status(204), |builder| builder),
        build(status(404), |builder| builder),
        build(status(500), |builder| builder.max_attempts(1)),
        build(Reply::Failure("refused"), |builder| builder.max_attempts(1)),
        build(strict(false), |builder| builder),
        build(strict(false), |builder| builder.reconnect(Reconnect::Never)),
        build(strict(true), |builder| builder.reconnect(Reconnect::Never)),
        build(strict(true), |builder| builder.max_attempts(1)),
        build(strict(false), |builder| builder.max_line_len(5)),
        build(strict(false), |builder| builder.end_if(|_| true)),
        build(strict(false), |builder| {
            builder.before_attempt(|_| async { Err("no".into()) })
        }),
    ]
}

/// Reads to the end, and on.
async fn read_on<T, S>(mut stream: S)
where
    S: FusedStream<Item = Result<T, Error>> + Unpin,
{
    while let Some(Ok(_)) = stream.next().await {
        assert!(!stream.is_terminated());
    }
    for _ in 0..3 {
        assert!(stream.is_terminated());
        assert!(matches!(poll_once(&mut stream), Poll::Ready(None)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_ended_can_be_polled_on() {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Event {
        Message(#[allow(dead_code, reason = "only read")] String),
    }

    for source in sources() {
        read_on(source).await;
    }
    for source in sources() {
        read_on(source.into_updates()).await;
    }
    for source in sources() {
        read_on(source.typed::<Event>()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_closed_can_be_polled_on() {
    for mut source in sources() {
        source.close();
        read_on(source).await;
    }
    for source in sources() {
        let mut updates = source.into_updates();
        updates.next().await;
        updates.close();
        read_on(updates).await;
    }
    for source in sources() {
        let mut values = source.typed::<()>();
        values.close();
        read_on(values).await;
    }
}

/// Polls once, and returns whether there was a frame or an error.
fn poll_frame<B: Body + Unpin>(body: &mut B) -> Poll<Option<bool>> {
    let mut cx = Context::from_waker(Waker::noop());
    let frame = Pin::new(body).poll_frame(&mut cx);
    frame.map(|frame| frame.map(|frame| frame.is_ok()))
}

#[test]
fn a_request_body_that_has_ended_can_be_polled_on() {
    let stream = |is_cut| {
        StreamBody::new(stream::unfold(0, move |step| async move {
            match step {
                0 => Some((Ok(Frame::data(Bytes::from_static(b"a"))), 1)),
                1 if is_cut => Some((Err("cut"), 2)),
                2 => panic!("polled after an error"),
                _ => None,
            }
        }))
    };
    for (mut body, is_cut) in [
        (RequestBody::from("a"), false),
        (RequestBody::from_fn(move || stream(false)), false),
        (RequestBody::from_fn(move || stream(true)), true),
        (RequestBody::once(stream(false)), false),
        (RequestBody::once(stream(true)), true),
    ] {
        assert_eq!(poll_frame(&mut body), Poll::Ready(Some(true)));
        if is_cut {
            assert_eq!(poll_frame(&mut body), Poll::Ready(Some(false)));
        }
        for _ in 0..3 {
            assert_eq!(poll_frame(&mut body), Poll::Ready(None));
            assert!(body.is_end_stream());
        }
    }
}

#[tokio::test]
async fn a_response_body_that_has_ended_can_be_polled_on() {
    for (head, is_cut) in [(STREAM, false), (CHUNKED, true)] {
        let server = Server::start(move |_, mut connection| async move {
            connection.answer(head).await;
            connection.chunk("data: a\n\n").await;
        });
        let request = Request::get(server.url()).body(RequestBody::default());
        let response = HttpClient::new().call(request.expect("valid")).await;
        let mut body = response.expect("a response").into_body();
        let last = loop {
            match std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                Some(Ok(_)) => {}
                last => break last,
            }
        };
        assert_eq!(last.is_some(), is_cut, "{last:?}");
        for _ in 0..3 {
            assert_eq!(poll_frame(&mut body), Poll::Ready(None));
            assert!(body.is_end_stream());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_predicate_that_panics_leaves_a_closed_source() {
    let builder = EventSource::get("https://example.com/").retry_if(|_| panic!("on purpose"));
    let stack = Stack::new([status(500)]);
    let mut source = builder.build_with(stack).expect("valid");
    let read = tokio::spawn(async move {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            // The scripted stack answers at once.
            while !matches!(poll_once(&mut source), Poll::Ready(None)) {}
        }));
        assert!(caught.is_err());
        read_on(source).await;
    });
    read.await.expect("no other panic");
}
