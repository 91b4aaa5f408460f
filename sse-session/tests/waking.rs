//! When a stream polls its handler, and when it wakes its task: only with a reason, and always with
//! one.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use sse_session::{
    Frame, HandlerError, IntoHandlerResult, SendError, ShutdownHandle, Sse, SseOptions, SseStream,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{advance, timeout};
use tokio_util::sync::CancellationToken;

/// A task that only counts how often it was woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often it was woken since the last call.
    fn wakes(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>>>>;

fn body<F>(options: &SseOptions, handler: impl FnOnce(Sse) -> F) -> Body
where
    F: Future<Output: IntoHandlerResult> + 'static,
{
    Box::pin(SseStream::new(options, None, handler))
}

/// What `task` gets when it polls.
#[derive(Debug, PartialEq)]
enum Got {
    Piece(String),
    Nothing,
    End,
}

fn piece(text: &str) -> Got {
    Got::Piece(text.to_owned())
}

fn poll(body: &mut Body, task: &Arc<Task>) -> Got {
    let waker = Waker::from(Arc::clone(task));
    match body.as_mut().poll_next(&mut Context::from_waker(&waker)) {
        Poll::Ready(Some(piece)) => {
            let piece = piece.expect("no failure").to_vec();
            Got::Piece(String::from_utf8(piece).expect("a stream is UTF-8"))
        }
        Poll::Ready(None) => Got::End,
        Poll::Pending => Got::Nothing,
    }
}

fn elsewhere<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(act).join().expect("no panic")
}

/// Options with which nothing is sent but by the handler.
fn quiet() -> SseOptions {
    with_keep_alive_only().without_keep_alive()
}

fn with_keep_alive_only() -> SseOptions {
    SseOptions::new().without_opening_comment()
}

/// A handler that sends what comes through a channel.
fn relay() -> (mpsc::UnboundedSender<&'static str>, Body) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let body = body(&quiet(), |sse: Sse| async move {
        while let Some(text) = receiver.recv().await {
            sse.send(text).await?;
        }
        Ok::<_, SendError>(())
    });
    (sender, body)
}

/// A handler that gives its handle away, and counts how often it is polled in vain.
fn idle(options: &SseOptions) -> (Body, Sse, Arc<AtomicUsize>) {
    let polls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&polls);
    let mut given = None;
    let body = body(options, |sse: Sse| {
        given = Some(sse);
        poll_fn(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            Poll::<()>::Pending
        })
    });
    (body, given.expect("a handle"), polls)
}

#[test]
fn a_handler_is_not_polled_before_it_was_woken() {
    let (mut body, sse, polls) = idle(&quiet());
    let task = Task::new();
    sse.try_send("first").expect("room");
    assert_eq!(poll(&mut body, &task), piece("data: first\n\n"));
    // As hyper polls: after a piece, after writing it, and when something else has woken the task.
    for _ in 0..3 {
        assert_eq!(poll(&mut body, &task), Got::Nothing);
    }
    assert_eq!(polls.load(Ordering::SeqCst), 1);
    assert_eq!(task.wakes(), 0);
    sse.try_send("second").expect("room");
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), piece("data: second\n\n"));
    assert_eq!(polls.load(Ordering::SeqCst), 2);
}

#[test]
fn what_wakes_a_handler_wakes_its_task_once() {
    let (sender, mut body) = relay();
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    for _ in 0..3 {
        let sender = sender.clone();
        elsewhere(move || {
            sender.send("1").expect("an open channel");
            sender.send("2").expect("an open channel");
        });
        assert_eq!(task.wakes(), 1);
        assert_eq!(poll(&mut body, &task), piece("data: 1\n\ndata: 2\n\n"));
        assert_eq!(poll(&mut body, &task), Got::Nothing);
    }
    drop(sender);
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), Got::End);
}

#[test]
fn a_handler_that_wakes_itself_while_it_is_polled_is_polled_again() {
    let mut body = body(&quiet(), |sse: Sse| async move {
        tokio::task::yield_now().await;
        sse.send("1").await?;
        tokio::task::yield_now().await;
        sse.send("2").await?;
        pending::<Result<(), SendError>>().await
    });
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), piece("data: 1\n\n"));
    // With a piece there is no need to wake: it is asked for the next one.
    assert_eq!(poll(&mut body, &task), piece("data: 2\n\n"));
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    assert_eq!(task.wakes(), 0);
}

#[test]
fn what_another_thread_does_while_the_handler_is_polled_is_not_missed() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let mut left = 2;
    let mut body = body(&quiet(), |sse: Sse| {
        poll_fn(move |cx| {
            while let Poll::Ready(Some(text)) = receiver.poll_recv(cx) {
                sse.try_send(text).expect("room");
            }
            // After the channel was polled, and before the stream waits.
            if left > 0 {
                left -= 1;
                let sender = sender.clone();
                elsewhere(move || sender.send("later")).expect("an open channel");
            }
            Poll::<()>::Pending
        })
    });
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), piece("data: later\n\n"));
    assert_eq!(poll(&mut body, &task), piece("data: later\n\n"));
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    assert_eq!(task.wakes(), 0);
}

#[test]
fn the_task_that_polled_last_is_woken() {
    let (sender, mut body) = relay();
    let tasks = [Task::new(), Task::new()];
    for (last, before) in [(0, 1), (1, 0), (0, 1)] {
        assert_eq!(poll(&mut body, &tasks[before]), Got::Nothing);
        assert_eq!(poll(&mut body, &tasks[last]), Got::Nothing);
        sender.send("x").expect("an open channel");
        assert_eq!((tasks[last].wakes(), tasks[before].wakes()), (1, 0));
        assert_eq!(poll(&mut body, &tasks[last]), piece("data: x\n\n"));
    }
}

#[test]
fn another_task_gets_what_the_first_one_was_woken_for() {
    let (sender, mut body) = relay();
    let (first, second) = (Task::new(), Task::new());
    assert_eq!(poll(&mut body, &first), Got::Nothing);
    sender.send("x").expect("an open channel");
    assert_eq!(first.wakes(), 1);
    assert_eq!(poll(&mut body, &second), piece("data: x\n\n"));
    assert_eq!(poll(&mut body, &first), Got::Nothing);
}

#[test]
fn handles_elsewhere_wake_a_task_that_waits() {
    let send = |sse: Sse| sse.try_send("x").expect("room");
    let send_encoded = |sse: Sse| {
        let frame = Frame::new("x").expect("valid").into_bytes();
        let sent = sse.send_encoded(frame).now_or_never();
        sent.expect("room").expect("an open stream");
    };
    let close = |sse: Sse| sse.close();
    let x = || piece("data: x\n\n");
    let acts: [(fn(Sse), Got); 3] = [(send, x()), (send_encoded, x()), (close, Got::End)];
    for (act, expected) in acts {
        for has_sent in [false, true] {
            let (mut body, sse, _) = idle(&quiet());
            let task = Task::new();
            if has_sent {
                sse.try_send("before").expect("room");
                assert_eq!(poll(&mut body, &task), piece("data: before\n\n"));
            } else {
                assert_eq!(poll(&mut body, &task), Got::Nothing);
            }
            let handle = sse.clone();
            elsewhere(move || act(handle));
            assert_eq!(task.wakes(), 1);
            assert_eq!(poll(&mut body, &task), expected);
        }
    }
}

#[test]
fn the_last_handle_wakes_a_task_that_waits() {
    let mut given = None;
    let mut body = body(&quiet(), |sse: Sse| {
        given = Some(sse);
        async {}
    });
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    let another = given.clone();
    elsewhere(move || drop(another));
    assert_eq!(task.wakes(), 0);
    elsewhere(move || drop(given));
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), Got::End);
}

#[test]
fn a_shutdown_wakes_a_task_that_waits() {
    let token = CancellationToken::new();
    let (mut body, _sse, polls) = idle(&quiet().shutdown(token.clone()));
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    elsewhere(move || token.cancel());
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), Got::End);
    assert_eq!(polls.load(Ordering::SeqCst), 1);
}

/// After the stream has checked the signals, and before it waits.
#[test]
fn a_shutdown_while_the_handler_is_polled_is_not_missed() {
    let (give, take) = oneshot::channel::<ShutdownHandle>();
    let stream = SseStream::new(&quiet(), None, |sse: Sse| async move {
        let shutdown = take.await.expect("a handle");
        elsewhere(move || shutdown.shutdown());
        let _open = sse;
        pending::<()>().await;
    });
    give.send(stream.shutdown_handle()).expect("it is awaited");
    let mut body: Body = Box::pin(stream);
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), Got::End);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_left_alone_wakes_all_the_same() {
    let second = Duration::from_secs(1);
    let options = with_keep_alive_only().keep_alive(15 * second);
    let (mut body, sse, polls) = idle(&options);
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    // An event after ten seconds: the timer is left as it was, and there was no silence when it
    // fires.
    advance(10 * second).await;
    sse.try_send("x").expect("room");
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), piece("data: x\n\n"));
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    advance(5 * second).await;
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    // Ten seconds later there was.
    advance(9 * second).await;
    assert_eq!(task.wakes(), 0);
    for _ in 0..3 {
        advance(second).await;
        assert_eq!(task.wakes(), 1);
        assert_eq!(poll(&mut body, &task), piece(": keep-alive\n"));
        let polled = polls.load(Ordering::SeqCst);
        assert_eq!(poll(&mut body, &task), Got::Nothing);
        assert_eq!(polls.load(Ordering::SeqCst), polled);
        advance(14 * second).await;
        assert_eq!(task.wakes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_with_the_timer_does_not_end_the_keep_alives() {
    let interval = Duration::from_secs(15);
    let (mut body, sse, _) = idle(&with_keep_alive_only().keep_alive(interval));
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    for _ in 0..3 {
        advance(interval).await;
        sse.try_send("x").expect("room");
        assert_eq!(task.wakes(), 1);
        assert_eq!(poll(&mut body, &task), piece("data: x\n\n"));
        assert_eq!(poll(&mut body, &task), Got::Nothing);
        advance(interval).await;
        assert_eq!(task.wakes(), 1);
        assert_eq!(poll(&mut body, &task), piece(": keep-alive\n"));
        assert_eq!(poll(&mut body, &task), Got::Nothing);
    }
}

#[tokio::test(start_paused = true)]
async fn the_timer_wakes_the_task_that_polled_last() {
    let interval = Duration::from_secs(15);
    let (mut body, sse, _) = idle(&with_keep_alive_only().keep_alive(interval));
    let (first, second) = (Task::new(), Task::new());
    assert_eq!(poll(&mut body, &first), Got::Nothing);
    sse.try_send("x").expect("room");
    assert_eq!(first.wakes(), 1);
    // It gets a piece, with which the timer would be left alone.
    assert_eq!(poll(&mut body, &second), piece("data: x\n\n"));
    advance(interval).await;
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    assert_eq!(poll(&mut body, &second), piece(": keep-alive\n"));
}

#[tokio::test(start_paused = true)]
async fn the_silence_goes_on_while_the_stream_moves_from_task_to_task() {
    let interval = Duration::from_secs(15);
    let (mut body, _sse, _) = idle(&with_keep_alive_only().keep_alive(interval));
    assert_eq!(poll(&mut body, &Task::new()), Got::Nothing);
    for _ in 0..2 {
        for _ in 0..14 {
            advance(Duration::from_secs(1)).await;
            assert_eq!(poll(&mut body, &Task::new()), Got::Nothing);
        }
        advance(Duration::from_secs(1)).await;
        assert_eq!(poll(&mut body, &Task::new()), piece(": keep-alive\n"));
        assert_eq!(poll(&mut body, &Task::new()), Got::Nothing);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_rests_does_not_hold_up_the_keep_alives() {
    let options = with_keep_alive_only().keep_alive(Duration::from_secs(15));
    let mut body = body(&options, |sse: Sse| {
        poll_fn(move |cx| {
            assert!(!sse.is_closed());
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })
    });
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    assert_eq!(task.wakes(), 1);
    advance(Duration::from_secs(15)).await;
    assert_eq!(poll(&mut body, &task), piece(": keep-alive\n"));
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    assert_ne!(task.wakes(), 0);
}

#[test]
fn futures_with_wakers_of_their_own_reach_the_task() {
    let (mut senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| oneshot::channel()).unzip();
    let mut body = body(&quiet(), |sse: Sse| async move {
        let mut all: FuturesUnordered<_> = receivers.into_iter().collect();
        loop {
            tokio::select! {
                next = all.next() => match next {
                    Some(text) => sse.send(text.expect("it is sent")).await?,
                    None => return Ok::<_, SendError>(()),
                },
                () = pending() => {}
            }
        }
    });
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    while let Some(sender) = senders.pop() {
        elsewhere(move || sender.send("x")).expect("it is awaited");
        assert_eq!(task.wakes(), 1);
        assert_eq!(poll(&mut body, &task), piece("data: x\n\n"));
        let last = if senders.is_empty() {
            Got::End
        } else {
            Got::Nothing
        };
        assert_eq!(poll(&mut body, &task), last);
    }
}

#[test]
fn senders_that_wait_for_room_are_woken() {
    let options = quiet().buffer_size(1);
    let mut given = None;
    let mut body = body(&options, |sse: Sse| {
        given = Some(sse.clone());
        async move {
            for text in ["1", "2"] {
                sse.send(text).await?;
            }
            pending::<Result<(), SendError>>().await
        }
    });
    let sse = given.expect("a handle");
    let (task, sender) = (Task::new(), Task::new());
    assert_eq!(poll(&mut body, &task), piece("data: 1\n\n"));
    // The handler has waited for room itself.
    assert_eq!(poll(&mut body, &task), piece("data: 2\n\n"));
    sse.try_send("3").expect("room");
    let waker = Waker::from(Arc::clone(&sender));
    let mut waiting = Box::pin(sse.send("4"));
    let cx = &mut Context::from_waker(&waker);
    assert!(waiting.poll_unpin(cx).is_pending());
    assert_eq!(poll(&mut body, &task), piece("data: 3\n\n"));
    assert_eq!(sender.wakes(), 1);
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    task.wakes();
    assert!(waiting.poll_unpin(cx).is_ready());
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll(&mut body, &task), piece("data: 4\n\n"));
}

#[test]
fn a_dropped_body_drops_its_task() {
    let (mut body, sse, _) = idle(&quiet());
    let task = Task::new();
    assert_eq!(poll(&mut body, &task), Got::Nothing);
    assert!(Arc::strong_count(&task) > 1);
    drop(body);
    assert!(sse.is_closed());
    assert_eq!(Arc::strong_count(&task), 1);
    // There is no reason to wake it.
    assert_eq!(task.wakes(), 0);
}

/// Each event waits for the one before to have come, so that a single lost wake ends it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_is_lost_between_threads() {
    const ROUNDS: usize = 20_000;
    let (to_handler, mut from_driver) = mpsc::unbounded_channel();
    let (give, take) = oneshot::channel::<Sse>();
    let stream = SseStream::new(&quiet(), None, |sse: Sse| async move {
        assert!(give.send(sse.clone()).is_ok());
        while let Some(text) = from_driver.recv().await {
            sse.send(text).await?;
        }
        Ok::<_, SendError>(())
    });
    let (report, mut came) = mpsc::unbounded_channel();
    let reader = tokio::spawn(async move {
        let mut body = Box::pin(stream);
        for turn in 0.. {
            // By another task now and then, and always once more than there is a reason to.
            let by_another = (turn % 2 == 0).then(|| body.next().now_or_never());
            let piece = match by_another.flatten() {
                Some(piece) => piece,
                None => {
                    poll_fn(|cx| match body.poll_next_unpin(cx) {
                        Poll::Pending => body.poll_next_unpin(cx),
                        ready => ready,
                    })
                    .await
                }
            };
            let Some(piece) = piece else {
                break;
            };
            report
                .send(piece.expect("no failure").len())
                .expect("a driver");
        }
    });
    let driver = async {
        let sse = take.await.expect("a handle");
        for round in 0..ROUNDS {
            // By the handler, by another handle, and by both at once.
            let mut expected = 0;
            if round % 3 != 1 {
                to_handler.send("x").expect("a handler");
                expected += 9;
            }
            if round % 3 != 0 {
                sse.send("x").await.expect("an open stream");
                expected += 9;
            }
            while expected > 0 {
                expected -= came.recv().await.expect("a piece");
            }
        }
        drop(to_handler);
    };
    let all = async {
        driver.await;
        reader.await.expect("no panic");
    };
    timeout(Duration::from_secs(120), all)
        .await
        .expect("no wake is lost");
}

/// As many as can be at once: all that was sent comes, and the stream ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_threads_that_send_at_once_lose_nothing() {
    const THREADS: usize = 4;
    const EVENTS: usize = 5_000;
    let options = SseOptions::new().buffer_size(64);
    let stream = SseStream::new(&options, None, |sse: Sse| async move {
        for _ in 0..THREADS {
            let sse = sse.clone();
            tokio::spawn(async move {
                for _ in 0..EVENTS {
                    sse.send("x").await.expect("an open stream");
                }
            });
        }
        for _ in 0..EVENTS {
            sse.send("x").await?;
            tokio::task::yield_now().await;
        }
        Ok::<_, SendError>(())
    });
    let read =
        tokio::spawn(stream.fold(0, async |len, piece| len + piece.expect("no failure").len()));
    let len = timeout(Duration::from_secs(120), read)
        .await
        .expect("no wake is lost")
        .expect("no panic");
    assert_eq!(len, (THREADS + 1) * EVENTS * "data: x\n\n".len());
}
