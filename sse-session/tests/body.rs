//! When a body knows that it has ended.
#![cfg(feature = "http-body")]

use std::io;

use futures_util::StreamExt as _;
use sse_session::{BoxError, Options, SendError, Sse, SseBody, SseStream};
use tokio::sync::oneshot;

#[tokio::test]
async fn the_last_piece_is_known_to_be_the_last() {
    let stream = SseStream::new(&Options::new(), None, async |sse: Sse| {
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
    let stream = SseStream::new(&Options::new(), None, async |sse: Sse| {
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
    let stream = SseStream::new(&Options::new(), None, async |sse: Sse| {
        sse.send("last").await?;
        Err::<(), BoxError>(Box::new(io::Error::other("database gone")))
    });
    let mut body = SseBody::new(stream);
    assert!(matches!(body.next().await, Some(Ok(_))));
    assert!(!body.has_ended());
    assert!(matches!(body.next().await, Some(Err(_))));
    assert!(body.has_ended());
}
