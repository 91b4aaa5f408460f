//! Several events at once: in order, as far as there is room, and none lost.

use std::iter;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use sse_session::{
    BoxError, EncodeError, Event, HandlerError, IntoHandlerResult, SendError, Sse, SseOptions,
    SseStream, TrySendError, forward,
};

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>>>>;

fn body<F>(options: &SseOptions, handler: impl FnOnce(Sse) -> F) -> Body
where
    F: Future<Output: IntoHandlerResult> + 'static,
{
    Box::pin(SseStream::new(options, None, handler))
}

/// A body whose handler does nothing, and another handle of it.
fn idle(options: &SseOptions) -> (Body, Sse) {
    let mut given = None;
    let body = body(options, |sse: Sse| {
        given = Some(sse);
        std::future::pending::<()>()
    });
    (body, given.expect("a handle"))
}

fn quiet() -> SseOptions {
    let options = SseOptions::new().without_opening_comment();
    options.without_keep_alive()
}

/// The piece that a body yields at once.
fn piece(body: &mut Body) -> Bytes {
    let piece = body.next().now_or_never().expect("ready");
    piece.expect("a piece").expect("no failure")
}

fn nothing(body: &mut Body) -> bool {
    body.next().now_or_never().is_none()
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What events of these texts are on the wire.
fn wire(texts: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    let events = texts.into_iter().map(|text| format!("data: {text}\n\n"));
    events.collect()
}

/// Texts of two digits, whose events take ten bytes each.
fn texts(count: usize) -> impl Iterator<Item = String> {
    (10..10 + count).map(|number| number.to_string())
}

#[test]
fn all_events_are_one_piece_in_their_order() {
    let mut body = body(&quiet(), async |sse: Sse| {
        sse.send("first").await?;
        sse.send_all(texts(50)).await?;
        sse.send_all([Event::new().id("1").data("a"), Event::new().data("b")])
            .await?;
        sse.send("last").await
    });
    let expected = format!(
        "data: first\n\n{}data: a\nid: 1\n\ndata: b\n\ndata: last\n\n",
        wire(texts(50))
    );
    assert_eq!(piece(&mut body), expected);
    assert!(body.next().now_or_never().expect("ready").is_none());
}

#[test]
fn nothing_is_sent_of_no_events() {
    let (mut body, sse) = idle(&quiet());
    assert!(sse.try_send_all(iter::empty::<&str>()).is_ok());
    assert!(matches!(sse.send_all([""; 0]).now_or_never(), Some(Ok(()))));
    assert!(nothing(&mut body));
}

#[test]
fn the_rest_is_sent_when_the_client_has_taken_some() {
    let (mut body, sse) = idle(&quiet().buffer_size(30));
    let mut sending = pin!(sse.send_all(texts(8)));
    for (sent, expected) in [(3, 10..13), (6, 13..16)] {
        assert!(poll(sending.as_mut()).is_pending());
        assert!(poll(sending.as_mut()).is_pending());
        assert_eq!(sending.sent(), sent);
        assert_eq!(piece(&mut body), wire(expected));
    }
    assert!(matches!(poll(sending.as_mut()), Poll::Ready(Ok(()))));
    assert_eq!(sending.sent(), 8);
    assert_eq!(piece(&mut body), wire(16..18));
}

#[test]
fn what_was_not_sent_stays_in_an_iterator_that_is_lent() {
    let (mut body, sse) = idle(&quiet().buffer_size(25));
    // It does not know how many there are.
    let mut texts = texts(6);
    let mut events = iter::from_fn(|| texts.next());
    {
        let mut sending = pin!(sse.send_all(&mut events));
        assert!(poll(sending.as_mut()).is_pending());
        assert_eq!(sending.sent(), 3);
    }
    assert_eq!(piece(&mut body), wire(10..13));
    let error = sse
        .try_send_all(&mut events)
        .expect_err("the buffer is full");
    assert_eq!(error.sent(), 3);
    assert!(matches!(error.error(), TrySendError::Full));
    assert_eq!(piece(&mut body), wire(13..16));
    assert!(sse.try_send_all(&mut events).is_ok());
    assert!(nothing(&mut body));
}

#[test]
fn as_many_are_sent_without_waiting_as_there_is_room_for() {
    let (mut body, sse) = idle(&quiet().buffer_size(25));
    let mut events = texts(9);
    let error = sse
        .try_send_all(&mut events)
        .expect_err("more than there is room for");
    assert_eq!(error.sent(), 3);
    assert_eq!(
        error.to_string(),
        "not all events were sent, only the first 3"
    );
    assert!(matches!(error.into_error(), TrySendError::Full));
    let full = sse.try_send_all(&mut events).expect_err("no room");
    assert_eq!(full.sent(), 0);
    assert_eq!(piece(&mut body), wire(10..13));
    assert_eq!(events.next().as_deref(), Some("13"));
}

#[test]
fn a_buffer_that_is_full_with_the_last_event_is_no_error() {
    let (mut body, sse) = idle(&quiet().buffer_size(30));
    assert!(sse.try_send_all(["10", "11", "12"]).is_ok());
    assert_eq!(piece(&mut body), wire(10..13));
    let sent = sse.send_all(vec!["10", "11", "12"]).now_or_never();
    assert!(matches!(sent, Some(Ok(()))));
    assert_eq!(piece(&mut body), wire(10..13));
}

#[test]
fn events_before_one_that_cannot_be_encoded_are_sent_and_those_after_it_are_kept() {
    let (mut body, sse) = idle(&quiet());
    let events = || {
        let names = ["a", "b", "c\nd", "e"];
        names
            .into_iter()
            .map(|name| Event::new().event(name).data("x"))
    };
    let (mut first, mut second) = (events(), events());
    let error = sse.send_all(&mut first).now_or_never().expect("ready");
    let error = error.expect_err("a line break");
    assert_eq!(error.sent(), 2);
    assert!(matches!(
        error.error(),
        SendError::Encode(EncodeError::LineBreak { position: 1, .. })
    ));
    let error = sse.try_send_all(&mut second).expect_err("a line break");
    assert_eq!(error.sent(), 2);
    assert!(matches!(error.error(), TrySendError::Encode(_)));
    let sent = "event: a\ndata: x\n\nevent: b\ndata: x\n\n";
    assert_eq!(piece(&mut body), sent.repeat(2));
    assert!(sse.try_send_all(first.chain(second)).is_ok());
    assert_eq!(piece(&mut body), "event: e\ndata: x\n\n".repeat(2));
}

#[test]
fn a_stream_that_ends_says_how_many_were_sent() {
    let (mut body, sse) = idle(&quiet().buffer_size(30));
    let mut sending = pin!(sse.send_all(texts(8)));
    assert!(poll(sending.as_mut()).is_pending());
    assert_eq!(piece(&mut body), wire(10..13));
    drop(body);
    let Poll::Ready(Err(error)) = poll(sending.as_mut()) else {
        panic!("the stream has ended");
    };
    assert_eq!(error.sent(), 3);
    assert!(matches!(error.error(), SendError::Closed));
    let error = sse.try_send_all(texts(2)).expect_err("closed");
    assert_eq!(error.sent(), 0);
    assert!(matches!(error.into_error(), TrySendError::Closed));
    assert!(sse.try_send_all([""; 0]).is_err());
}

#[test]
fn a_handler_that_stops_at_a_closed_stream_did_not_fail() {
    let bodies = [
        body(&quiet(), async |sse: Sse| {
            sse.close();
            sse.send_all(["x"]).await
        }),
        body(&quiet(), async |sse: Sse| {
            sse.close();
            sse.try_send_all(["x"])
        }),
        body(&quiet(), async |sse: Sse| {
            sse.close();
            sse.try_send("x")
        }),
        body(&quiet(), async |sse: Sse| {
            sse.close();
            Ok::<_, BoxError>(sse.send_all(["x"]).await?)
        }),
        body(&quiet(), async |sse: Sse| {
            sse.close();
            Ok::<_, SendError>(sse.send_all(["x"]).await?)
        }),
    ];
    for mut body in bodies {
        assert!(body.next().now_or_never().expect("ready").is_none());
    }
    let mut failed = body(&quiet().buffer_size(1), async |sse: Sse| {
        sse.try_send_all(["x", "y"])
    });
    assert_eq!(piece(&mut failed), "data: x\n\n");
    assert!(nothing(&mut failed));
    assert!(matches!(failed.next().now_or_never(), Some(Some(Err(_)))));
}

#[test]
fn events_of_other_handles_come_before_or_after_a_batch() {
    let (mut body, sse) = idle(&quiet());
    let other = sse.clone();
    sse.try_send("before").expect("room");
    // While the batch is drawn, but before it is sent.
    let events = texts(2).inspect(|_| other.try_send("between").expect("room"));
    assert!(sse.try_send_all(events).is_ok());
    sse.try_send("after").expect("room");
    let expected = "data: before\n\ndata: between\n\ndata: between\n\n\
                    data: 10\n\ndata: 11\n\ndata: after\n\n";
    assert_eq!(piece(&mut body), expected);
}

#[test]
fn what_a_source_has_ready_is_one_piece() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<&str>();
    let mut body = body(&quiet(), async |sse: Sse| {
        forward(stream::poll_fn(move |cx| receiver.poll_recv(cx)), &sse).await
    });
    assert!(nothing(&mut body));
    for round in 0..3 {
        for text in ["a", "b", "c"] {
            sender.send(text).expect("an open channel");
        }
        assert_eq!(piece(&mut body), wire(["a", "b", "c"]), "{round}");
        assert!(nothing(&mut body));
    }
    drop(sender);
    assert!(body.next().now_or_never().expect("ready").is_none());
}

#[test]
fn a_source_is_polled_only_while_there_is_room_so_that_nothing_is_lost() {
    let (mut body, sse) = idle(&quiet().buffer_size(25));
    let mut source = stream::iter(texts(8).map(Ok::<_, BoxError>));
    for expected in [10..13, 13..16] {
        // Dropped while it waits for room.
        assert!(forward(&mut source, &sse).now_or_never().is_none());
        assert_eq!(piece(&mut body), wire(expected));
    }
    assert!(matches!(
        forward(&mut source, &sse).now_or_never(),
        Some(Ok(()))
    ));
    assert_eq!(piece(&mut body), wire(16..18));
}

#[test]
fn what_a_source_yields_before_its_error_is_sent() {
    let (mut body, sse) = idle(&quiet());
    let items = [Ok("a"), Ok("b"), Err("source gone"), Ok("c")];
    let mut source = stream::iter(items);
    let error = forward(&mut source, &sse).now_or_never().expect("ready");
    assert_eq!(error.expect_err("an error").to_string(), "source gone");
    assert_eq!(piece(&mut body), wire(["a", "b"]));
    let unusable = stream::iter([Event::new().data("d"), Event::new().event("a\nb").data("e")]);
    let error = forward(unusable, &sse)
        .now_or_never()
        .expect("ready")
        .expect_err("an error");
    assert!(matches!(error.downcast_ref(), Some(SendError::Encode(_))));
    assert_eq!(piece(&mut body), wire(["d"]));
    sse.close();
    let error = forward(source, &sse)
        .now_or_never()
        .expect("ready")
        .expect_err("closed");
    assert!(matches!(error.downcast_ref(), Some(SendError::Closed)));
}

#[test]
fn events_without_bytes_and_without_end_let_other_tasks_run() {
    let empty = || iter::repeat_with(Event::new);
    let (mut body, sse) = idle(&quiet());
    let mut sending = pin!(sse.send_all(empty()));
    assert!(poll(sending.as_mut()).is_pending());
    let sent = sending.sent();
    assert!(sent > 0);
    assert!(poll(sending.as_mut()).is_pending());
    assert_eq!(sending.sent(), 2 * sent);

    let error = sse.try_send_all(empty()).expect_err("no end");
    assert!(matches!(error.error(), TrySendError::Full));
    assert_eq!(error.sent(), sent);

    let mut forwarding = pin!(forward(stream::iter(empty()), &sse));
    assert!(poll(forwarding.as_mut()).is_pending());
    assert!(nothing(&mut body));
}

#[tokio::test]
async fn many_events_without_bytes_are_sent_to_their_end() {
    let empty = || iter::repeat_with(Event::new).take(100_000);
    let (_body, sse) = idle(&quiet());
    sse.send_all(empty()).await.expect("an open stream");
    forward(stream::iter(empty()), &sse)
        .await
        .expect("an open stream");
}
