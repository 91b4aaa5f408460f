//! Delivering to a stream past its task: only while that waits, after all that was sent, and seen
//! by the keep-alive.

use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use sse_session::{
    Delivery, Direct, DirectWrite, Errand, HandlerError, ShutdownHandle, Sse, SseOptions, SseStream,
};
use tokio::sync::oneshot;
use tokio::time::advance;

/// A connection that is always at rest, and takes what it is given until it is told not to.
#[derive(Default)]
struct Line {
    taken: Mutex<String>,
    is_full: AtomicBool,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    /// What was delivered since this was asked.
    fn taken(&self) -> String {
        std::mem::take(&mut self.taken.lock().expect("not poisoned"))
    }
}

impl DirectWrite for Line {
    fn deliver(&self, delivery: &Delivery) -> bool {
        let Some(events) = delivery.events() else {
            return false;
        };
        if self.is_full.load(Ordering::Relaxed) {
            return false;
        }
        let events = std::str::from_utf8(events).expect("UTF-8");
        self.taken.lock().expect("not poisoned").push_str(events);
        true
    }

    fn is_at_rest(&self) -> bool {
        true
    }

    fn send_on(&self, errand: Errand) -> Result<(), Errand> {
        errand();
        Ok(())
    }

    fn home(&self) -> usize {
        7
    }
}

#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Task {
    /// How often it was woken since this was asked.
    fn wakes(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

type Body = Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>>>>;

/// A stream that has a line, and what its task is.
struct Client {
    body: Option<Body>,
    sse: Sse,
    shutdown: ShutdownHandle,
    line: Arc<Line>,
    task: Arc<Task>,
}

impl Client {
    fn new(options: &SseOptions) -> Self {
        let line = Arc::new(Line::default());
        let mut given = None;
        let stream = SseStream::new(options, None, |sse: Sse| {
            given = Some(sse);
            pending::<()>()
        });
        let shutdown = stream.shutdown_handle();
        let mut stream = Box::pin(stream);
        stream.as_mut().deliver_through(Arc::<Line>::clone(&line));
        Self {
            body: Some(stream),
            sse: given.expect("a handle"),
            shutdown,
            line,
            task: Arc::default(),
        }
    }

    /// One that waits.
    fn waiting() -> Self {
        let mut client = Self::new(&SseOptions::new().without_keep_alive());
        assert_eq!(client.poll(), Poll::Pending);
        client
    }

    fn poll_by(&mut self, task: &Arc<Task>) -> Poll<Option<String>> {
        let waker = Waker::from(Arc::clone(task));
        let body = self.body.as_mut().expect("a body").as_mut();
        let polled = body.poll_next(&mut Context::from_waker(&waker));
        polled.map(|next| {
            let piece = next?.expect("no failure").to_vec();
            Some(String::from_utf8(piece).expect("UTF-8"))
        })
    }

    fn poll(&mut self) -> Poll<Option<String>> {
        self.poll_by(&Arc::clone(&self.task))
    }

    fn direct(&self) -> Direct {
        self.sse.direct().expect("a way past the task")
    }
}

fn event(data: &str) -> Delivery {
    Delivery::new(format!("data: {data}\n\n").into(), Arc::default())
}

fn piece(text: &str) -> Poll<Option<String>> {
    Poll::Ready(Some(text.to_owned()))
}

#[test]
fn there_is_a_way_past_a_task_once_that_has_polled_and_until_the_stream_is_gone() {
    let mut client = Client::new(&SseOptions::new().without_keep_alive());
    assert!(client.sse.is_direct());
    assert!(client.sse.direct().is_none());
    assert_eq!(client.poll(), Poll::Pending);
    let direct = client.direct();
    assert_eq!(direct.home(), 7);
    client.body = None;
    assert!(client.sse.direct().is_none());
    assert!(!direct.deliver(&event("late")));
    assert!(!direct.is_at_rest());
    assert_eq!(client.line.taken(), "");
}

#[test]
fn there_is_none_past_a_task_whose_server_has_none() {
    let mut given = None;
    let mut stream = Box::pin(SseStream::new(
        &SseOptions::new().without_keep_alive(),
        None,
        |sse: Sse| {
            given = Some(sse);
            pending::<()>()
        },
    ));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(stream.as_mut().poll_next(cx).is_pending());
    let sse = given.expect("a handle");
    assert!(!sse.is_direct());
    assert!(sse.direct().is_none());
}

#[test]
fn a_stream_that_waits_is_delivered_to_and_its_task_sleeps_on() {
    let mut client = Client::waiting();
    let direct = client.direct();
    assert!(direct.is_at_rest());
    assert!(direct.deliver(&event("1")));
    assert!(direct.deliver(&event("2")));
    assert_eq!(client.line.taken(), "data: 1\n\ndata: 2\n\n");
    assert_eq!(client.task.wakes(), 0);
    assert_eq!(client.poll(), Poll::Pending);
    // As the client may take nothing, or there may be nothing any more.
    client.line.is_full.store(true, Ordering::Relaxed);
    assert!(!direct.deliver(&event("3")));
    assert_eq!(client.line.taken(), "");
}

#[test]
fn nothing_overtakes_what_was_sent_before() {
    let mut client = Client::waiting();
    let direct = client.direct();
    client.sse.try_send("sent").expect("room");
    for _ in 0..2 {
        assert!(!direct.is_at_rest());
        assert!(!direct.deliver(&event("x")));
    }
    // The stream waits again from the piece on, which is known to be the last one for now.
    assert_eq!(client.poll(), piece("data: sent\n\n"));
    assert_eq!(client.poll(), Poll::Pending);
    assert!(direct.is_at_rest());
    assert!(direct.deliver(&event("x")));
    assert_eq!(client.line.taken(), "data: x\n\n");
}

#[test]
fn a_piece_that_is_not_the_last_one_leaves_the_stream_something_to_do() {
    let mut client = Client::waiting();
    let direct = client.direct();
    let encoded = Bytes::from_static(b"data: first\n\n");
    futures_util::FutureExt::now_or_never(client.sse.send_encoded(encoded))
        .expect("room")
        .expect("an open stream");
    client.sse.try_send("second").expect("room");
    assert_eq!(client.poll(), piece("data: first\n\n"));
    assert!(!direct.deliver(&event("x")));
    assert_eq!(client.poll(), piece("data: second\n\n"));
    assert!(direct.deliver(&event("x")));
}

#[test]
fn a_stream_that_is_to_end_or_has_ended_is_not_delivered_to() {
    let ends: [fn(&Client); 2] = [
        |client| client.sse.close(),
        |client| client.shutdown.shutdown(),
    ];
    for end in ends {
        let mut client = Client::waiting();
        let direct = client.direct();
        end(&client);
        assert_eq!(client.task.wakes(), 1);
        assert!(!direct.deliver(&event("x")));
        for _ in 0..2 {
            assert_eq!(client.poll(), Poll::Ready(None));
            assert!(!direct.deliver(&event("x")));
            assert!(!direct.is_at_rest());
        }
        assert_eq!(client.line.taken(), "");
    }
}

#[test]
fn the_last_piece_of_all_is_followed_by_nothing() {
    let mut client = Client::waiting();
    let direct = client.direct();
    client.sse.try_send("last").expect("room");
    client.sse.close();
    assert_eq!(client.poll(), piece("data: last\n\n"));
    assert!(!direct.deliver(&event("x")));
    assert_eq!(client.poll(), Poll::Ready(None));
    assert!(!direct.deliver(&event("x")));
}

#[test]
fn a_stream_that_was_woken_and_has_not_looked_yet_is_not_delivered_to() {
    let (wake, woken) = oneshot::channel::<()>();
    let line = Arc::new(Line::default());
    let mut given = None;
    let mut stream = Box::pin(SseStream::new(
        &SseOptions::new().without_keep_alive(),
        None,
        |sse: Sse| {
            given = Some(sse);
            async move {
                let _ = woken.await;
                pending::<()>().await;
            }
        },
    ));
    stream.as_mut().deliver_through(Arc::<Line>::clone(&line));
    let task = Arc::new(Task::default());
    let waker = Waker::from(Arc::clone(&task));
    let cx = &mut Context::from_waker(&waker);
    assert!(stream.as_mut().poll_next(cx).is_pending());
    let sse = given.expect("a handle");
    let direct = sse.direct().expect("a way");
    assert!(direct.deliver(&event("1")));
    // The handler may be about to send something that belongs before.
    wake.send(()).expect("it is awaited");
    assert_eq!(task.wakes(), 1);
    assert!(!direct.deliver(&event("2")));
    assert!(stream.as_mut().poll_next(cx).is_pending());
    assert!(direct.deliver(&event("3")));
    assert_eq!(line.taken(), "data: 1\n\ndata: 3\n\n");
}

#[test]
fn a_way_past_a_task_that_the_stream_has_left_leads_nowhere() {
    let mut client = Client::waiting();
    let old = client.direct();
    let (first, second) = (Arc::clone(&client.task), Arc::new(Task::default()));
    assert_eq!(client.poll_by(&second), Poll::Pending);
    assert!(!old.deliver(&event("x")));
    assert!(!old.is_at_rest());
    let new = client.direct();
    assert!(new.deliver(&event("1")));
    // Not even if it comes back to the first one.
    assert_eq!(client.poll_by(&first), Poll::Pending);
    for gone in [&old, &new] {
        assert!(!gone.deliver(&event("x")));
    }
    assert!(client.direct().deliver(&event("2")));
    assert_eq!(client.line.taken(), "data: 1\n\ndata: 2\n\n");
    assert_eq!((first.wakes(), second.wakes()), (0, 0));
}

#[test]
fn a_stream_that_is_gone_lets_go_of_its_line_and_its_task() {
    let mut client = Client::waiting();
    let (direct, sse) = (client.direct(), client.sse.clone());
    // This one, that of the stream, and that of the way.
    assert_eq!(Arc::strong_count(&client.line), 3);
    client.body = None;
    assert_eq!(Arc::strong_count(&client.line), 2);
    drop(direct);
    assert_eq!(Arc::strong_count(&client.line), 1);
    assert_eq!(Arc::strong_count(&client.task), 1);
    assert!(sse.is_closed());
}

#[test]
fn another_line_takes_the_place_of_the_first_one() {
    let line = Arc::new(Line::default());
    let mut stream = Box::pin(SseStream::new(&SseOptions::new(), None, |_: Sse| {
        pending::<()>()
    }));
    stream.as_mut().deliver_through(Arc::<Line>::clone(&line));
    stream.as_mut().deliver_through(Arc::new(Line::default()));
    assert_eq!(Arc::strong_count(&line), 1);
}

/// Polls each second, for so many of them, and tells in which ones something came, and what.
async fn watch(client: &mut Client, seconds: u64) -> Vec<(u64, String)> {
    let mut came = Vec::new();
    for second in 1..=seconds {
        advance(Duration::from_secs(1)).await;
        // Only if it was woken, as a server would.
        if client.task.wakes() > 0 {
            while let Poll::Ready(piece) = client.poll() {
                came.push((second, piece.expect("an open stream")));
            }
        }
    }
    came
}

const COMMENT: &str = ": keep-alive\n\n";

#[tokio::test(start_paused = true)]
async fn the_silence_begins_with_what_was_delivered_past_the_task() {
    let interval = Duration::from_secs(15);
    let mut client = Client::new(&SseOptions::new().keep_alive(interval));
    assert_eq!(client.poll(), Poll::Pending);
    assert_eq!(watch(&mut client, 10).await, []);
    assert!(client.direct().deliver(&event("x")));
    assert_eq!(client.task.wakes(), 0);
    let came = watch(&mut client, 31).await;
    assert_eq!(came, [(15, COMMENT.to_owned()), (30, COMMENT.to_owned())]);
    // What came after a delivery counts, and not the delivery.
    assert!(client.direct().deliver(&event("x")));
    assert_eq!(watch(&mut client, 5).await, []);
    client.sse.try_send("y").expect("room");
    assert_eq!(client.poll(), piece("data: y\n\n"));
    client.task.wakes();
    let came = watch(&mut client, 16).await;
    assert_eq!(came, [(15, COMMENT.to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn the_silence_goes_on_while_the_stream_moves_from_task_to_task() {
    let interval = Duration::from_secs(15);
    let mut client = Client::new(&SseOptions::new().keep_alive(interval));
    assert_eq!(client.poll(), Poll::Pending);
    for _ in 0..2 {
        for _ in 0..14 {
            advance(Duration::from_secs(1)).await;
            client.task = Arc::default();
            assert_eq!(client.poll(), Poll::Pending);
        }
        advance(Duration::from_secs(1)).await;
        client.task = Arc::default();
        assert_eq!(client.poll(), piece(COMMENT));
        assert_eq!(client.poll(), Poll::Pending);
    }
    // What was delivered past the last one is not forgotten.
    assert_eq!(watch(&mut client, 10).await, []);
    assert!(client.direct().deliver(&event("x")));
    client.task = Arc::default();
    assert_eq!(client.poll(), Poll::Pending);
    let came = watch(&mut client, 16).await;
    assert_eq!(came, [(15, COMMENT.to_owned())]);
}
