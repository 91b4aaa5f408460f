//! Several handles of one stream: the handler's own, and those of other threads.

use std::pin::pin;
use std::thread;

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use sse_session::{Frame, HandlerError, SendError, Sse, SseOptions, SseStream, TrySendError};

/// What a body yields that must be ready.
fn now(body: &mut (impl Stream<Item = Result<Bytes, HandlerError>> + Unpin)) -> Bytes {
    let piece = body.next().now_or_never().expect("ready");
    piece.expect("a piece").expect("no failure")
}

/// Does something with another handle in another thread, and waits for it.
fn elsewhere<T: Send + 'static>(sse: &Sse, act: impl FnOnce(Sse) -> T + Send + 'static) -> T {
    let handle = sse.clone();
    thread::spawn(|| act(handle)).join().expect("no panic")
}

fn without_keep_alive() -> SseOptions {
    SseOptions::new().without_keep_alive()
}

#[test]
fn what_another_thread_sends_while_the_handler_runs_keeps_its_place() {
    let handler = |sse: Sse| async move {
        for round in 0..2 {
            sse.send("handler").await?;
            elsewhere(&sse, |sse| sse.try_send("thread")).expect("room");
            elsewhere(&sse, |sse| sse.try_send("another")).expect("room");
            sse.send("handler again").await?;
            if round == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok::<_, SendError>(())
    };
    let mut body = pin!(SseStream::new(&without_keep_alive(), None, handler));
    let expected = "data: handler\n\ndata: thread\n\ndata: another\n\ndata: handler again\n\n";
    assert_eq!(now(&mut body), expected);
    assert_eq!(now(&mut body), expected);
}

#[test]
fn events_that_come_encoded_keep_their_place_too() {
    let encoded = |data| Frame::new(data).expect("valid").into_bytes();
    let handler = |sse: Sse| async move {
        sse.send("1").await?;
        let sent = elsewhere(&sse, move |sse| {
            sse.send_encoded(encoded("2")).now_or_never()
        });
        sent.expect("it need not wait")?;
        sse.send("3").await?;
        sse.send_encoded(encoded("4")).await?;
        sse.send("5").await
    };
    let mut body = pin!(SseStream::new(&without_keep_alive(), None, handler));
    let expected: String = (1..=5).map(|n| format!("data: {n}\n\n")).collect();
    assert_eq!(now(&mut body), expected);
}

#[test]
fn a_close_by_another_thread_ends_the_handlers_sends_at_once() {
    let handler = |sse: Sse| async move {
        sse.send("before").await?;
        elsewhere(&sse, |sse| sse.close());
        assert!(matches!(sse.send("after").await, Err(SendError::Closed)));
        Ok::<_, SendError>(())
    };
    let mut body = pin!(SseStream::new(&without_keep_alive(), None, handler));
    assert_eq!(now(&mut body), "data: before\n\n");
    assert!(body.next().now_or_never().expect("ready").is_none());
}

#[test]
fn the_high_water_mark_counts_what_all_handles_have_sent() {
    let options = without_keep_alive().buffer_size(25);
    let handler = |sse: Sse| async move {
        sse.try_send("12").expect("room");
        elsewhere(&sse, |sse| sse.try_send("34")).expect("room");
        elsewhere(&sse, |sse| sse.try_send("56")).expect("room");
        // Ten bytes each: full, for the thread as well as for the handler.
        let full = elsewhere(&sse, |sse| sse.try_send("78"));
        assert!(matches!(full, Err(TrySendError::Full)), "{full:?}");
        let full = sse.try_send("90");
        assert!(matches!(full, Err(TrySendError::Full)), "{full:?}");
    };
    let mut body = pin!(SseStream::new(&options, None, handler));
    assert_eq!(now(&mut body), "data: 12\n\ndata: 34\n\ndata: 56\n\n");
}

#[test]
fn a_handler_that_polls_another_stream_sends_to_both() {
    let handler = |outer: Sse| async move {
        outer.send("outer 1").await?;
        let handle = outer.clone();
        let inner = SseStream::new(&without_keep_alive(), None, |inner: Sse| async move {
            inner.send("inner 1").await?;
            handle.send("outer 2").await?;
            inner.send("inner 2").await
        });
        let pieces: Vec<_> = inner
            .map(|piece| piece.expect("no failure"))
            .collect()
            .await;
        assert_eq!(pieces.concat(), b"data: inner 1\n\ndata: inner 2\n\n");
        outer.send("outer 3").await
    };
    let mut body = pin!(SseStream::new(&without_keep_alive(), None, handler));
    assert_eq!(
        now(&mut body),
        "data: outer 1\n\ndata: outer 2\n\ndata: outer 3\n\n"
    );
}

#[test]
fn a_handler_that_panicked_leaves_its_thread_to_the_next_stream() {
    let handler = |sse: Sse| async move {
        sse.try_send("before").expect("room");
        if !sse.is_closed() {
            std::panic::resume_unwind(Box::new(()));
        }
    };
    let mut body = pin!(SseStream::new(&without_keep_alive(), None, handler));
    assert_eq!(now(&mut body), "data: before\n\n");
    let next = |sse: Sse| async move { sse.send("next").await };
    let mut next = pin!(SseStream::new(&without_keep_alive(), None, next));
    assert_eq!(now(&mut next), "data: next\n\n");
}
