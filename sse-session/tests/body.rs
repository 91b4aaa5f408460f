//! When a body knows that it has ended.
#![cfg(feature = "http-body")]

use std::cell::Cell;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use sse_session::{BoxError, Frame, HandlerError, SendError, Sse, SseBody, SseOptions, SseStream};
use tokio::sync::oneshot;

#[tokio::test]
async fn the_last_piece_is_known_to_be_the_last() {
    let stream = SseStream::new(&SseOptions::new(), None, async |sse: Sse| {
        sse.send("last").await
    });
    let mut body = SseBody::new(stream);
    assert!(!body.has_ended());
    let piece = body.next().await.expect("a piece").expect("no failure");
    assert_eq!(piece, "data: last\n\n");
    assert!(body.has_ended());
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn a_piece_is_not_the_last_while_there_is_a_handle() {
    let (give, take) = oneshot::channel();
    let stream = SseStream::new(&SseOptions::new(), None, async |sse: Sse| {
        sse.send("not the last").await?;
        assert!(give.send(sse).is_ok());
        Ok::<_, SendError>(())
    });
    let mut body = SseBody::new(stream);
    assert!(body.next().await.is_some());
    assert!(!body.has_ended());
    drop(take.await);
    assert!(body.next().await.is_none());
    assert!(body.has_ended());
}

#[tokio::test]
async fn a_failure_comes_after_the_last_piece() {
    let stream = SseStream::new(&SseOptions::new(), None, async |sse: Sse| {
        sse.send("last").await?;
        Err::<(), BoxError>(Box::new(io::Error::other("database gone")))
    });
    let mut body = SseBody::new(stream);
    assert!(matches!(body.next().await, Some(Ok(_))));
    assert!(!body.has_ended());
    assert!(matches!(body.next().await, Some(Err(_))));
    assert!(body.has_ended());
}

#[tokio::test]
async fn a_body_is_sync_although_its_handler_is_not() {
    fn is_sync<T: Send + Sync + 'static>(_: &T) {}
    let stream = SseStream::new(&SseOptions::new(), None, async |sse: Sse| {
        let not_sync = Cell::new("boxed");
        sse.send(not_sync.get()).await?;
        sse.send(not_sync.take()).await
    });
    let body = SseBody::new(stream);
    is_sync(&body);
    let response: http::Response<BoxBody<Bytes, HandlerError>> =
        http::Response::new(body).map(BodyExt::boxed);
    let body = response.into_body().collect().await.expect("no failure");
    assert_eq!(body.to_bytes(), "data: boxed\n\ndata: boxed\n\n");
}

/// Whether a task was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_settled_body_wakes_its_task_when_there_is_more() {
    let (give, take) = oneshot::channel();
    let stream = SseStream::new(&SseOptions::new(), None, async |sse: Sse| {
        sse.send("first").await?;
        assert!(give.send(sse.clone()).is_ok());
        pending::<Result<(), SendError>>().await
    });
    let mut body = SseBody::new(stream);
    assert!(!body.is_settled());
    let task = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&task));
    // Polled once, as by a server that writes each piece at once.
    let polled = body.poll_next_unpin(&mut Context::from_waker(&waker));
    assert!(matches!(polled, Poll::Ready(Some(Ok(piece))) if piece == "data: first\n\n"));
    assert!(body.is_settled());
    assert!(!task.0.load(Ordering::Relaxed));
    let other = take.await.expect("a handle");
    other.send("second").await.expect("an open stream");
    assert!(task.0.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_body_whose_handler_has_filled_the_buffer_is_not_settled() {
    let options = SseOptions::new().buffer_size(1);
    let stream = SseStream::new(&options, None, async |sse: Sse| {
        sse.send("first").await?;
        sse.send("second").await
    });
    let mut body = SseBody::new(stream);
    assert!(body.next().await.is_some());
    assert!(!body.is_settled());
    assert!(body.next().await.is_some());
}

#[tokio::test]
async fn a_body_whose_handler_waits_for_room_is_not_settled() {
    let stream = SseStream::new(&SseOptions::new(), None, async |sse: Sse| {
        for text in ["first", "second"] {
            // One such piece waits at a time.
            let frame = Frame::new(text).expect("valid").into_bytes();
            sse.send_encoded(frame).await?;
        }
        pending::<Result<(), SendError>>().await
    });
    let mut body = SseBody::new(stream);
    assert!(body.next().await.is_some());
    assert!(!body.is_settled());
    assert!(body.next().await.is_some());
    assert!(body.is_settled());
}

#[tokio::test]
async fn a_body_whose_piece_is_followed_by_another_is_not_settled() {
    let stream = SseStream::new(&SseOptions::new(), None, async |sse: Sse| {
        let frame = Frame::new("first").expect("valid").into_bytes();
        sse.send_encoded(frame).await?;
        sse.send("second").await?;
        pending::<Result<(), SendError>>().await
    });
    let mut body = SseBody::new(stream);
    assert!(body.next().await.is_some());
    assert!(!body.is_settled());
    assert!(body.next().await.is_some());
    assert!(body.is_settled());
}
