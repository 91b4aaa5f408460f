//! A client that is served through an `SseStream`, on a line that others can write to: each write
//! past its task, each refusal and each errand is a step of its own.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::Stream;
use sse_hub::{Event, Subscription};
use sse_session::{
    BoxError, Delivery, DirectWrite, Errand, HandlerError, Sse, SseOptions, SseStream, TrySendError,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::model::Mood;

/// What was met on all lines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) delivered: u64,
    pub(crate) refused: u64,
    pub(crate) at_once: u64,
    pub(crate) later: u64,
    pub(crate) undone: u64,
    pub(crate) switched: u64,
}

pub(crate) struct Served {
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, HandlerError>>>>,
    pub(crate) line: Arc<Line>,
    /// The handler goes over to what comes here.
    next: UnboundedSender<Subscription>,
    /// A handle elsewhere, which keeps the stream open.
    handle: Option<Sse>,
}

impl Served {
    pub(crate) fn new(first: Subscription, line: Line, has_handle: bool) -> Self {
        let line = Arc::new(line);
        let (next, others) = unbounded_channel();
        let mut handle = None;
        let mut stream = Box::pin(SseStream::new(&SseOptions::new(), None, |sse| {
            handle = has_handle.then(|| sse.clone());
            serve_in_turn(sse, first, others)
        }));
        stream.as_mut().deliver_through(Arc::<Line>::clone(&line));
        Self {
            stream,
            line,
            next,
            handle,
        }
    }

    /// Runs the task up to its next piece: what was written past it comes first. `None` if it
    /// sleeps then.
    pub(crate) fn next(&mut self) -> Option<Option<Bytes>> {
        self.line.take_up();
        let written = std::mem::take(&mut self.line.state().written);
        if !written.is_empty() {
            return Some(Some(written.into()));
        }
        self.line.task.woken.store(false, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.line.task));
        match self
            .stream
            .as_mut()
            .poll_next(&mut Context::from_waker(&waker))
        {
            Poll::Pending => {
                let mut state = self.line.state();
                state.is_at_rest = true;
                state.has_unsent = false;
                None
            }
            Poll::Ready(next) => {
                waker.wake();
                Some(next.map(|piece| piece.expect("no error")))
            }
        }
    }

    /// Whether its task would be run now, or has something for its client.
    pub(crate) fn is_woken(&self) -> bool {
        self.line.task.woken.load(Ordering::Relaxed) || !self.line.state().written.is_empty()
    }

    /// The handler drops what it serves and goes over to another subscription.
    pub(crate) fn switch(&self, next: Subscription) {
        self.line.tally().switched += 1;
        assert!(self.next.send(next).is_ok(), "the handler is there");
        self.line.state().has_unsent = true;
    }

    /// Another handle sends something.
    pub(crate) fn comment(&self) {
        if let Some(handle) = &self.handle {
            match handle.try_send(Event::new().comment("of another handle")) {
                Ok(()) => self.line.state().has_unsent = true,
                Err(TrySendError::Full) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// As a server does: nothing is done with the connection any more.
impl Drop for Served {
    fn drop(&mut self) {
        self.line.state().is_at_rest = false;
        self.line.drop_errand();
    }
}

/// Serves one subscription until there is another one, which the client is told of.
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

pub(crate) struct Line {
    home: usize,
    tally: Arc<Mutex<Tally>>,
    task: Arc<Task>,
    state: Mutex<State>,
}

struct State {
    is_at_rest: bool,
    mood: Mood,
    errand: Option<Errand>,
    /// What was written past the task, and has not arrived.
    written: Vec<u8>,
    /// Something was sent that has not gone out: nothing may overtake it.
    has_unsent: bool,
}

struct Task {
    woken: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
    }
}

impl Line {
    pub(crate) fn new(home: usize, mood: Mood, tally: &Arc<Mutex<Tally>>) -> Self {
        Self {
            home,
            tally: Arc::clone(tally),
            task: Arc::new(Task {
                woken: AtomicBool::new(true),
            }),
            state: Mutex::new(State {
                is_at_rest: false,
                mood,
                errand: None,
                written: Vec::new(),
                has_unsent: false,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("not poisoned")
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        self.state().mood = mood;
    }

    pub(crate) fn has_errand(&self) -> bool {
        self.state().errand.is_some()
    }

    /// Its task goes on its errand, if there is one.
    pub(crate) fn run_errand(&self) {
        let errand = self.state().errand.take();
        if let Some(errand) = errand {
            self.tally().later += 1;
            errand();
        }
    }

    pub(crate) fn drop_errand(&self) {
        let errand = self.state().errand.take();
        if errand.is_some() {
            self.tally().undone += 1;
        }
        drop(errand);
    }

    fn take_up(&self) {
        self.run_errand();
        self.state().is_at_rest = false;
    }
}

impl DirectWrite for Line {
    fn deliver(&self, delivery: &Delivery) -> bool {
        let mut state = self.state();
        if !state.is_at_rest || matches!(state.mood, Mood::Busy | Mood::Refuses) {
            self.tally().refused += 1;
            return false;
        }
        let Some(events) = delivery.events() else {
            self.tally().refused += 1;
            return false;
        };
        assert!(!state.has_unsent, "what was sent before is overtaken");
        state.written.extend_from_slice(events);
        if matches!(state.mood, Mood::TakesPart) {
            // Nothing more before the task has written the rest.
            state.is_at_rest = false;
            self.task.woken.store(true, Ordering::Relaxed);
        }
        self.tally().delivered += 1;
        true
    }

    fn is_at_rest(&self) -> bool {
        let state = self.state();
        state.is_at_rest && !matches!(state.mood, Mood::Busy) && state.errand.is_none()
    }

    fn send_on(&self, errand: Errand) -> Result<(), Errand> {
        let mut state = self.state();
        if !state.is_at_rest || matches!(state.mood, Mood::Busy) || state.errand.is_some() {
            return Err(errand);
        }
        if matches!(state.mood, Mood::AtOnce) {
            // Another thread could be so fast.
            drop(state);
            self.tally().at_once += 1;
            errand();
        } else {
            state.errand = Some(errand);
            self.task.woken.store(true, Ordering::Relaxed);
        }
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
