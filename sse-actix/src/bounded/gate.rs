//! How much of what a client sends actix is handed.
//!
//! actix decodes all requests that it has read, as long as fewer than 16 wait, and keeps them while
//! another one is answered. A request of 25 bytes takes some 4 KiB then. So actix is handed one head at
//! a time, nothing more until it has decoded it, the body of that request as far as its handler takes
//! it, and the next head when the response is complete:
//!
//! ```text
//!            head complete           decoded: with body       body complete
//!   Head ------------------> Head ---------------------> Body -------------> Head
//!                            paused                                          in flight
//!     ^                      until the poll is over                            |
//!     +------------------------------------------------------------------------+
//!                                response complete
//! ```

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;

use super::framing::{BodyFraming, RequestBody};
use super::head::HeadScan;

/// How much of a body actix may hold: bytes, of which each chunk counts [`CHUNK_COST`] more.
const WINDOW: usize = 12 * 1024;

/// What a chunk takes in actix's queue, in addition to its bytes.
const CHUNK_COST: usize = 32;

/// How much of a body in chunks passes before its chunks are counted: they may be of one byte.
const CHUNKED_PIECE: usize = 2 * 1024;

/// What the two sides of a connection share: the one that reads from the client, and the service that
/// answers.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    state: Rc<RefCell<State>>,
}

#[derive(Debug)]
struct State {
    is_http_1: bool,
    /// How many requests are answered at a time. In HTTP/1, one follows the other.
    max_in_flight: usize,
    head: HeadScan,
    /// How much of an incomplete head was handed out.
    head_len: usize,
    body: Option<RequestBody>,
    /// The number of the request that the body is of. A task may keep the body of an earlier one.
    request: u64,
    /// How many requests are being answered.
    in_flight: usize,
    /// Whether actix is to work on what it was handed before it reads on: a head that it has not
    /// decoded, a part of a body that it discards, or requests of HTTP/2 that it has decoded.
    paused: bool,
    /// The cost of what was handed out of a body since its reader last waited for more.
    held: usize,
    /// Whether actix discards the body as it comes.
    discards_body: bool,
    /// Whether there are bytes that actix was not handed.
    has_more: bool,
    /// The task of the connection, if it waits for bytes.
    waker: Option<Waker>,
}

impl Gate {
    /// A gate for HTTP/1, or for HTTP/2 with that many streams.
    pub(super) fn new(max_streams: Option<usize>) -> Self {
        let state = State {
            is_http_1: max_streams.is_none(),
            max_in_flight: max_streams.unwrap_or(1),
            head: HeadScan::default(),
            head_len: 0,
            body: None,
            request: 0,
            in_flight: 0,
            paused: false,
            held: 0,
            discards_body: true,
            has_more: false,
            waker: None,
        };
        Self {
            state: Rc::new(RefCell::new(state)),
        }
    }

    pub(super) fn is_http_1(&self) -> bool {
        self.state.borrow().is_http_1
    }

    /// Ends the pause. Returns whether there was one.
    pub(super) fn end_pause(&self) -> bool {
        std::mem::take(&mut self.state.borrow_mut().paused)
    }

    /// Whether actix may be handed at least one byte.
    pub(super) fn is_open(&self) -> bool {
        let state = self.state.borrow();
        match state.body {
            Some(_) => state.held < WINDOW,
            None => state.in_flight == 0,
        }
    }

    /// Whether the body of a request is not complete.
    pub(super) fn is_within_body(&self) -> bool {
        self.state.borrow().body.is_some()
    }

    /// Returns how many of these bytes actix may be handed, at least one if the gate is open.
    pub(super) fn pass(&self, bytes: &[u8]) -> usize {
        let state = &mut *self.state.borrow_mut();
        let Some(body) = &mut state.body else {
            let end = state.head.advance(bytes);
            state.paused = end.is_some();
            let passed = end.unwrap_or(bytes.len());
            state.head_len = if end.is_some() {
                0
            } else {
                state.head_len + passed
            };
            return passed;
        };
        let room = match body {
            RequestBody::Chunked(_) if !state.discards_body => CHUNKED_PIECE,
            _ => WINDOW - state.held,
        };
        let room = bytes.len().min(room);
        let (chunks, end) = body.advance(&bytes[..room]);
        state.held += end.unwrap_or(room) + chunks * CHUNK_COST;
        if end.is_some() {
            state.body = None;
        }
        if state.discards_body && state.held >= WINDOW {
            // Otherwise actix reads up to 128 KiB before it discards any, and keeps the buffer.
            state.held = 0;
            state.paused = true;
        }
        end.unwrap_or(room)
    }

    /// Has the task woken when there is something to do for it that is no byte of the client: to hand out one of those
    /// that it has, if it has more of them, or to limit the time for the rest of a body.
    pub(super) fn wake_when_open(&self, waker: &Waker, has_more: bool) {
        let state = &mut *self.state.borrow_mut();
        state.has_more = has_more;
        match &mut state.waker {
            Some(registered) => registered.clone_from(waker),
            None => state.waker = Some(waker.clone()),
        }
    }

    /// Returns how much was handed out of a head that is not complete.
    pub(super) fn head_len(&self) -> usize {
        self.state.borrow().head_len
    }

    /// Whether the client has to send something in time: the rest of a head, or of a body whose response is complete.
    /// actix ends no connection that has sent something, so that either would keep it for ever. An empty line before a
    /// head is a part of it.
    pub(super) fn is_awaited(&self) -> bool {
        let state = self.state.borrow();
        match state.body {
            Some(_) => state.in_flight == 0,
            None => state.head_len > 0,
        }
    }

    /// Returns how many requests may be answered besides those that are.
    pub(super) fn free(&self) -> usize {
        let state = self.state.borrow();
        state.max_in_flight - state.in_flight
    }

    /// A request was decoded. Returns whether it may be answered.
    pub(super) fn begin(&self) -> bool {
        let state = &mut *self.state.borrow_mut();
        let has_room = state.in_flight < state.max_in_flight;
        state.in_flight += usize::from(has_room);
        // Over HTTP/2, others may have been decoded with it.
        state.paused |= !state.is_http_1;
        has_room
    }

    /// The request that was decoded over HTTP/1 has this body. Returns the number of the request.
    pub(super) fn begin_body(&self, framing: Option<BodyFraming>) -> u64 {
        let state = &mut *self.state.borrow_mut();
        state.request += 1;
        state.discards_body = false;
        state.held = 0;
        state.body = framing.map(RequestBody::new);
        state.request
    }

    /// The reader of the body of this request has taken all of it that there is.
    pub(super) fn wants_body(&self, request: u64) {
        self.change_body(request, |state| state.held = 0);
    }

    /// Nothing reads the body of this request any longer, so actix discards the rest.
    pub(super) fn discard_body(&self, request: u64) {
        self.change_body(request, |state| {
            state.discards_body = true;
            state.held = 0;
        });
    }

    /// Changes the state if the request is the last one. Wakes the task only if that opens the gate: handlers ask for
    /// more of a body whenever they are polled, and the task of the connection polls them.
    fn change_body(&self, request: u64, change: impl FnOnce(&mut State)) {
        let was_closed = {
            let state = &mut *self.state.borrow_mut();
            if state.request != request {
                return;
            }
            let was_closed = state.held >= WINDOW;
            change(state);
            was_closed
        };
        if was_closed {
            self.wake();
        }
    }

    /// A response is complete.
    pub(super) fn finish(&self) {
        let has_work = {
            let state = &mut *self.state.borrow_mut();
            state.in_flight -= 1;
            state.has_more || state.body.is_some()
        };
        if has_work {
            self.wake();
        }
    }

    fn wake(&self) {
        let waker = self.state.borrow_mut().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
