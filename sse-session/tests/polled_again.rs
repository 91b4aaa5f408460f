//! Futures and streams that are polled again after they have completed: nothing is sent twice, and
//! nothing panics.

use std::any::Any;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::Stream;
use sse_session::{
    BoxError, Event, HandlerError, IntoHandlerResult, SendError, Sse, SseOptions, SseStream,
};

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>>>>;

fn body<F>(options: SseOptions, handler: impl FnOnce(Sse) -> F) -> Body
where
    F: Future<Output: IntoHandlerResult> + 'static,
{
    Box::pin(SseStream::new(&options.without_keep_alive(), None, handler))
}

/// A body whose handler does nothing, and another handle of it.
fn idle(options: SseOptions) -> (Body, Sse) {
    let mut given = None;
    let body = body(options, |sse: Sse| {
        given = Some(sse);
        std::future::pending::<()>()
    });
    (body, given.expect("a handle"))
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn next(body: &mut Body) -> Poll<Option<Result<Bytes, HandlerError>>> {
    body.as_mut().poll_next(&mut cx())
}

fn is_piece(next: &Poll<Option<Result<Bytes, HandlerError>>>, expected: &str) -> bool {
    matches!(next, Poll::Ready(Some(Ok(piece))) if piece == expected)
}

/// A waker of another task than [`Waker::noop`] is.
fn another() -> Waker {
    struct Task;
    impl std::task::Wake for Task {
        fn wake(self: std::sync::Arc<Self>) {}
    }
    std::sync::Arc::new(Task).into()
}

#[test]
fn a_send_that_has_completed_sends_nothing_more() {
    let (mut body, sse) = idle(SseOptions::new().buffer_size(10));
    let mut at_once = pin!(sse.send("1"));
    assert!(at_once.as_mut().poll(&mut cx()).is_ready());
    assert!(at_once.as_mut().poll(&mut cx()).is_pending());
    sse.try_send("2").expect("room");
    let mut waiting = pin!(sse.send(String::from("3")));
    assert!(waiting.as_mut().poll(&mut cx()).is_pending());
    assert!(is_piece(&next(&mut body), "data: 1\n\ndata: 2\n\n"));
    assert!(waiting.as_mut().poll(&mut cx()).is_ready());
    for _ in 0..2 {
        assert!(waiting.as_mut().poll(&mut cx()).is_pending());
        assert!(at_once.as_mut().poll(&mut cx()).is_pending());
    }
    assert!(is_piece(&next(&mut body), "data: 3\n\n"));
    assert!(next(&mut body).is_pending());
}

#[test]
fn a_send_that_has_failed_sends_nothing_more() {
    let (mut body, sse) = idle(SseOptions::new());
    let mut unusable = pin!(sse.send(Event::new().event("a\nb").data("c")));
    let failed = unusable.as_mut().poll(&mut cx());
    assert!(matches!(failed, Poll::Ready(Err(SendError::Encode(_)))));
    assert!(unusable.as_mut().poll(&mut cx()).is_pending());
    sse.close();
    let mut late = pin!(sse.send("late"));
    let failed = late.as_mut().poll(&mut cx());
    assert!(matches!(failed, Poll::Ready(Err(SendError::Closed))));
    assert!(late.as_mut().poll(&mut cx()).is_pending());
    assert!(matches!(next(&mut body), Poll::Ready(None)));
}

#[test]
fn a_send_of_all_that_has_completed_asks_for_no_more_events() {
    let (mut body, sse) = idle(SseOptions::new());
    let mut calls = 0;
    // It yields one more event after its end.
    let events = std::iter::from_fn(|| {
        calls += 1;
        (calls != 3).then_some("x")
    });
    {
        let mut all = pin!(sse.send_all(events));
        assert!(matches!(all.as_mut().poll(&mut cx()), Poll::Ready(Ok(()))));
        for _ in 0..2 {
            assert!(all.as_mut().poll(&mut cx()).is_pending());
            assert_eq!(all.sent(), 2);
        }
    }
    assert_eq!(calls, 3);
    assert!(is_piece(&next(&mut body), &"data: x\n\n".repeat(2)));
    let unusable = [Event::new().event("a\nb"), Event::new().event("c")].map(|it| it.data("d"));
    let mut all = pin!(sse.send_all(unusable));
    assert!(matches!(all.as_mut().poll(&mut cx()), Poll::Ready(Err(_))));
    assert!(all.as_mut().poll(&mut cx()).is_pending());
    assert!(next(&mut body).is_pending());
}

#[test]
fn a_stream_that_has_ended_stays_ended() {
    let mut body = body(SseOptions::new(), async |sse: Sse| sse.send("x").await);
    assert!(is_piece(&next(&mut body), "data: x\n\n"));
    let another = another();
    for _ in 0..3 {
        assert!(matches!(next(&mut body), Poll::Ready(None)));
        let by_another = body.as_mut().poll_next(&mut Context::from_waker(&another));
        assert!(matches!(by_another, Poll::Ready(None)));
    }
}

#[test]
fn a_stream_that_was_closed_while_handles_are_left_stays_ended() {
    let (mut body, sse) = idle(SseOptions::new());
    sse.close();
    for _ in 0..3 {
        assert!(matches!(next(&mut body), Poll::Ready(None)));
        assert!(sse.try_send("late").is_err());
        assert!(sse.try_send_all(["late"]).is_err());
        let mut encoded = Bytes::from_static(b"data: late\n\n");
        assert!(sse.try_send_encoded(&mut encoded).is_err());
    }
}

#[test]
fn a_stream_that_has_failed_fails_once() {
    let mut body = body(SseOptions::new(), async |sse: Sse| {
        sse.send("x").await?;
        Err::<(), BoxError>("database gone".into())
    });
    assert!(is_piece(&next(&mut body), "data: x\n\n"));
    assert!(next(&mut body).is_pending());
    assert!(matches!(next(&mut body), Poll::Ready(Some(Err(_)))));
    for _ in 0..3 {
        assert!(matches!(next(&mut body), Poll::Ready(None)));
    }
}

#[test]
fn a_stream_whose_handler_has_panicked_fails() {
    let panics: [(Box<dyn Any + Send>, &str); 3] = [
        (Box::new("a bug"), "the handler panicked: a bug"),
        (Box::new("2".to_owned()), "the handler panicked: 2"),
        (Box::new(3), "the handler panicked"),
    ];
    for (panic, message) in panics {
        let mut body = body(SseOptions::new(), async move |sse: Sse| {
            sse.send("sent").await.expect("an open stream");
            if !sse.is_closed() {
                resume_unwind(panic);
            }
        });
        assert!(is_piece(&next(&mut body), "data: sent\n\n"));
        assert!(next(&mut body).is_pending());
        let Poll::Ready(Some(Err(error))) = next(&mut body) else {
            panic!("it is not complete");
        };
        assert_eq!(error.into_inner().to_string(), message);
        for _ in 0..2 {
            assert!(matches!(next(&mut body), Poll::Ready(None)));
        }
    }
}

#[cfg(feature = "http-body")]
#[test]
fn a_body_that_has_ended_or_failed_stays_ended() {
    use http_body::Body as _;
    use sse_session::SseBody;

    fn frame(body: &mut SseBody) -> Poll<Option<Result<Bytes, HandlerError>>> {
        let frame = Pin::new(body).poll_frame(&mut cx());
        frame.map(|frame| frame.map(|result| result.map(|frame| frame.into_data().expect("data"))))
    }

    let options = SseOptions::new().without_keep_alive();
    let ended = SseStream::new(&options, None, async |sse: Sse| sse.send("x").await);
    let mut ended = SseBody::new(ended);
    assert!(is_piece(&frame(&mut ended), "data: x\n\n"));
    let failed = SseStream::new(&options, None, async |_: Sse| {
        Err::<(), BoxError>("database gone".into())
    });
    let mut failed = SseBody::new(failed);
    assert!(frame(&mut failed).is_pending());
    assert!(matches!(frame(&mut failed), Poll::Ready(Some(Err(_)))));
    for mut body in [ended, failed, SseBody::empty()] {
        for _ in 0..2 {
            assert!(matches!(frame(&mut body), Poll::Ready(None)));
            let next = Pin::new(&mut body).poll_next(&mut cx());
            assert!(matches!(next, Poll::Ready(None)));
            assert!(body.is_end_stream() && body.has_ended());
        }
    }
}
