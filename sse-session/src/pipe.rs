//! The connection's buffer: where handles put encoded events and the body takes bytes.
//!
//! There is no queue of events. Handles encode straight into one byte buffer, and the body takes
//! all that is there at once, so that many small events become one frame and one write.
//!
//! While the body polls the handler, the buffer is on [`loan`] to its thread, and the
//! handler's sends need no lock. As soon as another handle has sent something or the stream was
//! closed, the loan is over: what the handler had sent comes first, then the rest, and until the
//! next poll everyone goes through the lock. So the order is that of the sends, wherever one of
//! them is known to have come before another.

use std::hint::cold_path;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use bytes::Bytes;
use sse_codec::{Encode, EncodeError, Encoder};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::buffer::Buffer;
use crate::direct::{Direct, DirectWrite};
use crate::loan::{self, Loan};
use crate::options::SseOptions;
use crate::waker::StreamWaker;

/// The lengths of texts for which the buffer is prepared.
const SHORT: RangeInclusive<usize> = 8..=32;

/// What each event needs comes first and together: with many streams, it has left the processor's
/// caches before the next one.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Pipe {
    signal: AtomicU8,
    /// What the body is to know before it polls the handler, without the lock.
    lending: AtomicU8,
    /// Whether the buffer on loan is wanted back.
    recalled: AtomicBool,
    /// Whether there is a way past the body's task.
    has_line: AtomicBool,
    /// How much is in the buffer on loan, for those who do not have it.
    lent_len: AtomicUsize,
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
    /// While the buffer is on loan, this is another one for what others send meanwhile.
    buffer: Buffer,
    is_lent: bool,
    handles: usize,
    closed: bool,
    /// Whether somebody has found the buffer full since it was emptied.
    room_is_wanted: bool,
    /// Whoever gives the body something to do wakes it, if it has seen all else that is here.
    body: Option<Arc<StreamWaker>>,
    /// The way past the body's task.
    line: Option<Arc<dyn DirectWrite>>,
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

/// The handler has the buffer while it is polled.
const LEND: u8 = 0;
/// The handler sends what is encoded already: to have the buffer would be of no use to it.
const KEEP: u8 = 1;
/// The pipe is closed.
const CLOSED: u8 = 2;

impl Pipe {
    pub(crate) fn new(options: &SseOptions, last_event_id: Option<&str>) -> Arc<Self> {
        let mut buffer = Buffer::default();
        buffer.append(options.opening());
        Arc::new(Self {
            state: Mutex::new(State {
                encoded: Bytes::new(),
                buffer,
                is_lent: false,
                handles: 1,
                closed: false,
                room_is_wanted: false,
                body: None,
                line: None,
            }),
            room: Notify::new(),
            closed: Notify::new(),
            high_water: options.high_water(),
            encoder: options.encoder(),
            last_event_id: last_event_id.map(Into::into),
            signal: AtomicU8::new(LOOK),
            lending: AtomicU8::new(LEND),
            recalled: AtomicBool::new(false),
            has_line: AtomicBool::new(false),
            lent_len: AtomicUsize::new(0),
        })
    }

    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Encodes `event` into the buffer unless that is filled to the high-water mark. One event
    /// may go past the mark, so the buffer's bound is the mark plus the longest event; or plus
    /// two of them, if a handler and another handle send at the very same time.
    #[inline]
    pub(crate) fn offer(&self, event: &(impl Encode + ?Sized)) -> Result<Offer, EncodeError> {
        match self.offer_on_loan(event) {
            Some(offer) => Ok(offer),
            None => self.offer_to_all(event),
        }
    }

    /// The hot path of [`offer`](Self::offer): no lock, no locked instruction. `None` if this
    /// thread does not have the buffer, and of an event that cannot be encoded: why not is found
    /// out again elsewhere, so that what comes back fits into a register. An error is large, and
    /// to have it returned and looked at costs more than to encode a short event.
    #[inline]
    pub(crate) fn offer_on_loan(&self, event: &(impl Encode + ?Sized)) -> Option<Offer> {
        loan::with_buffer(self, |buffer| {
            if self.recalled.load(Ordering::Acquire) {
                cold_path();
                return None;
            }
            if buffer.len() >= self.high_water {
                cold_path();
                return Some(Offer::Full);
            }
            if buffer.encode(&self.encoder, event).is_err() {
                cold_path();
                return None;
            }
            self.lent_len.store(buffer.len(), Ordering::Relaxed);
            Some(Offer::Taken)
        })?
    }

    /// [`offer_on_loan`](Self::offer_on_loan) of short text, and hotter still. Whether it was
    /// taken; what was not is for that.
    #[inline(always)]
    pub(crate) fn offer_text(&self, text: &str) -> bool {
        SHORT.contains(&text.len()) && loan::put_text(self, text) || self.offer_other_text(text)
    }

    /// Compiled once for all that send text.
    #[inline(never)]
    fn offer_other_text(&self, text: &str) -> bool {
        let taken = loan::with_buffer(self, |buffer| {
            let taken = !self.recalled.load(Ordering::Acquire)
                && buffer.len() < self.high_water
                && buffer.encode(&self.encoder, text).is_ok();
            if taken {
                self.lent_len.store(buffer.len(), Ordering::Relaxed);
                if SHORT.contains(&text.len()) {
                    // There are more of them where it comes from.
                    buffer.prepare();
                }
            }
            taken
        });
        taken == Some(true)
    }

    /// What [`offer_text`](Self::offer_text) does with the `buffer` on loan.
    #[inline(always)]
    pub(crate) fn put_text(&self, buffer: &mut Buffer, text: &str) -> bool {
        let taken = !self.recalled.load(Ordering::Acquire)
            && buffer.len() < self.high_water
            && buffer.encode_short(&self.encoder, text);
        if taken {
            self.lent_len.store(buffer.len(), Ordering::Relaxed);
        }
        taken
    }

    /// [`offer`](Self::offer) where others may do the same; the loan is over.
    #[inline(never)]
    pub(crate) fn offer_to_all(
        &self,
        event: &(impl Encode + ?Sized),
    ) -> Result<Offer, EncodeError> {
        let mut state = self.state_without_loan(LEND);
        if state.closed {
            return Ok(Offer::Closed);
        }
        if self.filled(&state) >= self.high_water {
            state.room_is_wanted = true;
            return Ok(Offer::Full);
        }
        state.buffer.encode(&self.encoder, event)?;
        if state.is_lent {
            self.recalled.store(true, Ordering::Release);
        }
        let body = if state.buffer.is_empty() {
            None
        } else {
            state.waiting_body()
        };
        drop(state);
        if let Some(body) = body {
            body.wake();
        }
        Ok(Offer::Taken)
    }

    /// Takes whole encoded events as they are. They are not copied unless others wait before them;
    /// and only one such piece waits at a time, for a second one could not join it uncopied.
    ///
    /// What is taken need not be in `events` any more.
    pub(crate) fn offer_encoded(&self, events: &mut Bytes) -> Offer {
        let mut state = self.state_without_loan(KEEP);
        if state.closed {
            return Offer::Closed;
        }
        if events.is_empty() {
            return Offer::Taken;
        }
        if !state.encoded.is_empty() || self.filled(&state) >= self.high_water {
            state.room_is_wanted = true;
            return Offer::Full;
        }
        if state.is_lent {
            // What the handler has sent meanwhile, on another thread, may have come before.
            state.buffer.append(events);
            self.recalled.store(true, Ordering::Release);
        } else if state.buffer.is_empty() {
            state.encoded = std::mem::take(events);
        } else {
            state.buffer.append(events);
        }
        let body = state.waiting_body();
        drop(state);
        if let Some(body) = body {
            body.wake();
        }
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
            self.lending.store(CLOSED, Ordering::Release);
            state.buffer.append(last);
            self.recalled.store(true, Ordering::Release);
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
        let mut state = self.state();
        let (body, line) = (state.body.take(), state.line.take());
        drop(state);
        if let Some(body) = &body {
            body.retire();
        }
        self.close(b"");
        drop((body, line));
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
            state.waiting_body()
        };
        if let Some(body) = body {
            body.wake();
        }
    }

    /// The body is woken by `body` from now on.
    pub(crate) fn wake_by(&self, body: Arc<StreamWaker>) {
        let before = self.state().body.replace(body);
        // Outside of the lock, for it may hold the last of a task.
        drop(before);
    }

    /// There is a way past the body's task from now on.
    pub(crate) fn deliver_through(&self, line: Arc<dyn DirectWrite>) {
        let before = self.state().line.replace(line);
        self.has_line.store(true, Ordering::Relaxed);
        drop(before);
    }

    pub(crate) fn has_line(&self) -> bool {
        self.has_line.load(Ordering::Relaxed)
    }

    /// The way past the body's task, once that has looked here.
    pub(crate) fn direct(&self) -> Option<Direct> {
        let state = self.state();
        let (body, line) = (state.body.as_ref()?, state.line.as_ref()?);
        Some(Direct::new(Arc::clone(body), Arc::clone(line)))
    }

    /// Called by the body before it polls the handler: it lends the buffer to this thread, if
    /// that is of use. `None` if the pipe is closed, so that the handler must not be polled any
    /// more.
    pub(crate) fn lend(&self) -> Option<Loan<'_>> {
        match self.lending.load(Ordering::Acquire) {
            LEND => self.lend_buffer(),
            KEEP => Some(Loan::none(self)),
            _ => None,
        }
    }

    fn lend_buffer(&self) -> Option<Loan<'_>> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        // What goes out before the buffer counts against the mark, which a borrower does not see.
        let buffer = state
            .encoded
            .is_empty()
            .then(|| std::mem::take(&mut state.buffer));
        if let Some(buffer) = &buffer {
            self.lent_len.store(buffer.len(), Ordering::Relaxed);
            self.recalled.store(false, Ordering::Relaxed);
            state.is_lent = true;
        }
        drop(state);
        Some(match buffer {
            Some(buffer) => loan::lend(self, buffer),
            None => Loan::none(self),
        })
    }

    /// Ends the loan.
    pub(crate) fn return_loan(&self, buffer: Buffer) {
        self.state().return_loan(buffer);
    }

    /// Takes all that is there, after what was on loan until now has been returned. Where nothing
    /// is left, the body waits from then on, unless it was woken meanwhile.
    pub(crate) fn take(&self, lent: Option<Buffer>, body: &StreamWaker) -> Take {
        let mut state = self.state();
        if let Some(buffer) = lent {
            state.return_loan(buffer);
        }
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

    /// How much waits to be taken.
    fn filled(&self, state: &State) -> usize {
        let lent = if state.is_lent {
            self.lent_len.load(Ordering::Relaxed)
        } else {
            0
        };
        state.encoded.len() + state.buffer.len() + lent
    }

    /// The state, after the loan is over if it is this thread's. `next` is what would have been
    /// right for what is done now, and so may be for the next poll.
    fn state_without_loan(&self, next: u8) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let mut is_unused = true;
        if state.is_lent
            && let Some(buffer) = loan::take_back(self)
        {
            is_unused = buffer.is_empty();
            state.return_loan(buffer);
        }
        if is_unused && self.lending.load(Ordering::Relaxed) != CLOSED {
            self.lending.store(next, Ordering::Relaxed);
        }
        state
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

    /// What the handler has sent comes before what others have sent meanwhile.
    fn return_loan(&mut self, mut buffer: Buffer) {
        buffer.append_all(std::mem::take(&mut self.buffer));
        self.buffer = buffer;
        self.is_lent = false;
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
