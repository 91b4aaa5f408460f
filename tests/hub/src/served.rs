//! A client that is served through an `SseStream`, and whose task is run by hand.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::Stream;
use sse_hub::Hub;
use sse_session::{BoxError, HandlerError, Sse, SseOptions, SseStream};

/// A client whose task is run by hand.
pub struct Served {
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>> + Send>>,
    task: Arc<Task>,
    received: Vec<u8>,
}

/// Counts how often it is woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Served {
    /// Creates a client and runs its task until it sleeps. What it receives until then is skipped.
    pub fn new<F>(handler: impl FnOnce(Sse) -> F) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let mut client = Self::begun(handler);
        client.received.clear();
        client
    }

    /// As [`new`](Self::new), with what it receives until its task sleeps.
    pub fn begun<F>(handler: impl FnOnce(Sse) -> F) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let options = SseOptions::new().without_keep_alive();
        let mut client = Self {
            stream: Box::pin(SseStream::new(&options, None, handler)),
            task: Arc::default(),
            received: Vec::new(),
        };
        assert!(!client.run(), "it goes on");
        client
    }

    /// Creates a client of the topic "news".
    pub fn of(hub: &Hub) -> Self {
        Self::new(|sse| hub.subscribe(["news"]).serve(sse))
    }

    /// Runs the task until it sleeps. Returns whether the stream has ended.
    pub fn run(&mut self) -> bool {
        let waker = Waker::from(Arc::clone(&self.task));
        let cx = &mut Context::from_waker(&waker);
        loop {
            match self.stream.as_mut().poll_next(cx) {
                Poll::Pending => return false,
                Poll::Ready(None) => return true,
                Poll::Ready(Some(piece)) => {
                    self.received.extend_from_slice(&piece.expect("no error"));
                }
            }
        }
    }

    /// Runs the task until the stream fails, which it does when it is polled once more after its last
    /// piece. Returns the error of the handler.
    pub fn failure(&mut self) -> BoxError {
        assert!(!self.run(), "it fails");
        let cx = &mut Context::from_waker(Waker::noop());
        match self.stream.as_mut().poll_next(cx) {
            Poll::Ready(Some(Err(error))) => error.into_inner(),
            other => panic!("{other:?} instead of a failure"),
        }
    }

    /// Moves the client to another task.
    pub fn move_to_another_task(&mut self) {
        self.task = Arc::default();
    }

    /// Returns what was received since the last call.
    pub fn received(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.received)).expect("UTF-8")
    }

    /// Returns how often the task was woken since the last call.
    #[must_use]
    pub fn wakes(&self) -> usize {
        self.task.0.swap(0, Ordering::Relaxed)
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").finish_non_exhaustive()
    }
}
