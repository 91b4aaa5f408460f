//! Senders, a body and their wakers in all interleavings: no wake is lost, and no event.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream as _;
use loom::sync::Mutex;
use loom::thread;
use sse_model::{IntoHandlerResult, SendError, Sse, SseOptions, SseStream, TrySendError};
use sse_model_paths::reach;

use crate::task::{Task, block_on, check};

type Body<F> = Pin<Box<SseStream<F>>>;

/// A stream whose buffer takes one event at a time if it is `small`, and a handle.
fn stream<F>(small: bool, handler: impl FnOnce(Sse) -> F) -> (Body<F>, Sse)
where
    F: Future<Output: IntoHandlerResult>,
{
    let options = SseOptions::new().without_opening_comment();
    let mut options = options.without_keep_alive();
    if small {
        options = options.buffer_size(1);
    }
    let mut handle = None;
    let stream = SseStream::new(&options, None, |sse: Sse| {
        handle = Some(sse.clone());
        handler(sse)
    });
    (Box::pin(stream), handle.expect("a handle"))
}

/// What is left of a body, until its end.
fn read<F>(mut body: Body<F>) -> String
where
    F: Future<Output: IntoHandlerResult>,
{
    let mut all = String::new();
    while let Some(piece) = block_on(poll_fn(|cx| body.as_mut().poll_next(cx))) {
        all.push_str(str::from_utf8(&piece.expect("no failure")).expect("UTF-8"));
    }
    all
}

fn event(text: &str) -> String {
    format!("data: {text}\n\n")
}

/// Checks that two events came, and notes which one was the first.
fn assert_either_order(all: &str, one: &'static str, other: &'static str) {
    let (first, second) = (event(one), event(other));
    if all == format!("{first}{second}") {
        reach(one);
    } else if all == format!("{second}{first}") {
        reach(other);
    } else {
        panic!("{all}");
    }
}

#[test]
fn what_two_handles_send_comes_and_then_the_end() {
    check(&["task woken", "a", "b"], || {
        let (body, sse) = stream(false, async |sse: Sse| drop(sse));
        let other = sse.clone();
        let first = thread::spawn(move || block_on(sse.send("a")).expect("an open stream"));
        let second = thread::spawn(move || other.try_send("b").expect("room"));
        assert_either_order(&read(body), "a", "b");
        first.join().expect("no panic");
        second.join().expect("no panic");
    });
}

#[test]
fn two_handles_that_wait_for_room_are_woken() {
    let paths = ["task woken", "room for a sender that waits", "a", "b"];
    check(&paths, || {
        let (body, sse) = stream(true, async |sse: Sse| drop(sse));
        let other = sse.clone();
        let first = thread::spawn(move || block_on(sse.send("a")).expect("an open stream"));
        let second = thread::spawn(move || block_on(other.send("b")).expect("an open stream"));
        assert_either_order(&read(body), "a", "b");
        first.join().expect("no panic");
        second.join().expect("no panic");
    });
}

#[test]
fn several_events_that_wait_for_room_keep_their_order() {
    check(&["task woken", "room for a sender that waits"], || {
        let (body, sse) = stream(true, async |sse: Sse| drop(sse));
        let sender = thread::spawn(move || block_on(sse.send_all(["a", "b", "c"])));
        assert_eq!(read(body), ["a", "b", "c"].map(event).concat());
        assert!(sender.join().expect("no panic").is_ok());
    });
}

#[test]
fn a_handler_and_a_handle_wait_for_room_of_each_other() {
    let paths = [
        "task woken",
        "room for a sender that waits",
        "xab",
        "axb",
        "abx",
    ];
    check(&paths, || {
        let (body, sse) = stream(true, async |sse: Sse| {
            sse.send("a").await?;
            sse.send("b").await
        });
        let sender = thread::spawn(move || block_on(sse.send("x")).expect("an open stream"));
        let all = read(body);
        let places = ["xab", "axb", "abx"];
        let came: String = all
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .collect();
        reach(
            places
                .iter()
                .find(|place| **place == came)
                .expect("an order"),
        );
        sender.join().expect("no panic");
    });
}

#[test]
fn a_close_ends_the_stream_and_all_sends() {
    let paths = [
        "task woken",
        "room for a sender that waits",
        "none sent",
        "one sent",
        "two sent",
    ];
    check(&paths, || {
        let (body, sse) = stream(true, |sse: Sse| async move {
            let _open = sse;
            std::future::pending::<()>().await;
        });
        let other = sse.clone();
        let sender = thread::spawn(move || {
            let sent = ["a", "b"].map(|text| block_on(other.send(text)).is_ok());
            sent.into_iter().filter(|sent| *sent).count()
        });
        let closer = thread::spawn(move || sse.close());
        let all = read(body);
        let sent = sender.join().expect("no panic");
        reach(["none sent", "one sent", "two sent"][sent]);
        assert_eq!(all, ["a", "b"].map(event)[..sent].concat());
        closer.join().expect("no panic");
    });
}

#[test]
fn a_shutdown_ends_the_stream() {
    let paths = [
        "task woken",
        "woken during its poll",
        "sent before",
        "refused",
    ];
    check(&paths, || {
        let (body, sse) = stream(false, |sse: Sse| async move {
            let _open = sse;
            std::future::pending::<()>().await;
        });
        let shutdown = body.shutdown_handle();
        let stopper = thread::spawn(move || shutdown.shutdown());
        let sender = thread::spawn(move || sse.try_send("a"));
        let all = read(body);
        let sent = sender.join().expect("no panic");
        assert!(matches!(sent, Ok(()) | Err(TrySendError::Closed)));
        reach(if sent.is_ok() {
            "sent before"
        } else {
            "refused"
        });
        assert_eq!(all, event("a").repeat(usize::from(sent.is_ok())));
        stopper.join().expect("no panic");
    });
}

/// Wherever the body is: never polled, waiting, or with something to take.
#[test]
fn senders_learn_that_the_body_was_dropped() {
    for polls in 0..3 {
        let paths = [
            "waits for the close",
            "a task sleeps",
            "polled while it waits",
        ];
        // The third is of a second poll, before which nothing was sent.
        check(&paths[..if polls == 2 { 3 } else { 2 }], move || {
            let (mut body, sse) = stream(true, async |sse: Sse| drop(sse));
            let other = sse.clone();
            let sender = thread::spawn(move || {
                let sent = block_on(sse.send_all(["a", "b", "c", "d"]));
                sent.expect_err("the body is dropped").into_error()
            });
            let waiting = thread::spawn(move || block_on(other.closed()));
            // Of one task: the waker that does nothing is not known to be the same one again.
            let waker = Waker::from(Arc::new(Task::default()));
            let mut cx = Context::from_waker(&waker);
            for _ in 0..polls {
                let polled = body.as_mut().poll_next(&mut cx);
                assert!(!matches!(polled, Poll::Ready(None | Some(Err(_)))));
            }
            drop(body);
            assert!(matches!(
                sender.join().expect("no panic"),
                SendError::Closed
            ));
            waiting.join().expect("no panic");
        });
    }
}

/// What a handler waits for: a flag that another thread sets.
#[derive(Default)]
struct Flag {
    state: Mutex<(bool, Option<Waker>)>,
}

impl Flag {
    fn set(&self) {
        let mut state = self.state.lock().expect("not poisoned");
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn is_set(&self) {
        poll_fn(|cx| {
            let mut state = self.state.lock().expect("not poisoned");
            if state.0 {
                reach("the flag was set");
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[test]
fn a_handler_is_polled_when_what_it_waits_for_has_come() {
    let paths = [
        "task woken",
        "woken during its poll",
        "set",
        "x",
        "the flag was set",
    ];
    check(&paths, || {
        let flag = Arc::new(Flag::default());
        let set = Arc::clone(&flag);
        let (body, sse) = stream(false, |sse: Sse| async move {
            flag.is_set().await;
            sse.send("set").await
        });
        let setter = thread::spawn(move || set.set());
        let sender = thread::spawn(move || sse.try_send("x").expect("room"));
        assert_either_order(&read(body), "set", "x");
        setter.join().expect("no panic");
        sender.join().expect("no panic");
    });
}

/// As a server does that moves a stream from one task to another.
#[test]
fn the_task_that_has_polled_last_is_woken() {
    let paths = ["task woken", "nothing at first", "something at first"];
    check(&paths, || {
        let (mut body, sse) = stream(false, async |sse: Sse| drop(sse));
        let sender = thread::spawn(move || sse.try_send("a").expect("room"));
        let mut cx = Context::from_waker(Waker::noop());
        let first = match body.as_mut().poll_next(&mut cx) {
            Poll::Ready(Some(piece)) => {
                reach("something at first");
                piece.expect("no failure").to_vec()
            }
            Poll::Ready(None) => panic!("an event is missing"),
            Poll::Pending => {
                reach("nothing at first");
                Vec::new()
            }
        };
        let first = String::from_utf8(first).expect("UTF-8");
        assert_eq!(first + &read(body), event("a"));
        sender.join().expect("no panic");
    });
}
