//! Events that were encoded before, handed to the body as they are.

use std::task::Poll;

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use sse_session::{
    BoxError, EncodedEvents, Frame, HandlerError, SendError, Sse, SseOptions, SseStream,
    TrySendError, forward,
};

const EVENTS: Bytes = Bytes::from_static(b"data: a\n\ndata: b\n\n");

#[tokio::test]
async fn encoded_events_reach_the_body_without_a_copy() {
    let events = Bytes::from(EVENTS.to_vec());
    let sent = events.clone();
    let handler = |sse: Sse| async move { sse.send_encoded(sent).await };
    let mut body = Box::pin(SseStream::new(&SseOptions::new(), None, handler));
    let piece = body.next().await.expect("a piece").expect("no failure");
    assert_eq!(piece, events);
    assert_eq!(piece.as_ptr(), events.as_ptr());
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn encoded_events_keep_their_place_among_others() {
    let handler = |sse: Sse| async move {
        sse.send("before").await?;
        sse.send_encoded(EVENTS).await?;
        sse.send("after").await?;
        sse.send_encoded(Frame::new("last")?.into_bytes()).await
    };
    let mut body = Box::pin(SseStream::new(&SseOptions::new(), None, handler));
    let mut all = Vec::new();
    while let Some(piece) = body.next().await {
        all.extend_from_slice(&piece.expect("no failure"));
    }
    let expected = "data: before\n\ndata: a\n\ndata: b\n\ndata: after\n\ndata: last\n\n";
    assert_eq!(String::from_utf8(all).expect("text"), expected);
}

#[tokio::test]
async fn one_piece_waits_at_a_time_and_counts_for_the_high_water_mark() {
    let options = SseOptions::new().buffer_size(EVENTS.len() + 1);
    let mut handle = None;
    let keep = &mut handle;
    let handler = |sse: Sse| {
        *keep = Some(sse);
        std::future::ready(())
    };
    let mut body = Box::pin(SseStream::new(&options, None, handler));
    let sse = handle.take().expect("a handle");
    assert!(matches!(
        sse.send_encoded(EVENTS).now_or_never(),
        Some(Ok(()))
    ));
    let mut second = Box::pin(sse.send_encoded(EVENTS));
    assert!(second.as_mut().now_or_never().is_none());
    // One more event fits after the piece, and no second one.
    sse.try_send("x").expect("room");
    assert!(matches!(sse.try_send("y"), Err(TrySendError::Full)));
    assert_eq!(
        body.next().await.expect("a piece").expect("no failure"),
        EVENTS
    );
    assert_eq!(
        body.next().await.expect("a piece").expect("no failure"),
        "data: x\n\n"
    );
    assert!(matches!(second.await, Ok(())));
    assert_eq!(
        body.next().await.expect("a piece").expect("no failure"),
        EVENTS
    );
    drop(body);
    assert!(matches!(
        sse.send_encoded(EVENTS).await,
        Err(SendError::Closed)
    ));
}

#[tokio::test]
async fn nothing_at_all_is_sent_at_once() {
    let handler = |sse: Sse| async move { sse.send_encoded(Bytes::new()).await };
    let mut body = Box::pin(SseStream::new(&SseOptions::new(), None, handler));
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn what_is_tried_is_taken_whole_or_left() {
    let mut handle = None;
    let keep = &mut handle;
    let mut body = Box::pin(SseStream::new(&SseOptions::new(), None, |sse: Sse| {
        *keep = Some(sse);
        std::future::pending::<()>()
    }));
    let sse = handle.take().expect("a handle");
    let mut events = EVENTS;
    sse.try_send_encoded(&mut events).expect("room");
    assert!(events.is_empty());
    let mut second = EVENTS;
    let full = sse.try_send_encoded(&mut second);
    assert!(matches!(full, Err(TrySendError::Full)));
    assert_eq!(second, EVENTS);
    let piece = body.next().await.expect("a piece").expect("no failure");
    assert_eq!(piece, EVENTS);
    sse.close();
    let closed = sse.try_send_encoded(&mut second);
    assert!(matches!(closed, Err(TrySendError::Closed)));
    assert_eq!(second, EVENTS);
}

fn idle() -> (impl Stream<Item = Result<Bytes, HandlerError>> + Unpin, Sse) {
    let mut handle = None;
    let keep = &mut handle;
    let options = SseOptions::new().without_opening_comment();
    let body = Box::pin(SseStream::new(&options, None, |sse: Sse| {
        *keep = Some(sse);
        std::future::pending::<()>()
    }));
    let sse = handle.expect("a handle");
    (body, sse)
}

/// The pieces of a source, each a list of two events.
fn pieces(count: usize) -> Vec<Bytes> {
    let piece = |n| Bytes::from(format!("data: {n}\n\ndata: {n}+\n\n"));
    (0..count).map(piece).collect()
}

#[tokio::test]
async fn a_source_of_encoded_events_reaches_the_body_without_a_copy() {
    let pieces = pieces(3);
    let source = pieces.clone().into_iter().map(EncodedEvents::new);
    let source = stream::iter(source.map(Ok::<_, BoxError>));
    let handler = |sse: Sse| async move { forward(source, &sse).await };
    let mut body = Box::pin(SseStream::new(&SseOptions::new(), None, handler));
    for piece in pieces {
        let sent = body.next().await.expect("a piece").expect("no failure");
        assert_eq!(sent, piece);
        assert_eq!(sent.as_ptr(), piece.as_ptr());
    }
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn a_source_of_encoded_events_is_polled_only_while_there_is_room_so_that_nothing_is_lost() {
    let (mut body, sse) = idle();
    let pieces = pieces(4);
    let mut source = stream::iter(pieces.clone().into_iter().map(EncodedEvents::new));
    for piece in &pieces {
        // Dropped while it waits for room.
        assert!(forward(&mut source, &sse).now_or_never().is_none());
        assert_eq!(body.next().await.expect("a piece").expect("open"), piece);
        assert!(body.next().now_or_never().is_none());
    }
    let end = forward(&mut source, &sse).now_or_never();
    assert!(matches!(end, Some(Ok(()))));
    sse.close();
    let error = forward(source, &sse).await.expect_err("closed");
    assert!(matches!(error.downcast_ref(), Some(SendError::Closed)));
}

#[tokio::test]
async fn what_a_source_of_encoded_events_sends_itself_comes_before_them() {
    let (mut body, sse) = idle();
    let own = sse.clone();
    let mut pieces = pieces(1).into_iter();
    let source = stream::poll_fn(move |_| {
        // Takes all the room that there was.
        let _ = own.try_send_encoded(&mut EVENTS.clone());
        Poll::Ready(pieces.next().map(EncodedEvents::new))
    });
    let mut forwarding = Box::pin(forward(source, &sse));
    let mut all = Vec::new();
    while forwarding.as_mut().now_or_never().is_none() {
        while let Some(piece) = body.next().now_or_never() {
            all.extend_from_slice(&piece.expect("open").expect("no failure"));
        }
    }
    while let Some(piece) = body.next().now_or_never() {
        all.extend_from_slice(&piece.expect("open").expect("no failure"));
    }
    let expected = [&*EVENTS, b"data: 0\n\ndata: 0+\n\n", &*EVENTS].concat();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_source_of_nothing_encoded_lets_other_tasks_run() {
    let (_body, sse) = idle();
    let source = stream::repeat_with(EncodedEvents::default);
    assert!(forward(source, &sse).now_or_never().is_none());
}
