//! A client that is served through an `SseStream`, and whose task runs only when it was woken.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::Stream;
use sse_hub::{Event, Subscription};
use sse_session::{BoxError, HandlerError, Sse, SseOptions, SseStream, TrySendError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub(crate) struct Served {
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>>>>,
    task: Arc<Task>,
    /// The handler switches to what is sent here.
    next: UnboundedSender<Subscription>,
    /// A handle elsewhere, which keeps the stream open.
    handle: Option<Sse>,
}

struct Task {
    woken: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
    }
}

impl Served {
    pub(crate) fn new(first: Subscription, has_handle: bool) -> Self {
        let (next, others) = unbounded_channel();
        let mut handle = None;
        let stream = Box::pin(SseStream::new(&SseOptions::new(), None, |sse| {
            handle = has_handle.then(|| sse.clone());
            serve_in_turn(sse, first, others)
        }));
        Self {
            stream,
            task: Arc::new(Task {
                woken: AtomicBool::new(true),
            }),
            next,
            handle,
        }
    }

    /// Runs the task up to its next piece. `None` if it sleeps then.
    pub(crate) fn next(&mut self) -> Option<Option<Bytes>> {
        self.task.woken.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.task));
        let cx = &mut Context::from_waker(&waker);
        match self.stream.as_mut().poll_next(cx) {
            Poll::Pending => None,
            Poll::Ready(next) => {
                waker.wake();
                Some(next.map(|piece| piece.expect("no error")))
            }
        }
    }

    /// Whether its task would be run now.
    pub(crate) fn is_woken(&self) -> bool {
        self.task.woken.load(Ordering::Relaxed)
    }

    /// Whether a handle elsewhere keeps the stream open.
    pub(crate) fn has_handle(&self) -> bool {
        self.handle.is_some()
    }

    /// Has the handler drop what it serves and switch to another subscription.
    pub(crate) fn switch(&self, next: Subscription) {
        assert!(self.next.send(next).is_ok(), "the handler is there");
    }

    /// Sends a comment through another handle.
    pub(crate) fn comment(&self) {
        if let Some(handle) = &self.handle {
            match handle.try_send(Event::new().comment("of another handle")) {
                Ok(()) | Err(TrySendError::Full) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Serves one subscription until there is another one, about which the client gets an event.
async fn serve_in_turn(
    sse: Sse,
    mut subscription: Subscription,
    mut others: UnboundedReceiver<Subscription>,
) -> Result<(), BoxError> {
    loop {
        tokio::select! {
            biased;
            Some(next) = others.recv() => {
                sse.send(Event::new().event("switch").id("switch").data("")).await?;
                subscription = next;
            }
            served = subscription.serve(sse.clone()) => return served,
        }
    }
}
