//! Events and iterators that run code of their own, which uses the same stream.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use sse_session::{
    Buffer, Data, DataWriter, Display, EncodeError, Event, HandlerError, SendError, Sse,
    SseOptions, SseStream, TrySendError, forward,
};

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>>>>;

/// A body whose handler does nothing, and another handle of it.
fn idle(options: SseOptions) -> (Body, Sse) {
    let mut given = None;
    let body = SseStream::new(&options.without_keep_alive(), None, |sse: Sse| {
        given = Some(sse);
        std::future::pending::<()>()
    });
    (Box::pin(body), given.expect("a handle"))
}

/// The piece that a body yields at once.
fn piece(body: &mut Body) -> Bytes {
    let piece = body.next().now_or_never().expect("ready");
    piece.expect("a piece").expect("no failure")
}

/// Data that does something while it is encoded.
struct Act<F>(F);

impl<F: Fn()> Data for Act<F> {
    fn write_to<B: Buffer>(&self, out: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        out.text("first line");
        (self.0)();
        out.text("second line");
        Ok(())
    }
}

const ACT: &str = "data: first line\ndata: second line\n\n";

impl<F: Fn()> fmt::Display for Act<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("first line\n")?;
        (self.0)();
        f.write_str("second line")
    }
}

/// Uses a handle in all ways but for those that end the stream.
fn use_all(sse: &Sse) {
    sse.try_send("nested").expect("room");
    sse.send("nested")
        .now_or_never()
        .expect("room")
        .expect("open");
    sse.try_send_all(["nested"]).expect("room");
    sse.try_send(Display("nested")).expect("room");
    let mut encoded = Bytes::from_static(b"data: nested\n\n");
    sse.try_send_encoded(&mut encoded).expect("room");
    drop(sse.clone());
    assert!(!sse.is_closed());
    assert!(format!("{sse:?}").contains("closed: false"));
    assert!(sse.closed().now_or_never().is_none());
}

#[test]
fn what_an_events_own_code_sends_comes_before_the_event() {
    let (mut body, sse) = idle(SseOptions::new());
    let nested = "data: nested\n\n".repeat(5);
    let data = || Act(|| use_all(&sse));
    sse.try_send(data()).expect("room");
    assert_eq!(piece(&mut body), format!("{nested}{ACT}"));
    sse.try_send(Display(data())).expect("room");
    assert_eq!(piece(&mut body), format!("{nested}{ACT}"));
    let event = Event::new().id("1").data(data());
    sse.send(&event)
        .now_or_never()
        .expect("room")
        .expect("open");
    assert_eq!(
        piece(&mut body),
        format!(
            "{nested}{}id: 1\n\n",
            ACT.trim_end_matches('\n').to_owned() + "\n"
        )
    );
    sse.try_send_all([data()]).expect("room");
    assert_eq!(piece(&mut body), format!("{nested}{ACT}"));
}

#[test]
fn what_an_iterator_or_a_source_sends_comes_before_the_batch() {
    let (mut body, sse) = idle(SseOptions::new());
    let nested = "data: nested\n\n".repeat(5);
    let events = || ["a", "b"].into_iter().inspect(|_| use_all(&sse));
    let expected = format!("{nested}{nested}data: a\n\ndata: b\n\n");
    sse.try_send_all(events()).expect("room");
    assert_eq!(piece(&mut body), expected);
    sse.send_all(events())
        .now_or_never()
        .expect("room")
        .expect("open");
    assert_eq!(piece(&mut body), expected);
    let forwarded = forward(stream::iter(events()), &sse).now_or_never();
    assert!(matches!(forwarded, Some(Ok(()))));
    assert_eq!(piece(&mut body), expected);
}

#[test]
fn an_events_own_code_may_end_the_stream_and_then_the_event_is_not_sent() {
    let (mut body, sse) = idle(SseOptions::new());
    sse.try_send("before").expect("room");
    let closed = sse.try_send(Act(|| sse.close()));
    assert!(matches!(closed, Err(TrySendError::Closed)));
    assert_eq!(piece(&mut body), "data: before\n\n");
    assert!(body.next().now_or_never().expect("ready").is_none());

    let (body, sse) = idle(SseOptions::new());
    let body = RefCell::new(Some(body));
    let closed = sse.send(Act(|| drop(body.take()))).now_or_never();
    assert!(matches!(closed, Some(Err(SendError::Closed))));
    assert!(sse.is_closed());

    let (_body, sse) = idle(SseOptions::new());
    let events = ["a", "b", "c"].into_iter().inspect(|text| {
        if *text == "b" {
            sse.close();
        }
    });
    let error = sse.try_send_all(events).expect_err("closed");
    assert_eq!(error.sent(), 0);
    assert!(matches!(error.error(), TrySendError::Closed));
}

#[test]
fn what_an_events_own_code_sends_may_fill_the_buffer() {
    let (mut body, sse) = idle(SseOptions::new().buffer_size(20));
    // Whether there is room was decided before.
    let data = Act(|| {
        sse.try_send("fills the buffer").expect("room");
        assert!(matches!(sse.try_send("x"), Err(TrySendError::Full)));
    });
    sse.try_send(data).expect("room");
    let expected = format!("data: fills the buffer\n\n{ACT}");
    assert_eq!(piece(&mut body), expected);
}

/// The body is polled, for instance by a runtime that an event's own code enters.
#[test]
fn an_events_own_code_may_poll_the_body() {
    let (body, sse) = idle(SseOptions::new());
    let body = RefCell::new(body);
    sse.try_send("before").expect("room");
    let data = Act(|| assert_eq!(piece(&mut body.borrow_mut()), "data: before\n\n"));
    sse.try_send(data).expect("room");
    assert_eq!(piece(&mut body.borrow_mut()), ACT);
}

#[test]
fn the_code_of_an_event_that_cannot_be_encoded_runs_once() {
    let (mut body, sse) = idle(SseOptions::new());
    let event = Event::new().data(Fails(&sse));
    let failed = sse.send(&event).now_or_never().expect("ready");
    assert!(matches!(
        failed,
        Err(SendError::Encode(EncodeError::Display))
    ));
    assert_eq!(piece(&mut body), "data: nested\n\n");
}

struct Fails<'a>(&'a Sse);

impl Data for Fails<'_> {
    fn write_to<B: Buffer>(&self, _: &mut DataWriter<'_, B>) -> Result<(), EncodeError> {
        self.0.try_send("nested").expect("room");
        Err(EncodeError::Display)
    }
}

#[test]
fn a_thread_that_an_event_waits_for_can_send() {
    let (mut body, sse) = idle(SseOptions::new());
    let shared = Arc::new(Mutex::new("shared"));
    let (encoding, begun) = mpsc::channel();
    let (done, finished) = mpsc::channel();
    let locked = shared.lock().expect("not poisoned");
    let other = {
        let (sse, shared) = (sse.clone(), Arc::clone(&shared));
        thread::spawn(move || {
            // It waits, while it is encoded, for the lock.
            let data = Act(|| {
                encoding.send(()).expect("a receiver");
                drop(shared.lock().expect("not poisoned"));
            });
            sse.try_send(data).expect("room");
            done.send(()).expect("a receiver");
        })
    };
    begun.recv().expect("a sender");
    sse.try_send(*locked).expect("room");
    assert_eq!(piece(&mut body), "data: shared\n\n");
    drop(locked);
    let in_time = finished.recv_timeout(Duration::from_secs(60));
    in_time.expect("no deadlock");
    other.join().expect("no panic");
    assert_eq!(piece(&mut body), ACT);
}

/// Bytes whose owner does something when the last of them is dropped.
struct Owner<F: Fn()>(F);

impl<F: Fn()> AsRef<[u8]> for Owner<F> {
    fn as_ref(&self) -> &[u8] {
        b"data: owned\n\n"
    }
}

impl<F: Fn()> Drop for Owner<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn the_owner_of_encoded_events_may_use_the_stream_when_it_is_dropped() {
    let (mut body, sse) = idle(SseOptions::new());
    let other = sse.clone();
    let owned = move || {
        let sse = other.clone();
        Bytes::from_owner(Owner(move || {
            let _ = sse.try_send("dropped");
        }))
    };
    sse.try_send("first").expect("room");
    // Copied, for there are others before.
    let mut events = owned();
    sse.try_send_encoded(&mut events).expect("room");
    assert!(events.is_empty());
    let expected = "data: first\n\ndata: owned\n\ndata: dropped\n\n";
    assert_eq!(piece(&mut body), expected);
    // Dropped with the body.
    sse.try_send_encoded(&mut owned()).expect("room");
    drop(body);
    assert!(sse.is_closed());
}

#[test]
fn an_event_whose_own_code_panics_is_not_sent_and_the_stream_goes_on() {
    let (mut body, sse) = idle(SseOptions::new());
    sse.try_send("before").expect("room");
    let data = Act(|| std::panic::resume_unwind(Box::new(())));
    let sent = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sse.try_send(data)));
    assert!(sent.is_err());
    sse.try_send("after").expect("room");
    assert_eq!(piece(&mut body), "data: before\n\ndata: after\n\n");
}

#[test]
fn what_was_taken_from_an_iterator_before_it_or_an_event_panics_is_sent() {
    let (mut body, sse) = idle(SseOptions::new());
    let panics_at = |number| {
        (1..=4).map(move |it| {
            if it == number {
                std::panic::resume_unwind(Box::new(()));
            }
            it.to_string()
        })
    };
    let catch = |act: &mut dyn FnMut()| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).is_err()
    };
    {
        let mut sending = std::pin::pin!(sse.send_all(panics_at(3)));
        assert!(catch(&mut || assert!(
            (&mut sending).now_or_never().is_none()
        )));
        assert_eq!(sending.sent(), 2);
        assert_eq!(piece(&mut body), "data: 1\n\ndata: 2\n\n");
        // What is left is the fourth.
        assert!(matches!(sending.as_mut().now_or_never(), Some(Ok(()))));
        assert_eq!(sending.sent(), 3);
        assert_eq!(piece(&mut body), "data: 4\n\n");
    }
    let source = stream::iter(panics_at(2));
    let mut forwarding = std::pin::pin!(forward(source, &sse));
    assert!(catch(&mut || assert!(
        (&mut forwarding).now_or_never().is_none()
    )));
    assert_eq!(piece(&mut body), "data: 1\n\n");
    let events = [false, true].map(|panics| {
        Act(move || {
            if panics {
                std::panic::resume_unwind(Box::new(()));
            }
        })
    });
    assert!(catch(&mut || sse.try_send_all(&events).expect("room")));
    assert_eq!(piece(&mut body), ACT);
}
