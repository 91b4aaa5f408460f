//! The life of one stream, driven in memory.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use sse_session::{
    EncodeError, Event, Frame, HandlerError, SendError, Shutdown, Sse, SseOptions, SseStream,
    TrySendError, forward,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, advance};
use tokio_util::sync::CancellationToken;

/// Collects what is left of a body that must end well.
async fn rest(body: impl Stream<Item = Result<bytes::Bytes, HandlerError>>) -> String {
    let pieces: Vec<_> = body.map(|piece| piece.expect("no failure")).collect().await;
    String::from_utf8(pieces.concat()).expect("a stream is UTF-8")
}

/// Whether a body yields the comment that opens a silent stream.
fn opens(piece: Option<Result<bytes::Bytes, HandlerError>>) -> bool {
    matches!(piece, Some(Ok(comment)) if comment == ":\n")
}

/// Records when it is dropped.
struct Canary(Arc<AtomicBool>);

impl Canary {
    fn new() -> (Self, Arc<AtomicBool>) {
        let dropped = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&dropped)), dropped)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A handler that sends nothing and never returns.
async fn idle(sse: Sse) {
    let _open = sse;
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn many_sends_are_one_piece() {
    let mut body = pin!(SseStream::new(
        &SseOptions::new(),
        None,
        |sse: Sse| async move {
            for _ in 0..100 {
                sse.send("x").await?;
            }
            Ok::<_, SendError>(())
        }
    ));
    assert_eq!(
        body.next().await.expect("a piece").expect("no failure"),
        "data: x\n\n".repeat(100)
    );
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn a_sender_waits_at_the_high_water_mark_and_is_woken_when_the_body_takes() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let options = SseOptions::new().buffer_size(18);
    let mut body = pin!(SseStream::new(&options, None, |sse: Sse| async move {
        while sse.send("x").await.is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    }));
    for round in 1..=3 {
        let piece = body.next().await.expect("a piece").expect("no failure");
        assert_eq!(piece, "data: x\n\n".repeat(2));
        assert_eq!(sent.load(Ordering::SeqCst), 2 * round);
    }
}

#[tokio::test]
async fn one_event_may_pass_the_mark_but_the_next_one_waits() {
    let options = SseOptions::new().buffer_size(1);
    let body = SseStream::new(&options, None, |sse: Sse| async move {
        sse.try_send("longer than the mark")
            .expect("an empty buffer takes one");
        assert!(matches!(sse.try_send("x"), Err(TrySendError::Full)));
    });
    assert_eq!(rest(body).await, "data: longer than the mark\n\n");
}

#[tokio::test]
async fn a_send_that_was_dropped_while_it_waited_was_not_sent() {
    let options = SseOptions::new().buffer_size(1);
    let body = SseStream::new(&options, None, |sse: Sse| async move {
        sse.send("first").await?;
        assert!(sse.send("dropped").now_or_never().is_none());
        sse.send("second").await
    });
    assert_eq!(rest(body).await, "data: first\n\ndata: second\n\n");
}

#[tokio::test]
async fn an_event_that_cannot_be_encoded_is_an_error_and_the_stream_goes_on() {
    let body = SseStream::new(&SseOptions::new(), None, |sse: Sse| async move {
        sse.send("before").await?;
        let bad = sse.send(Event::new().event("a\nb").data("x")).await;
        assert!(matches!(
            bad,
            Err(SendError::Encode(EncodeError::LineBreak { .. }))
        ));
        sse.send("after").await
    });
    assert_eq!(rest(body).await, "data: before\n\ndata: after\n\n");
}

#[tokio::test]
async fn an_event_beyond_the_limit_is_an_error() {
    let options = SseOptions::new().max_event_len(20).max_id_len(2);
    let body = SseStream::new(&options, None, |sse: Sse| async move {
        for _ in 0..100 {
            sse.send("8 bytes.").await.expect("an event of 16 bytes");
        }
        let long = sse.send("longer than twenty bytes").await;
        assert!(matches!(
            long,
            Err(SendError::Encode(EncodeError::TooLong { limit: 20, .. }))
        ));
        let long = sse.send(Event::new().id("123").data("x")).await;
        assert!(matches!(
            long,
            Err(SendError::Encode(EncodeError::IdTooLong {
                len: 3,
                limit: 2
            }))
        ));
    });
    assert_eq!(rest(body).await, "data: 8 bytes.\n\n".repeat(100));
}

#[tokio::test]
async fn dropping_the_body_drops_the_handler_and_closes_other_handles() {
    let (canary, dropped) = Canary::new();
    let (give, take) = oneshot::channel();
    let mut body = Box::pin(SseStream::new(
        &SseOptions::new(),
        None,
        |sse: Sse| async move {
            let _canary = canary;
            assert!(give.send(sse.clone()).is_ok());
            idle(sse).await;
        },
    ));
    assert_eq!(
        futures_util::poll!(body.next()).map(opens),
        Poll::Ready(true)
    );
    let sse = take.await.expect("a handle");
    let mut closed = pin!(sse.closed());
    assert!(futures_util::poll!(&mut closed).is_pending());
    assert!(!dropped.load(Ordering::SeqCst));

    drop(body);
    assert!(dropped.load(Ordering::SeqCst));
    closed.await;
    assert!(sse.is_closed());
    assert!(matches!(sse.send("x").await, Err(SendError::Closed)));
    assert!(matches!(sse.try_send("x"), Err(TrySendError::Closed)));
}

#[tokio::test]
async fn a_sender_waiting_in_another_task_learns_that_the_client_is_gone() {
    let (give, take) = oneshot::channel();
    let options = SseOptions::new().buffer_size(1);
    let mut body = Box::pin(SseStream::new(&options, None, |sse: Sse| async move {
        assert!(give.send(sse).is_ok());
    }));
    assert_eq!(
        futures_util::poll!(body.next()).map(opens),
        Poll::Ready(true)
    );
    let sse = take.await.expect("a handle");
    sse.try_send("fills the buffer").expect("room");
    let mut waiting = pin!(sse.send("never"));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    drop(body);
    assert!(matches!(waiting.await, Err(SendError::Closed)));
}

#[tokio::test]
async fn the_stream_ends_when_the_handler_returned_and_the_last_handle_is_gone() {
    let (give, take) = oneshot::channel();
    let mut body = pin!(SseStream::new(
        &SseOptions::new(),
        None,
        |sse: Sse| async move {
            sse.send("from the handler").await?;
            assert!(give.send(sse.clone()).is_ok());
            Ok::<_, SendError>(())
        }
    ));
    assert!(body.next().await.is_some());
    let sse = take.await.expect("a handle");
    assert!(
        futures_util::poll!(body.next()).is_pending(),
        "a handle is still there"
    );

    let task = tokio::spawn(async move { sse.send("from a task").await });
    assert_eq!(
        body.next().await.expect("a piece").expect("no failure"),
        "data: from a task\n\n"
    );
    task.await.expect("no panic").expect("sent");
    assert!(body.next().await.is_none());
    assert!(body.next().await.is_none(), "the end stays the end");
}

#[tokio::test]
async fn close_sends_what_was_accepted_and_drops_the_handler() {
    let (canary, dropped) = Canary::new();
    let body = SseStream::new(&SseOptions::new(), None, |sse: Sse| async move {
        let _canary = canary;
        sse.send("accepted").await.expect("open");
        sse.close();
        assert!(matches!(sse.send("too late").await, Err(SendError::Closed)));
        idle(sse).await;
    });
    assert_eq!(rest(body).await, "data: accepted\n\n");
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_handlers_error_comes_after_what_was_accepted_and_is_the_last() {
    let mut body = pin!(SseStream::new(
        &SseOptions::new(),
        None,
        |sse: Sse| async move {
            sse.send("accepted").await?;
            Err::<(), sse_session::BoxError>(Box::new(io::Error::other("database gone")))
        }
    ));
    assert_eq!(
        body.next().await.expect("a piece").expect("data first"),
        "data: accepted\n\n"
    );
    let error = body
        .next()
        .await
        .expect("an error")
        .expect_err("the handler failed");
    assert_eq!(error.to_string(), "the event stream's handler failed");
    assert_eq!(error.into_inner().to_string(), "database gone");
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn a_server_has_a_turn_to_write_between_the_last_piece_and_the_error() {
    let mut body = pin!(SseStream::new(
        &SseOptions::new(),
        None,
        |sse: Sse| async move {
            sse.send("accepted").await?;
            Err::<(), sse_session::BoxError>("database gone".into())
        }
    ));
    assert!(futures_util::poll!(body.next()).is_ready(), "the piece");
    assert!(futures_util::poll!(body.next()).is_pending(), "the turn");
    let error = body.next().await.expect("it wakes up by itself");
    assert!(error.is_err());
}

#[tokio::test]
async fn a_handler_that_stops_at_a_closed_stream_did_not_fail() {
    let body = SseStream::new(&SseOptions::new(), None, |sse: Sse| async move {
        sse.send("x").await?;
        sse.close();
        sse.send("y").await
    });
    assert_eq!(rest(body).await, "data: x\n\n");
}

#[tokio::test(start_paused = true)]
async fn keep_alives_come_after_silence_and_not_during_traffic() {
    let (events, mut incoming) = mpsc::unbounded_channel::<&str>();
    let options = SseOptions::new()
        .keep_alive(Duration::from_secs(10))
        .keep_alive_comment("ping")
        .without_opening_comment();
    let mut body = pin!(SseStream::new(&options, None, |sse: Sse| async move {
        while let Some(event) = incoming.recv().await {
            sse.send(event).await?;
        }
        Ok::<_, SendError>(())
    }));

    // Traffic every 6 seconds: no comment for a minute.
    for _ in 0..10 {
        assert!(futures_util::poll!(body.next()).is_pending());
        advance(Duration::from_secs(6)).await;
        events.send("x").expect("the handler listens");
        assert_eq!(
            body.next().await.expect("a piece").expect("no failure"),
            "data: x\n\n"
        );
    }

    // Silence: the first comment 10 seconds after the last event, then every 10 seconds.
    for _ in 0..3 {
        let before = Instant::now();
        assert_eq!(
            body.next().await.expect("a piece").expect("no failure"),
            ": ping\n"
        );
        assert_eq!(before.elapsed().as_millis() / 10, 1_000);
    }
}

#[tokio::test(start_paused = true)]
async fn without_keep_alive_silence_stays_silence() {
    let mut body = pin!(SseStream::new(
        &SseOptions::new().without_keep_alive(),
        None,
        idle
    ));
    assert!(opens(body.next().await));
    assert!(
        tokio::time::timeout(Duration::from_secs(86_400), body.next())
            .await
            .is_err()
    );
}

#[tokio::test(start_paused = true)]
async fn an_interval_beyond_the_clock_is_never_and_zero_is_a_millisecond() {
    let never = SseOptions::new().keep_alive(Duration::MAX);
    let mut body = pin!(SseStream::new(&never, None, idle));
    assert!(opens(body.next().await));
    assert!(futures_util::poll!(body.next()).is_pending());

    let zero = SseOptions::new().keep_alive(Duration::ZERO);
    let mut body = pin!(SseStream::new(&zero, None, idle));
    assert!(opens(body.next().await));
    assert!(futures_util::poll!(body.next()).is_pending(), "no hot loop");
}

#[tokio::test]
async fn a_token_ends_the_stream_with_a_last_retry() {
    let token = CancellationToken::new();
    let (canary, dropped) = Canary::new();
    let options = SseOptions::new()
        .shutdown(token.clone())
        .retry(Duration::from_secs(1))
        .retry_on_shutdown(Duration::from_millis(4_500));
    let mut body = pin!(SseStream::new(&options, None, |sse: Sse| async move {
        let _canary = canary;
        sse.send("x").await.expect("open");
        idle(sse).await;
    }));
    let first = body.next().await.expect("a piece").expect("no failure");
    assert_eq!(first, "retry: 1000\ndata: x\n\n");
    let mut next = body.next();
    assert!(futures_util::poll!(&mut next).is_pending());
    token.cancel();
    assert_eq!(
        next.await.expect("a piece").expect("no failure"),
        "retry: 4500\n\n"
    );
    assert!(dropped.load(Ordering::SeqCst));
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn any_future_ends_all_streams_and_those_that_come_after() {
    let (stop, stopped) = oneshot::channel::<()>();
    let options = SseOptions::new().shutdown(Shutdown::when(stopped));
    let stream = || rest(SseStream::new(&options, None, idle));
    let bodies: Vec<_> = (0..10).map(|_| tokio::spawn(stream())).collect();
    tokio::task::yield_now().await;
    stop.send(()).expect("streams listen");
    for body in bodies {
        assert_eq!(body.await.expect("no panic"), ":\n");
    }
    assert_eq!(stream().await, "");
}

#[tokio::test]
async fn a_boxed_stream_can_be_shut_down_from_outside() {
    let stream = SseStream::new(&SseOptions::new(), None, |sse: Sse| async move {
        sse.send("x").await.expect("open");
        idle(sse).await;
    });
    let handle = stream.shutdown_handle();
    let body = tokio::spawn(rest(stream.boxed()));
    tokio::task::yield_now().await;
    handle.shutdown();
    assert_eq!(body.await.expect("no panic"), "data: x\n\n");
}

#[tokio::test]
async fn the_last_event_id_reaches_the_handler() {
    let body = SseStream::new(&SseOptions::new(), Some("41"), |sse: Sse| async move {
        assert_eq!(sse.clone().last_event_id(), Some("41"));
        sse.send(sse.last_event_id().unwrap_or("none")).await
    });
    assert_eq!(rest(body).await, "data: 41\n\n");
}

#[tokio::test]
async fn a_plain_stream_is_forwarded_and_its_error_cuts() {
    let body = SseStream::new(&SseOptions::new(), None, |sse| async move {
        let events = ["a", "b"].map(|data| Event::new().event("letter").data(data));
        forward(stream::iter(events), &sse).await?;
        let frame = Frame::new("c")?;
        forward(stream::iter([Ok::<_, Infallible>(frame)]), &sse).await
    });
    let letters = "event: letter\ndata: a\n\nevent: letter\ndata: b\n\ndata: c\n\n";
    assert_eq!(rest(body).await, letters);

    let mut body = pin!(SseStream::new(&SseOptions::new(), None, |sse| async move {
        forward(
            stream::iter([Ok("a"), Err(io::Error::other("source gone"))]),
            &sse,
        )
        .await
    }));
    assert!(body.next().await.expect("a piece").is_ok());
    assert!(body.next().await.expect("an error").is_err());
}

#[tokio::test]
async fn the_end_is_known_with_the_last_piece_or_when_it_comes() {
    let mut brief = pin!(SseStream::new(
        &SseOptions::new(),
        None,
        async |sse: Sse| sse.send("last").await
    ));
    assert!(!brief.has_ended());
    assert!(matches!(brief.next().await, Some(Ok(_))));
    assert!(brief.has_ended());

    // Nothing was sent that could be the last.
    let mut silent = pin!(SseStream::new(&SseOptions::new(), None, async |_: Sse| {}));
    assert!(silent.next().await.is_none());
    assert!(silent.has_ended());

    let mut failed = pin!(SseStream::new(
        &SseOptions::new(),
        None,
        async |sse: Sse| {
            sse.send("last").await?;
            Err::<(), sse_session::BoxError>(Box::new(io::Error::other("database gone")))
        }
    ));
    assert!(matches!(failed.next().await, Some(Ok(_))));
    assert!(!failed.has_ended());
    assert!(matches!(failed.next().await, Some(Err(_))));
    assert!(failed.has_ended());
}
