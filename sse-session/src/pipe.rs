//! The connection's buffer: where handles put encoded events and the body takes bytes.
//!
//! There is no queue of events. Handles encode straight into one byte buffer, and the body takes
//! all that is there at once, so that many small events become one frame and one write.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use bytes::{Bytes, BytesMut};
use sse_codec::{Encode, EncodeError, Encoder};
use tokio::sync::Notify;

use crate::options::Options;

#[derive(Debug)]
pub(crate) struct Pipe {
    state: Mutex<State>,
    /// Told when the buffer was emptied, or when there is nothing to wait for any more.
    room: Notify,
    /// Told once, when the pipe is closed.
    closed: Notify,
    high_water: usize,
    encoder: Encoder,
    last_event_id: Option<Box<str>>,
    signal: AtomicU8,
}

#[derive(Debug)]
struct State {
    /// Events that were handed over already encoded; they go out before the buffer.
    encoded: Bytes,
    buffer: BytesMut,
    /// What the last frame needed, so that a busy stream allocates once per frame.
    expected: usize,
    handles: usize,
    closed: bool,
    /// Present while the body waits: whoever gives it something to do takes and wakes it.
    body: Option<Waker>,
}

impl State {
    fn filled(&self) -> usize {
        self.encoded.len() + self.buffer.len()
    }
}

/// What became of an event that was offered.
pub(crate) enum Offer {
    Taken,
    Full,
    Closed,
}

/// What the body finds when it looks.
pub(crate) enum Take {
    Frame(Bytes),
    /// Nothing there now; the waker was kept.
    Empty,
    /// Nothing there, and nothing can come: closed, or all handles are gone.
    Ended,
}

/// What the body was told about shutting down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    None,
    /// The shutdown signal has woken up and wants to be polled.
    Look,
    /// Shut down without asking.
    Demand,
}

const NONE: u8 = 0;
const LOOK: u8 = 1;
const DEMAND: u8 = 2;

impl Pipe {
    pub(crate) fn new(options: &Options, last_event_id: Option<&str>) -> Arc<Self> {
        let mut buffer = BytesMut::new();
        buffer.extend_from_slice(options.opening());
        Arc::new(Self {
            state: Mutex::new(State {
                encoded: Bytes::new(),
                buffer,
                expected: 0,
                handles: 1,
                closed: false,
                body: None,
            }),
            room: Notify::new(),
            closed: Notify::new(),
            high_water: options.high_water(),
            encoder: options.encoder(),
            last_event_id: last_event_id.map(Into::into),
            signal: AtomicU8::new(LOOK),
        })
    }

    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Encodes `event` into the buffer unless that is filled to the high-water mark. One event
    /// may go past the mark, so the buffer's bound is the mark plus the longest event.
    pub(crate) fn offer(&self, event: &(impl Encode + ?Sized)) -> Result<Offer, EncodeError> {
        let mut state = self.state();
        if state.closed {
            return Ok(Offer::Closed);
        }
        if state.filled() >= self.high_water {
            return Ok(Offer::Full);
        }
        if state.buffer.capacity() == 0 {
            let expected = state.expected;
            state.buffer.reserve(expected);
        }
        self.encoder.encode(event, &mut state.buffer)?;
        let body = if state.buffer.is_empty() {
            None
        } else {
            state.body.take()
        };
        drop(state);
        if let Some(body) = body {
            body.wake();
        }
        Ok(Offer::Taken)
    }

    /// Takes whole encoded events as they are. They are not copied unless others wait before them;
    /// and only one such piece waits at a time, for a second one could not join it uncopied.
    pub(crate) fn offer_encoded(&self, events: &Bytes) -> Offer {
        let mut state = self.state();
        if state.closed {
            return Offer::Closed;
        }
        if events.is_empty() {
            return Offer::Taken;
        }
        if !state.encoded.is_empty() || state.filled() >= self.high_water {
            return Offer::Full;
        }
        if state.buffer.is_empty() {
            state.encoded = events.clone();
        } else {
            state.buffer.extend_from_slice(events);
        }
        let body = state.body.take();
        drop(state);
        if let Some(body) = body {
            body.wake();
        }
        Offer::Taken
    }

    /// Resolves when the buffer is emptied or the pipe closed after this call, even if that
    /// happens before the first poll.
    pub(crate) fn room(&self) -> impl Future<Output = ()> {
        self.room.notified()
    }

    pub(crate) async fn closed(&self) {
        let closed = self.closed.notified();
        if !self.is_closed() {
            closed.await;
        }
    }

    /// Ends the stream after what the buffer holds, followed by `last`.
    pub(crate) fn close(&self, last: &[u8]) {
        let body = {
            let mut state = self.state();
            if state.closed {
                return;
            }
            state.closed = true;
            state.buffer.extend_from_slice(last);
            state.body.take()
        };
        self.closed.notify_waiters();
        self.room.notify_waiters();
        if let Some(body) = body {
            body.wake();
        }
    }

    pub(crate) fn add_handle(&self) {
        self.state().handles += 1;
    }

    pub(crate) fn drop_handle(&self) {
        let body = {
            let mut state = self.state();
            state.handles -= 1;
            if state.handles > 0 {
                return;
            }
            state.body.take()
        };
        if let Some(body) = body {
            body.wake();
        }
    }

    /// Called by the body before it polls the handler: until it waits again, nobody needs to
    /// wake it. Tells whether the handler may still be polled.
    pub(crate) fn body_is_awake(&self) -> bool {
        let mut state = self.state();
        let waker = state.body.take();
        let open = !state.closed;
        drop(state);
        drop(waker);
        open
    }

    /// Takes all that is there. The buffer's memory goes with it: an idle stream holds none.
    pub(crate) fn take(&self, cx: &Context<'_>) -> Take {
        let mut state = self.state();
        if !state.encoded.is_empty() {
            let events = std::mem::take(&mut state.encoded);
            drop(state);
            self.room.notify_waiters();
            return Take::Frame(events);
        }
        if state.buffer.is_empty() {
            if state.closed || state.handles == 0 {
                return Take::Ended;
            }
            state.body = Some(cx.waker().clone());
            return Take::Empty;
        }
        state.expected = state.buffer.len();
        let frame = std::mem::take(&mut state.buffer).freeze();
        drop(state);
        self.room.notify_waiters();
        Take::Frame(frame)
    }

    pub(crate) fn take_signal(&self) -> Signal {
        // Loading first keeps the usual case, no signal, free of a locked instruction.
        if self.signal.load(Ordering::Acquire) == NONE {
            return Signal::None;
        }
        match self.signal.swap(NONE, Ordering::AcqRel) {
            NONE => Signal::None,
            LOOK => Signal::Look,
            _ => Signal::Demand,
        }
    }

    pub(crate) fn demand_shutdown(&self) {
        self.raise(DEMAND);
    }

    fn raise(&self, signal: u8) {
        self.signal.fetch_max(signal, Ordering::AcqRel);
        let body = self.state().body.take();
        if let Some(body) = body {
            body.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic can only come from an event's own code while it encodes, and the encoder takes
        // back what that event had written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The shutdown signal wakes the pipe instead of the body, so that the body polls the signal
/// only when there is a reason to and not once per frame.
impl Wake for Pipe {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raise(LOOK);
    }
}
