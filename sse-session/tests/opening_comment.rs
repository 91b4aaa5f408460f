//! The comment that opens a stream which begins with silence.

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, poll, stream};
use sse_session::{
    BoxError, CancellationToken, HandlerError, IntoHandlerResult, SendError, Sse, SseOptions,
    SseStream, forward,
};
use tokio::time::{Instant, advance};

const COMMENT: &str = ":\n";

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>>>>;

fn body<F>(options: &SseOptions, handler: impl FnOnce(Sse) -> F) -> Body
where
    F: Future<Output: IntoHandlerResult> + 'static,
{
    Box::pin(SseStream::new(options, None, handler))
}

async fn idle(sse: Sse) {
    let _open = sse;
    pending::<()>().await;
}

/// Is pending once, and wakes its task at once. (That of tokio wakes it a little later.)
async fn wake_itself() {
    let mut is_woken = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_woken, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// What the first poll yields, which must be a piece.
async fn first(body: &mut Body) -> Bytes {
    match poll!(body.next()) {
        Poll::Ready(Some(Ok(piece))) => piece,
        other => panic!("{other:?} instead of a piece"),
    }
}

#[tokio::test]
async fn a_stream_that_begins_with_silence_opens_at_its_first_poll_and_once() {
    let mut body = body(&SseOptions::new(), idle);
    assert_eq!(first(&mut body).await, COMMENT);
    for _ in 0..3 {
        assert!(poll!(body.next()).is_pending());
    }
    let another = Waker::noop();
    let by_another = body.poll_next_unpin(&mut Context::from_waker(another));
    assert!(by_another.is_pending());
}

#[tokio::test]
async fn a_stream_whose_handler_sends_at_once_has_none() {
    let handler = async |sse: Sse| {
        sse.send("hello").await?;
        wake_itself().await;
        sse.send("again").await
    };
    let mut body = body(&SseOptions::new(), handler);
    assert_eq!(first(&mut body).await, "data: hello\n\n");
    let rest: Vec<_> = body.map(|piece| piece.expect("no failure")).collect().await;
    assert_eq!(rest, ["data: again\n\n"]);
}

#[tokio::test]
async fn a_handler_that_is_woken_while_it_is_polled_first_finds_the_stream_open() {
    let handler = async |sse: Sse| {
        wake_itself().await;
        sse.send("hello").await
    };
    let mut body = body(&SseOptions::new(), handler);
    assert_eq!(first(&mut body).await, COMMENT);
    assert_eq!(first(&mut body).await, "data: hello\n\n");
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn an_opening_reconnection_time_takes_its_place() {
    let options = SseOptions::new().retry(Duration::from_secs(2));
    let mut body = body(&options, idle);
    assert_eq!(first(&mut body).await, "retry: 2000\n");
    assert!(poll!(body.next()).is_pending());
}

#[tokio::test]
async fn it_can_be_turned_off_and_keep_alives_with_it_or_not() {
    let without = SseOptions::new().without_opening_comment();
    assert!(poll!(body(&without, idle).next()).is_pending());
    let mut both = body(&without.without_keep_alive(), idle);
    assert!(poll!(both.next()).is_pending());
    let mut only = body(&SseOptions::new().without_keep_alive(), idle);
    assert_eq!(first(&mut only).await, COMMENT);
}

#[tokio::test]
async fn a_stream_that_ends_or_fails_at_its_first_poll_has_none() {
    let mut ended = body(&SseOptions::new(), async |_: Sse| {});
    assert!(ended.next().await.is_none());
    let mut failed = body(&SseOptions::new(), async |_: Sse| {
        Err::<(), BoxError>("database gone".into())
    });
    assert!(failed.next().await.expect("an error").is_err());
    let stop = CancellationToken::new();
    stop.cancel();
    let mut stopped = body(&SseOptions::new().shutdown(stop), idle);
    assert!(stopped.next().await.is_none());
}

#[tokio::test]
async fn a_source_that_has_nothing_yet_is_opened() {
    let source = stream::once(async {
        wake_itself().await;
        "late"
    });
    let handler = |sse: Sse| async move { forward(source, &sse).await };
    let body = body(&SseOptions::new(), handler);
    let pieces: Vec<_> = body.map(|piece| piece.expect("no failure")).collect().await;
    assert_eq!(pieces, [COMMENT, "data: late\n\n"]);
}

#[tokio::test(start_paused = true)]
async fn the_first_keep_alive_comes_an_interval_after_it() {
    let options = SseOptions::new().keep_alive(Duration::from_secs(10));
    let mut body = body(&options, idle);
    advance(Duration::from_secs(9)).await;
    let opened = Instant::now();
    assert_eq!(first(&mut body).await, COMMENT);
    for seconds in [10, 20] {
        let piece = body.next().await.expect("a piece").expect("no failure");
        assert_eq!(piece, ": keep-alive\n");
        assert_eq!(opened.elapsed().as_millis() / 10, seconds * 100);
    }
}

#[tokio::test]
async fn a_stream_is_settled_after_it_unless_the_handler_was_woken() {
    for options in [SseOptions::new(), SseOptions::new().without_keep_alive()] {
        let mut body = pin!(SseStream::new(&options, None, idle));
        assert!(poll!(body.next()).is_ready());
        assert!(body.is_settled());
    }
    let handler = async |sse: Sse| {
        wake_itself().await;
        sse.send("hello").await
    };
    let mut body = pin!(SseStream::new(&SseOptions::new(), None, handler));
    assert!(poll!(body.next()).is_ready());
    assert!(!body.is_settled());
    assert!(poll!(body.next()).is_ready());
}

#[tokio::test]
async fn a_handle_elsewhere_wakes_the_task_after_it() {
    let mut given = None;
    let mut body = body(&SseOptions::new(), |sse: Sse| {
        given = Some(sse);
        pending::<Result<(), SendError>>()
    });
    assert_eq!(first(&mut body).await, COMMENT);
    let sse = given.expect("a handle");
    let sent = tokio::spawn(async move {
        sse.try_send("hello").expect("room");
        sse
    });
    let piece = body.next().await.expect("a piece").expect("no failure");
    assert_eq!(piece, "data: hello\n\n");
    drop(sent.await);
}
