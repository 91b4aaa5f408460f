//! The buffer between the handles of a stream and its body.
//!
//! There is no queue of events. Handles encode into one byte buffer, and the body takes all of it
//! at once, so that many small events become one frame and one write.
//!
//! ```text
//!    offer: the mark is not reached
//!        +--+
//!        |  v
//!      +------+   offer: the mark is reached   +------+
//!      | Open | -----------------------------> | Full |   senders wait
//!      |      | <----------------------------- |      |
//!      +------+             take               +------+
//!         |                                       |
//!         | close, fail, or the handler has       |
//!         | returned and no handle is left        |
//!         v                                       v
//!      +-----------------------------------------------+
//!      | Closed: takes no events; the body takes what  |
//!      | the buffer holds                              |
//!      +-----------------------------------------------+
//!                             |
//!                             | take: nothing is left
//!                             v
//!                         +-------+
//!                         | Ended |
//!                         +-------+
//! ```
//!
//! One lock guards all of it. No code from outside this crate and the codec runs under the lock:
//! no `Serialize` implementation, no iterator, no waker, and no destructor of shared bytes. Each of
//! these may use the same stream, or wait for a thread that does.

use std::mem;
use std::sync::{Arc, PoisonError};
use std::task::Wake;

use bytes::Bytes;
use sse_codec::{Encode, Encoder};
use tokio::sync::futures::Notified;

use crate::buffer::{Batch, Buffer};
use crate::error::TrySendError;
#[cfg(feature = "gzip")]
use crate::gzip::SharedPiece;
#[cfg(feature = "gzip")]
use crate::secrets::Secrets;
use crate::signal::{PendingSignal, Signal};
use crate::sync::{AtomicBool, Mutex, MutexGuard, Notify, Ordering, reach};
use crate::take::{After, Take};
use crate::waker::StreamWaker;

/// What each event needs comes first: with many streams, it has left the processor's caches before
/// the next event. In a cache simulation this ordering, here and in the stream, saved one of five
/// misses of the last level.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Pipe {
    signal: PendingSignal,
    /// Set under the lock. The body reads it on each poll without the lock.
    is_closed: AtomicBool,
    /// How full the buffer may be for an event to be accepted, in bytes.
    high_water: usize,
    encoder: Encoder,
    state: Mutex<State>,
    /// Notified when the buffer is emptied while a sender waits, and when the pipe is closed.
    room: Notify,
    /// Notified once, when the pipe is closed.
    closed: Notify,
    last_event_id: Option<Box<str>>,
}

#[derive(Debug)]
struct State {
    /// Events that arrived encoded. They go out before the buffer.
    encoded: Option<Bytes>,
    buffer: Buffer,
    handles: u32,
    /// Whether a sender found the buffer full since it was last emptied.
    room_is_wanted: bool,
    /// Whether the content is not complete when the handler has returned.
    is_incomplete: bool,
    /// Wakes the body's task; `None` before the first poll.
    body: Option<Arc<StreamWaker>>,
    /// Boxed, as few streams need it.
    #[cfg(feature = "gzip")]
    compressing: Option<Box<Compressing>>,
}

/// What compression has to know of the content.
#[cfg(feature = "gzip")]
#[derive(Debug, Default)]
struct Compressing {
    /// Whether what the body takes is compressed. It may be known only after the first event was sent.
    is_on: bool,
    secrets: Secrets,
    /// What the encoded events are, or what they were when they were taken, if they are compressed once for many streams.
    shared: Option<Arc<SharedPiece>>,
}

impl Pipe {
    /// A pipe with one handle, whose buffer begins with the encoded events in `opening`.
    pub(crate) fn new(
        encoder: Encoder,
        high_water: usize,
        opening: &[u8],
        last_event_id: Option<&str>,
    ) -> Arc<Self> {
        let mut buffer = Buffer::default();
        buffer.extend(opening);
        Arc::new(Self {
            state: Mutex::new(State {
                encoded: None,
                buffer,
                handles: 1,
                room_is_wanted: false,
                is_incomplete: false,
                body: None,
                #[cfg(feature = "gzip")]
                compressing: None,
            }),
            high_water,
            encoder,
            room: Notify::new(),
            closed: Notify::new(),
            signal: PendingSignal::new(Signal::Poll),
            is_closed: AtomicBool::new(false),
            last_event_id: last_event_id.map(Into::into),
        })
    }

    pub(crate) fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// Encodes `event` into the buffer, which may take it past the high-water mark.
    ///
    /// There are two ways: outside of the lock and then copied, for events that run code from
    /// elsewhere, and in place. For a text of 16 bytes the first takes 596 instructions (71 ns), the
    /// second 118 (less than 23 ns).
    #[inline]
    pub(crate) fn offer<E: Encode + ?Sized>(&self, event: &E) -> Result<(), TrySendError> {
        if E::RUNS_FOREIGN_CODE {
            let mut batch = self.begin_batch()?;
            batch.encode(event)?;
            return self.append(batch);
        }
        let mut state = self.state();
        self.check_room(&mut state)?;
        let was_empty = state.buffer.is_empty();
        state.buffer.encode(&self.encoder, event)?;
        if was_empty {
            wake(state);
        }
        Ok(())
    }

    /// Begins a batch of as many events as there is room for now.
    ///
    /// Nothing is reserved: what other handles send before the batch is appended comes first and
    /// takes its own room.
    pub(crate) fn begin_batch(&self) -> Result<Batch, TrySendError> {
        let mut state = self.state();
        let room = self.check_room(&mut state)?;
        Ok(Batch::new(self.encoder, room, &state.buffer))
    }

    /// Appends the events of `batch` to the buffer.
    pub(crate) fn append(&self, batch: Batch) -> Result<(), TrySendError> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut state = self.state();
        if self.is_closed() {
            return Err(TrySendError::Closed);
        }
        let spare = state.buffer.append(batch);
        wake(state);
        drop(spare);
        Ok(())
    }

    /// [`offer`](Self::offer) for an event that must not be compressed.
    #[cfg(feature = "gzip")]
    pub(crate) fn offer_secret(&self, event: &(impl Encode + ?Sized)) -> Result<(), TrySendError> {
        let mut batch = self.begin_batch()?;
        batch.encode(event)?;
        let mut state = self.state();
        if self.is_closed() {
            return Err(TrySendError::Closed);
        }
        let start = state.buffer.len();
        let spare = state.buffer.append(batch);
        let place = start..state.buffer.len();
        let compressing = state.compressing.get_or_insert_default();
        compressing.secrets.push(place);
        wake(state);
        drop(spare);
        Ok(())
    }

    /// Returns where secret events are in the piece that was taken last.
    #[cfg(feature = "gzip")]
    pub(crate) fn take_secrets(&self) -> Vec<std::ops::Range<usize>> {
        let mut state = self.state();
        let compressing = state.compressing.as_mut();
        compressing.map_or_else(Vec::new, |it| it.secrets.take())
    }

    /// Notes that what the body takes is compressed.
    #[cfg(feature = "gzip")]
    pub(crate) fn note_compression(&self) {
        self.state().compressing.get_or_insert_default().is_on = true;
    }

    #[cfg(feature = "gzip")]
    pub(crate) fn is_compressed(&self) -> bool {
        let state = self.state();
        state.compressing.as_ref().is_some_and(|it| it.is_on)
    }

    /// As [`offer_encoded`](Self::offer_encoded), for a piece that is compressed once for many streams. If it has to be
    /// copied, it is compressed for this stream alone.
    #[cfg(feature = "gzip")]
    pub(crate) fn offer_shared(&self, piece: &Arc<SharedPiece>) -> Result<(), TrySendError> {
        let mut state = self.state();
        self.check_room_for_encoded_in(&mut state)?;
        let compressing = state.compressing.get_or_insert_default();
        let before = compressing.shared.replace(Arc::clone(piece));
        place(state, piece.plain().clone());
        drop(before);
        Ok(())
    }

    /// Returns the piece that was handed over last, if these are its bytes.
    #[cfg(feature = "gzip")]
    pub(crate) fn take_shared(&self, plain: &Bytes) -> Option<Arc<SharedPiece>> {
        let mut state = self.state();
        let compressing = state.compressing.as_mut()?;
        compressing.shared.take_if(|piece| piece.is_of(plain))
    }

    /// Takes whole encoded events, and leaves `events` empty. They are copied only if the buffer
    /// holds others that go first. One such piece waits at a time: a second one could not join it
    /// without a copy.
    #[inline]
    pub(crate) fn offer_encoded(&self, events: &mut Bytes) -> Result<(), TrySendError> {
        let mut state = self.state();
        if events.is_empty() && !self.is_closed() {
            return Ok(());
        }
        self.check_room_for_encoded_in(&mut state)?;
        place(state, mem::take(events));
        Ok(())
    }

    /// Whether encoded events can be handed over now. Nothing is reserved, as with a batch.
    pub(crate) fn check_room_for_encoded(&self) -> Result<(), TrySendError> {
        self.check_room_for_encoded_in(&mut self.state())
    }

    /// Takes encoded events for which there was room, even if other handles have taken it meanwhile.
    pub(crate) fn append_encoded(&self, events: Bytes) -> Result<(), TrySendError> {
        let state = self.state();
        if self.is_closed() {
            return Err(TrySendError::Closed);
        }
        place(state, events);
        Ok(())
    }

    /// Resolves when the buffer is emptied or the pipe closed after this call, even if that
    /// happens before the first poll.
    pub(crate) fn room(&self) -> Notified<'_> {
        self.room.notified()
    }

    pub(crate) async fn closed(&self) {
        // Before the check: a close in between must not be missed.
        let closed = self.closed.notified();
        // The lock orders the check and a close, which then either is seen or notifies later.
        let is_closed = {
            let _state = self.state();
            self.is_closed()
        };
        if !is_closed {
            reach("waits for the close");
            closed.await;
        }
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Notes that what was sent is not the whole content, even if the handler returns.
    pub(crate) fn set_incomplete(&self) {
        self.state().is_incomplete = true;
    }

    /// Ends the stream after what the buffer holds, followed by `last`. Does nothing if the stream
    /// was ended before.
    pub(crate) fn close(&self, last: &[u8]) {
        let state = self.state();
        if !self.is_closed() {
            self.end(state, last);
        }
    }

    /// Ends the stream as [`close`](Self::close) does, but sends `last` even if it was closed
    /// before.
    pub(crate) fn fail(&self, last: &[u8]) {
        self.end(self.state(), last);
    }

    fn end(&self, mut state: MutexGuard<'_, State>, last: &[u8]) {
        self.is_closed.store(true, Ordering::Release);
        state.buffer.extend(last);
        wake(state);
        self.closed.notify_waiters();
        self.room.notify_waiters();
    }

    /// The body is gone: closes the pipe, and drops what the remaining handles must not keep alive.
    pub(crate) fn abandon(&self) {
        let body = self.state().body.take();
        self.close(b"");
        let mut state = self.state();
        let frames = (state.encoded.take(), state.buffer.take());
        drop(state);
        drop((body, frames));
    }

    pub(crate) fn add_handle(&self) {
        let mut state = self.state();
        // Not reached: each is some memory.
        state.handles = state.handles.saturating_add(1);
    }

    pub(crate) fn drop_handle(&self) {
        let mut state = self.state();
        state.handles -= 1;
        if state.handles == 0 {
            wake(state);
        }
    }

    /// Sets the waker of the body.
    pub(crate) fn wake_by(&self, body: Arc<StreamWaker>) {
        let before = self.state().body.replace(body);
        // Outside of the lock, as it may hold the last reference to a task.
        drop(before);
    }

    /// Takes all that the pipe holds. If nothing is left, the body waits from then on, unless it
    /// was woken during its poll.
    ///
    /// If the handler has returned, `last` is what the stream sends when no handle is left, unless the
    /// content is incomplete.
    #[inline]
    pub(crate) fn take(&self, body: &StreamWaker, last: Option<&[u8]>) -> Take {
        let mut state = self.state();
        if let Some(last) = last
            && state.handles == 0
            && !self.is_closed()
        {
            // Without a handle, nothing waits that would have to be notified.
            self.is_closed.store(true, Ordering::Release);
            if !state.is_incomplete {
                state.buffer.extend(last);
            }
        }
        let frame = if let Some(encoded) = state.encoded.take() {
            encoded
        } else if !state.buffer.is_empty() {
            #[cfg(feature = "gzip")]
            if let Some(compressing) = &mut state.compressing {
                compressing.secrets.buffer_taken();
            }
            state.buffer.take()
        } else if self.is_closed() {
            return Take::Ended;
        } else if body.wait() {
            return Take::Empty;
        } else {
            return Take::Woken;
        };
        let after = if !state.buffer.is_empty() {
            After::Unknown
        } else if self.is_closed() {
            After::End
        } else if frame.len() < self.high_water && !state.room_is_wanted && body.wait() {
            After::Silence
        } else {
            // A handler that has filled the buffer, or waits for room, goes on at once.
            After::Unknown
        };
        let room_is_wanted = mem::take(&mut state.room_is_wanted);
        drop(state);
        if room_is_wanted {
            reach("room for a sender that waits");
            self.room.notify_waiters();
        }
        Take::Frame(frame, after)
    }

    pub(crate) fn take_signal(&self) -> Option<Signal> {
        self.signal.take()
    }

    /// Has the body shut the stream down.
    pub(crate) fn shutdown(&self) {
        self.raise(Signal::Shutdown);
    }

    fn raise(&self, signal: Signal) {
        self.signal.raise(signal);
        // Even a body that is not waiting: it may have checked the signal, and wait afterwards.
        let body = self.state().body.clone();
        if let Some(body) = body {
            body.wake();
        }
    }

    /// Returns how many bytes there are to the high-water mark.
    // Inline, as is the lock: a call of each takes 36 instructions of a `send`.
    #[inline]
    fn check_room(&self, state: &mut State) -> Result<usize, TrySendError> {
        if self.is_closed() {
            return Err(TrySendError::Closed);
        }
        let waiting = state.encoded.as_ref().map_or(0, Bytes::len) + state.buffer.len();
        match self.high_water.saturating_sub(waiting) {
            0 => {
                state.room_is_wanted = true;
                Err(TrySendError::Full)
            }
            room => Ok(room),
        }
    }

    #[inline]
    fn check_room_for_encoded_in(&self, state: &mut State) -> Result<(), TrySendError> {
        self.check_room(state)?;
        if state.encoded.is_none() {
            return Ok(());
        }
        state.room_is_wanted = true;
        Err(TrySendError::Full)
    }

    #[inline]
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics but an allocation that fails, and the encoder then removes
        // what it had written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts encoded events after all others, without a copy if they are the first.
#[inline]
fn place(mut state: MutexGuard<'_, State>, events: Bytes) {
    if state.encoded.is_none() && state.buffer.is_empty() {
        state.encoded = Some(events);
        wake(state);
    } else {
        state.buffer.extend(&events);
        wake(state);
        drop(events);
    }
}

/// Releases the lock and wakes the body if it waits. A body that does not wait has yet to take what
/// the pipe holds.
#[inline]
fn wake(state: MutexGuard<'_, State>) {
    let body = state.body.as_ref().filter(|body| body.is_waiting());
    let body = body.map(Arc::clone);
    drop(state);
    if let Some(body) = body {
        body.wake();
    }
}

/// The shutdown signals wake the pipe instead of the body, so that the body polls them only after
/// one of them has woken it, and not on each of its polls.
impl Wake for Pipe {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.raise(Signal::Poll);
    }
}
