//! A client whose task is run by hand, and whose connection others can write to. It records what
//! it was delivered, and keeps its errand until the test has it run or dropped.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::Stream;
use sse_hub::Hub;
use sse_session::{
    BoxError, Delivery, DirectWrite, Errand, HandlerError, Sse, SseOptions, SseStream,
};

pub(crate) struct Client {
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>> + Send>>,
    pub(crate) line: Arc<Line>,
}

impl Client {
    /// A client whose task was run until it sleeps.
    pub(crate) fn new<F>(home: usize, handler: impl FnOnce(Sse) -> F) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let line = Arc::new(Line {
            home,
            task: Mutex::default(),
            state: Mutex::default(),
        });
        let options = SseOptions::new().without_keep_alive();
        let mut stream = Box::pin(SseStream::new(&options, None, handler));
        stream.as_mut().deliver_through(Arc::<Line>::clone(&line));
        let mut client = Self { stream, line };
        assert!(!client.run(), "it goes on");
        client.line.state().written.clear();
        client
    }

    /// A client that is served a topic, "news".
    pub(crate) fn of(hub: &Hub, home: usize) -> Self {
        Self::new(home, |sse| hub.subscribe(["news"]).serve(sse))
    }

    /// Runs the task until it sleeps, or until the stream has ended: then it is `true`.
    pub(crate) fn run(&mut self) -> bool {
        self.line.state().is_at_rest = false;
        let waker = Waker::from(Arc::clone(&self.line.task.lock().expect("not poisoned")));
        let cx = &mut Context::from_waker(&waker);
        loop {
            match self.stream.as_mut().poll_next(cx) {
                Poll::Pending => {
                    self.line.state().is_at_rest = true;
                    return false;
                }
                Poll::Ready(None) => return true,
                Poll::Ready(Some(piece)) => {
                    let piece = piece.expect("no error");
                    self.line.state().written.extend_from_slice(&piece);
                }
            }
        }
    }

    /// Runs another task from now on.
    pub(crate) fn move_to_another_task(&self) {
        *self.line.task.lock().expect("not poisoned") = Arc::default();
    }

    /// What has arrived since this was asked last, past the task and by it, in order.
    pub(crate) fn received(&self) -> String {
        let written = std::mem::take(&mut self.line.state().written);
        String::from_utf8(written).expect("UTF-8")
    }

    /// How often the task was woken since this was asked last.
    pub(crate) fn wakes(&self) -> usize {
        let task = self.line.task.lock().expect("not poisoned");
        task.0.swap(0, Ordering::Relaxed)
    }
}

/// Clients in one group; the first one goes on its errands.
pub(crate) fn group<const N: usize>(hub: &Hub) -> [Client; N] {
    std::array::from_fn(|_| Client::of(hub, 0))
}

/// How many errands there are, which are done then.
pub(crate) fn run_errands(clients: &[Client]) -> usize {
    let sent = clients.iter().filter(|client| client.line.has_errand());
    sent.map(|leader| leader.line.run_errand()).count()
}

impl Drop for Client {
    fn drop(&mut self) {
        // A connection takes its errand with it.
        let errand = self.line.state().errand.take();
        drop(errand);
    }
}

pub(crate) struct Line {
    home: usize,
    task: Mutex<Arc<Task>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_at_rest: bool,
    refuses: bool,
    meanwhile: Option<Box<dyn FnOnce() + Send>>,
    errand: Option<Errand>,
    written: Vec<u8>,
    deliveries: usize,
}

#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    pub(crate) fn refuse(&self, refuses: bool) {
        self.state().refuses = refuses;
    }

    /// Does this when something is about to be delivered here.
    pub(crate) fn meanwhile(&self, what: impl FnOnce() + Send + 'static) {
        self.state().meanwhile = Some(Box::new(what));
    }

    /// As if the task had something to do.
    pub(crate) fn stir(&self) {
        self.state().is_at_rest = false;
    }

    pub(crate) fn has_errand(&self) -> bool {
        self.state().errand.is_some()
    }

    pub(crate) fn run_errand(&self) {
        let errand = self.state().errand.take();
        errand.expect("an errand")();
    }

    pub(crate) fn drop_errand(&self) {
        let errand = self.state().errand.take();
        drop(errand.expect("an errand"));
    }

    /// How often something was delivered past the task since this was asked last.
    pub(crate) fn deliveries(&self) -> usize {
        std::mem::take(&mut self.state().deliveries)
    }
}

impl DirectWrite for Line {
    fn deliver(&self, delivery: &Delivery) -> bool {
        let meanwhile = self.state().meanwhile.take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        let mut state = self.state();
        if !state.is_at_rest || state.refuses {
            return false;
        }
        let Some(events) = delivery.events() else {
            return false;
        };
        state.written.extend_from_slice(events);
        state.deliveries += 1;
        true
    }

    fn is_at_rest(&self) -> bool {
        let state = self.state();
        state.is_at_rest && state.errand.is_none()
    }

    fn send_on(&self, errand: Errand) -> Result<(), Errand> {
        let mut state = self.state();
        if !state.is_at_rest || state.errand.is_some() {
            return Err(errand);
        }
        state.errand = Some(errand);
        Arc::clone(&self.task.lock().expect("not poisoned")).wake();
        Ok(())
    }

    fn home(&self) -> usize {
        self.home
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}
