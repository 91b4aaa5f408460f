//! What a stream sends last, and its age.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _, poll, stream};
use sse_session::{
    BoxError, CancellationToken, EncodeError, Event, Frame, HandlerError, IntoHandlerResult, Sse,
    SseOptions, SseStream, TrySendError, forward,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, advance, sleep};

const FAILED: &str = "event: failed\ndata: later\n\n";
const END: &str = "event: end\ndata: \n\n";

fn options() -> SseOptions {
    SseOptions::new()
        .failure_event(Event::new().event("failed").data("later"))
        .and_then(|options| options.end_event(Event::new().event("end").data("")))
        .expect("valid events")
        .retry_on_shutdown(Duration::from_secs(3))
}

/// Reads a body to its end. Returns its bytes, and its error if it fails.
async fn read(
    body: impl Stream<Item = Result<Bytes, HandlerError>>,
) -> (String, Option<HandlerError>) {
    let mut body = pin!(body);
    let mut text = String::new();
    while let Some(piece) = body.next().await {
        match piece {
            Ok(piece) => text.push_str(std::str::from_utf8(&piece).expect("UTF-8")),
            Err(error) => {
                assert!(body.next().await.is_none(), "an error is the last item");
                return (text, Some(error));
            }
        }
    }
    (text, None)
}

async fn complete<F>(options: &SseOptions, handler: impl FnOnce(Sse) -> F) -> String
where
    F: Future<Output: IntoHandlerResult>,
{
    let (text, error) = read(SseStream::new(options, None, handler)).await;
    assert!(error.is_none(), "{error:?}");
    text
}

async fn failed<F>(options: &SseOptions, handler: impl FnOnce(Sse) -> F) -> String
where
    F: Future<Output: IntoHandlerResult>,
{
    let (text, error) = read(SseStream::new(options, None, handler)).await;
    error.expect("a failure");
    text
}

/// Records when it is dropped.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A stream whose handler sends one event and keeps it open, and whether the handler was dropped.
fn idle(
    options: &SseOptions,
) -> (
    impl Stream<Item = Result<Bytes, HandlerError>> + use<>,
    Arc<AtomicBool>,
) {
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = Guard(Arc::clone(&dropped));
    let body = SseStream::new(options, None, |sse: Sse| async move {
        let _guard = guard;
        sse.send("x").await?;
        pending::<Result<(), BoxError>>().await
    });
    (body, dropped)
}

#[tokio::test]
async fn an_error_sends_the_failure_event_last() {
    let handler = async |sse: Sse| {
        sse.send("x").await?;
        Err::<(), BoxError>("database gone".into())
    };
    assert_eq!(
        failed(&options(), handler).await,
        format!("data: x\n\n{FAILED}")
    );
    let at_once = async |_: Sse| Err::<(), BoxError>("database gone".into());
    assert_eq!(failed(&options(), at_once).await, FAILED);
    assert_eq!(failed(&SseOptions::new(), at_once).await, "");
    let source = stream::iter([Ok("x"), Err("source gone")]);
    let handler = |sse| async move { forward(source, &sse).await };
    assert_eq!(
        failed(&options(), handler).await,
        format!("data: x\n\n{FAILED}")
    );
}

/// Proxies and `fetch` drop what arrives together with the cut.
#[tokio::test(start_paused = true)]
async fn the_failure_event_is_ahead_of_the_cut() {
    let start = Instant::now();
    let fails = async |_: Sse| Err::<(), BoxError>("database gone".into());
    let mut body = pin!(SseStream::new(&options(), None, fails));
    let event = body
        .next()
        .await
        .expect("an event")
        .expect("no failure yet");
    assert_eq!(event, FAILED);
    assert_eq!(start.elapsed(), Duration::ZERO);
    body.next().await.expect("the cut").expect_err("a failure");
    assert_eq!(start.elapsed(), Duration::from_millis(250));

    // Without an event there is nothing to wait for.
    let start = Instant::now();
    failed(&SseOptions::new(), fails).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_panic_sends_the_failure_event_last() {
    let handler = async |sse: Sse| {
        sse.send("x").await.expect("open");
        if !sse.is_closed() {
            std::panic::resume_unwind(Box::new("a panic for this test"));
        }
    };
    assert_eq!(
        failed(&options(), handler).await,
        format!("data: x\n\n{FAILED}")
    );
}

/// Panics when it is dropped.
struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("a panic for this test"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_handler_that_is_dropped_loses_nothing_that_was_sent() {
    for closes in [true, false] {
        let handler = async |sse: Sse| {
            let _panics = Panics;
            sse.try_send("x")?;
            if closes {
                sse.close();
            }
            pending::<Result<(), BoxError>>().await
        };
        let options = options().max_age(Duration::from_secs(10));
        assert_eq!(complete(&options, handler).await, "data: x\n\n");
    }
}

#[tokio::test]
async fn an_end_in_order_sends_the_end_event_with_the_last_piece() {
    let mut body = pin!(SseStream::new(&options(), None, async |sse: Sse| {
        sse.send("x").await
    }));
    let piece = body.next().await.expect("a piece").expect("no failure");
    assert_eq!(piece, format!("data: x\n\n{END}"));
    assert!(body.has_ended());
    assert!(body.next().await.is_none());

    assert_eq!(complete(&options(), async |_| {}).await, END);
    let source = stream::iter(["x"]);
    let handler = async move |sse| forward(source, &sse).await;
    assert_eq!(
        complete(&options(), handler).await,
        format!("data: x\n\n{END}")
    );
}

#[tokio::test]
async fn an_end_in_order_waits_for_the_last_handle() {
    let (give, take) = oneshot::channel();
    let options = options().without_keep_alive();
    let mut body = pin!(SseStream::new(&options, None, async |sse: Sse| {
        sse.send("x").await?;
        assert!(give.send(sse).is_ok());
        Ok::<_, BoxError>(())
    }));
    let piece = body.next().await.expect("a piece").expect("no failure");
    assert_eq!(piece, "data: x\n\n");
    assert!(poll!(body.next()).is_pending());
    let sse = take.await.expect("a handle");
    let task = tokio::spawn(async move { sse.send("y").await });
    let (text, error) = read(&mut body).await;
    assert_eq!(text, format!("data: y\n\n{END}"));
    assert!(error.is_none());
    task.await.expect("no panic").expect("sent");
}

#[tokio::test]
async fn a_handler_that_waits_for_the_task_with_its_handle_decides_how_the_stream_ends() {
    for fails in [false, true] {
        let (finish, finished) = oneshot::channel::<()>();
        let mut body = pin!(SseStream::new(&options(), None, async move |sse: Sse| {
            sse.send("x").await?;
            drop(sse);
            finished.await?;
            if fails {
                Err("the task failed".into())
            } else {
                Ok::<_, BoxError>(())
            }
        }));
        let piece = body.next().await.expect("a piece").expect("no failure");
        assert_eq!(piece, "data: x\n\n");
        assert!(
            poll!(body.next()).is_pending(),
            "the handler has not returned"
        );
        finish.send(()).expect("the handler waits");
        let (text, error) = read(&mut body).await;
        assert_eq!(text, if fails { FAILED } else { END });
        assert_eq!(error.is_some(), fails);
    }
}

#[tokio::test]
async fn no_event_tells_an_end_that_is_not_that_of_the_content() {
    let stop = CancellationToken::new();
    let (body, dropped) = idle(&options().shutdown(stop.clone()));
    let mut body = pin!(body);
    assert!(body.next().await.is_some());
    stop.cancel();
    let (text, error) = read(&mut body).await;
    assert_eq!(text, "retry: 3000\n\n");
    assert!(error.is_none() && dropped.load(Ordering::SeqCst));

    let close = async |sse: Sse| {
        sse.send("x").await?;
        sse.close();
        pending::<Result<(), BoxError>>().await
    };
    assert_eq!(complete(&options(), close).await, "data: x\n\n");
    let close_and_return = async |sse: Sse| {
        sse.close();
        Ok::<_, BoxError>(())
    };
    assert_eq!(complete(&options(), close_and_return).await, "");
}

#[tokio::test]
async fn a_handler_that_closes_its_stream_and_fails_sends_the_failure_event() {
    let handler = async |sse: Sse| {
        sse.send("x").await?;
        sse.close();
        Err::<(), BoxError>("database gone".into())
    };
    assert_eq!(
        failed(&options(), handler).await,
        format!("data: x\n\n{FAILED}")
    );
}

#[tokio::test]
async fn a_full_buffer_and_an_encoded_piece_come_before_the_last_event() {
    for fails in [false, true] {
        let options = options().buffer_size(1);
        let body = SseStream::new(&options, None, async |sse: Sse| {
            let frame = Frame::new("encoded")?.into_bytes();
            sse.send_encoded(frame).await?;
            assert!(matches!(sse.try_send("x"), Err(TrySendError::Full)));
            if fails {
                Err("database gone".into())
            } else {
                Ok::<_, BoxError>(())
            }
        });
        let (text, error) = read(body).await;
        let last = if fails { FAILED } else { END };
        assert_eq!(text, format!("data: encoded\n\n{last}"));
        assert_eq!(error.is_some(), fails);
    }
}

#[test]
fn an_event_that_cannot_be_encoded_is_a_typed_error() {
    let bad = || Event::new().event("a\nb").data("x");
    let failure = SseOptions::new().failure_event(bad());
    assert!(matches!(failure, Err(EncodeError::LineBreak { .. })));
    let end = SseOptions::new().end_event(bad());
    assert!(matches!(end, Err(EncodeError::LineBreak { .. })));
    let small = SseOptions::new().max_event_len(10).max_id_len(2);
    let long = small.clone().failure_event("more than ten bytes");
    assert!(matches!(long, Err(EncodeError::TooLong { limit: 10, .. })));
    let long = small.end_event(Event::new().id("123"));
    assert!(matches!(long, Err(EncodeError::IdTooLong { limit: 2, .. })));
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_in_the_last_tenth_of_its_age_without_a_reconnection_time() {
    const AGE: Duration = Duration::from_secs(1000);
    let options = options().max_age(AGE);
    let mut ends = Vec::new();
    for _ in 0..100 {
        let (body, dropped) = idle(&options);
        let mut body = pin!(body);
        // The age counts from the first poll.
        advance(AGE).await;
        let start = Instant::now();
        let (text, error) = read(&mut body).await;
        assert!(error.is_none() && dropped.load(Ordering::SeqCst));
        let events = text.replace(": keep-alive\n", "");
        assert_eq!(events, "data: x\n\n");
        ends.push(start.elapsed());
    }
    let (first, last) = (ends.iter().min(), ends.iter().max());
    let (first, last) = (*first.expect("ends"), *last.expect("ends"));
    // The timer's resolution is a millisecond.
    assert!(first >= AGE * 9 / 10 && last <= AGE + Duration::from_millis(2));
    assert!(
        last - first > AGE / 20,
        "they are spread: {first:?} to {last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_old_stream_sends_all_that_it_has_accepted() {
    let options = SseOptions::new()
        .max_age(Duration::from_secs(1))
        .buffer_size(9);
    let mut accepted = 0;
    let body = SseStream::new(&options, None, async |sse: Sse| {
        while sse.send("x").await.is_ok() {
            accepted += 1;
            sleep(Duration::from_millis(10)).await;
        }
    });
    let (text, error) = read(body).await;
    assert!(error.is_none());
    assert_eq!(text, "data: x\n\n".repeat(accepted));
    assert!((90..=101).contains(&accepted), "{accepted}");
}

#[tokio::test(start_paused = true)]
async fn an_age_beyond_the_clock_is_never_and_a_shutdown_comes_first() {
    let stop = CancellationToken::new();
    let options = options().max_age(Duration::MAX).shutdown(stop.clone());
    let (body, _) = idle(&options);
    let mut body = pin!(body);
    assert!(body.next().await.is_some());
    let year = Duration::from_secs(365 * 24 * 3600);
    let body = &mut body;
    advance(year).await;
    assert_eq!(
        body.next().await.expect("a piece").expect("open"),
        ": keep-alive\n"
    );
    assert!(body.next().now_or_never().is_none());
    stop.cancel();
    let (text, _) = read(body).await;
    assert_eq!(text, "retry: 3000\n\n");
}

#[tokio::test]
async fn of_two_shutdown_signals_either_ends_a_stream() {
    for first in [true, false] {
        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let options = SseOptions::new()
            .shutdown(tokens[0].clone())
            .shutdown(tokens[1].clone());
        let mut stream = pin!(SseStream::new(&options, None, |_sse: Sse| pending::<()>()));
        while let Some(piece) = stream.next().now_or_never() {
            piece.expect("the opening").expect("no error");
        }
        tokens[usize::from(first)].cancel();
        assert!(stream.next().await.is_none());
    }
}
