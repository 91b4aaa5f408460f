//! A client that is served through an `SseStream`, and whose task is run by hand.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::Stream;
use sse_hub::Hub;
use sse_session::{BoxError, HandlerError, Sse, SseOptions, SseStream};

pub(crate) struct Served {
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
    /// A client whose task was run until it sleeps. What came until then is passed over.
    pub(crate) fn new<F>(handler: impl FnOnce(Sse) -> F) -> Self
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
        client.received.clear();
        client
    }

    /// A client of the topic "news".
    pub(crate) fn of(hub: &Hub) -> Self {
        Self::new(|sse| hub.subscribe(["news"]).serve(sse))
    }

    /// Runs the task until it sleeps, or until the stream has ended: then it is `true`.
    pub(crate) fn run(&mut self) -> bool {
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

    /// Runs in another task from now on.
    pub(crate) fn move_to_another_task(&mut self) {
        self.task = Arc::default();
    }

    /// What has come since this was asked last.
    pub(crate) fn received(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.received)).expect("UTF-8")
    }

    /// How often the task was woken since this was asked last.
    pub(crate) fn wakes(&self) -> usize {
        self.task.0.swap(0, Ordering::Relaxed)
    }
}
