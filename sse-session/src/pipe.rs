//! The connection's buffer: where handles put encoded events and the body takes bytes.
//!
//! There is no queue of events. Handles encode straight into one byte buffer, and the body takes
//! all that is there at once, so that many small events become one frame and one write.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use bytes::Bytes;
use sse_codec::{Encode, EncodeError, Encoder};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::buffer::Buffer;
use crate::options::SseOptions;
use crate::waker::StreamWaker;

#[derive(Debug)]
pub(crate) struct Pipe {
    signal: AtomicU8,
    high_water: usize,
    state: Mutex<State>,
    encoder: Encoder,
    /// Told when the buffer was emptied, or when there is nothing to wait for any more.
    room: Notify,
    /// Told once, when the pipe is closed.
    closed: Notify,
    last_event_id: Option<Box<str>>,
}

#[derive(Debug)]
struct State {
    /// Events that were handed over already encoded; they go out before the buffer.
    encoded: Bytes,
    buffer: Buffer,
    handles: usize,
    closed: bool,
    /// Whether somebody has found the buffer full since it was emptied.
    room_is_wanted: bool,
    /// Whoever gives the body something to do wakes it, if it has seen all else that is here.
    body: Option<Arc<StreamWaker>>,
}

/// What became of an event that was offered.
pub(crate) enum Offer {
    Taken,
    Full,
    Closed,
}

/// What the body finds when it looks.
pub(crate) enum Take {
    /// What is there, and what is known of what comes after it.
    Frame(Bytes, After),
    /// Nothing there now; the body will be woken.
    Empty,
    /// Nothing there now, but the body was woken while it looked.
    Woken,
    /// Nothing there, and nothing can come: closed, or all handles are gone.
    Ended,
}

/// What comes after a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing, ever.
    End,
    /// Nothing here before the body is woken.
    Silence,
    /// That is seen when it is looked for.
    Unknown,
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
    pub(crate) fn new(options: &SseOptions, last_event_id: Option<&str>) -> Arc<Self> {
        let mut buffer = Buffer::default();
        buffer.append(options.opening());
        Arc::new(Self {
            state: Mutex::new(State {
                encoded: Bytes::new(),
                buffer,
                handles: 1,
                closed: false,
                room_is_wanted: false,
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

    /// Encodes `event` into the buffer unless that is filled to the high-water mark. One event may
    /// go past the mark, so the buffer's bound is the mark plus the longest event.
    #[inline]
    pub(crate) fn offer(&self, event: &(impl Encode + ?Sized)) -> Result<Offer, EncodeError> {
        let mut state = self.state();
        if state.closed {
            return Ok(Offer::Closed);
        }
        if state.filled() >= self.high_water {
            state.room_is_wanted = true;
            return Ok(Offer::Full);
        }
        let was_empty = state.buffer.is_empty();
        state.buffer.encode(&self.encoder, event)?;
        if was_empty {
            wake(state);
        }
        Ok(Offer::Taken)
    }

    /// Takes whole encoded events as they are. They are not copied unless others wait before them;
    /// and only one such piece waits at a time, for a second one could not join it uncopied.
    ///
    /// What is taken need not be in `events` any more.
    pub(crate) fn offer_encoded(&self, events: &mut Bytes) -> Offer {
        let mut state = self.state();
        if state.closed {
            return Offer::Closed;
        }
        if events.is_empty() {
            return Offer::Taken;
        }
        if !state.encoded.is_empty() || state.filled() >= self.high_water {
            state.room_is_wanted = true;
            return Offer::Full;
        }
        if state.buffer.is_empty() {
            state.encoded = std::mem::take(events);
        } else {
            state.buffer.append(events);
        }
        wake(state);
        Offer::Taken
    }

    /// Resolves when the buffer is emptied or the pipe closed after this call, even if that
    /// happens before the first poll.
    pub(crate) fn room(&self) -> Notified<'_> {
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
            state.buffer.append(last);
            state.waiting_body()
        };
        self.closed.notify_waiters();
        self.room.notify_waiters();
        if let Some(body) = body {
            body.wake();
        }
    }

    /// The body is gone: [`close`](Self::close), and let go of its task, which the handles that
    /// are left must not keep.
    pub(crate) fn abandon(&self) {
        let body = self.state().body.take();
        if let Some(body) = &body {
            body.retire();
        }
        self.close(b"");
    }

    pub(crate) fn add_handle(&self) {
        self.state().handles += 1;
    }

    pub(crate) fn drop_handle(&self) {
        let mut state = self.state();
        state.handles -= 1;
        if state.handles == 0 {
            wake(state);
        }
    }

    /// The body is woken by `body` from now on.
    pub(crate) fn wake_by(&self, body: Arc<StreamWaker>) {
        let before = self.state().body.replace(body);
        // Outside of the lock, for it may hold the last of a task.
        drop(before);
    }

    /// Takes all that is there. Where nothing is left, the body waits from then on, unless it was
    /// woken meanwhile.
    pub(crate) fn take(&self, body: &StreamWaker) -> Take {
        let mut state = self.state();
        let no_more = state.closed || state.handles == 0;
        let frame = if !state.encoded.is_empty() {
            std::mem::take(&mut state.encoded)
        } else if !state.buffer.is_empty() {
            state.buffer.take()
        } else if no_more {
            return Take::Ended;
        } else {
            return if body.wait() {
                Take::Empty
            } else {
                Take::Woken
            };
        };
        let after = if !state.buffer.is_empty() {
            After::Unknown
        } else if no_more {
            After::End
        } else if frame.len() < self.high_water && !state.room_is_wanted && body.wait() {
            After::Silence
        } else {
            // A handler that has filled the buffer, or waits for room, goes on at once.
            After::Unknown
        };
        let room_is_wanted = std::mem::take(&mut state.room_is_wanted);
        drop(state);
        if room_is_wanted {
            self.room.notify_waiters();
        }
        Take::Frame(frame, after)
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
        // Even if it does not wait: it may have looked for signals already, and go on to wait.
        let body = self.state().body.clone();
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

impl State {
    /// The body's waker, if it waits. If it does not, it has yet to take what is there.
    fn waiting_body(&self) -> Option<Arc<StreamWaker>> {
        let body = self.body.as_ref()?;
        body.is_waiting().then(|| Arc::clone(body))
    }

    /// How much waits to be taken.
    fn filled(&self) -> usize {
        self.encoded.len() + self.buffer.len()
    }
}

/// Wakes the body if it waits, after the lock is released.
fn wake(state: MutexGuard<'_, State>) {
    let body = state.waiting_body();
    drop(state);
    if let Some(body) = body {
        body.wake();
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
