//! Delivering to a stream past its task.
//!
//! To wake a task, run it and have it put away again costs more than to write a short event. Where
//! one event goes to thousands of streams, one task can therefore write it for many of them, while
//! their own ones sleep. What a server must give for that is a [`DirectWrite`]; what sends to many
//! streams gets it as [`Direct`] from the handle of each. Nothing else is done past a task: one
//! that has anything to do itself is left to do this too.

use std::cell::OnceCell;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::moment::Moment;
use crate::waker::StreamWaker;

/// Something to be done in the task of one connection on behalf of many.
///
/// It may be dropped undone, with the connection; then it has to see itself that it is done
/// elsewhere.
pub type Errand = Box<dyn FnOnce() + Send>;

/// A connection, for those who want to write to it while its task sleeps.
///
/// A server that can share its connections so gives one to
/// [`SseStream::deliver_through`](crate::SseStream::deliver_through) or
/// `SseBody::deliver_through`. All of it is about a connection *at rest*: whose task has written
/// all that it had, and sleeps until there is more or the client does something.
pub trait DirectWrite: fmt::Debug + Send + Sync {
    /// Writes the events in full, or writes nothing and returns `false`, without waiting.
    ///
    /// Where the client takes only a part at once, the connection's own task is woken to write the
    /// rest before anything else.
    fn deliver(&self, delivery: &Delivery) -> bool;

    /// Whether the connection is at rest, and its task free to go on an errand.
    fn is_at_rest(&self) -> bool;

    /// Wakes the connection's task for an errand. Each time that the task runs, this comes first.
    ///
    /// # Errors
    ///
    /// The errand, if the connection is not at rest.
    fn send_on(&self, errand: Errand) -> Result<(), Errand>;

    /// What tells connections apart that are not run together: an errand is done for those that
    /// have the same in common, as a task that does not run must not hold up others that could.
    ///
    /// It is always the same for a connection, and only told: it may be asked under locks.
    fn home(&self) -> usize;
}

/// Events for many streams, as they are written to each.
#[derive(Debug)]
pub struct Delivery {
    events: Bytes,
    call_off: Arc<AtomicBool>,
    chunk: OnceCell<Vec<u8>>,
    at: Moment,
}

impl Delivery {
    /// A delivery of whole encoded events, which are trusted as by
    /// [`Sse::send_encoded`](crate::Sse::send_encoded).
    ///
    /// Once `call_off` is `true`, there are none any more. This is for a stream that is to get
    /// nothing after something has happened in its own task, which cannot be at rest meanwhile.
    #[must_use]
    pub fn new(events: Bytes, call_off: Arc<AtomicBool>) -> Self {
        Self {
            events,
            call_off,
            chunk: OnceCell::new(),
            at: Moment::now(),
        }
    }

    /// The events; `None` if there are none, or none any more. To be asked while it is certain
    /// that the connection is at rest and remains so.
    #[must_use]
    pub fn events(&self) -> Option<&Bytes> {
        let is_off = self.events.is_empty() || self.call_off.load(Ordering::Acquire);
        (!is_off).then_some(&self.events)
    }

    /// The [`events`](Self::events) as a chunk of HTTP/1.1 (RFC 9112 § 7.1), which is made once
    /// for all.
    #[must_use]
    pub fn chunk(&self) -> Option<&[u8]> {
        let events = self.events()?;
        Some(self.chunk.get_or_init(|| {
            let mut chunk = Vec::with_capacity(events.len() + 20);
            // Writing into a vector cannot fail.
            let _ = write!(chunk, "{:x}\r\n", events.len());
            chunk.extend_from_slice(events);
            chunk.extend_from_slice(b"\r\n");
            chunk
        }))
    }
}

/// A way to deliver to one stream past its task; from [`Sse::direct`](crate::Sse::direct).
///
/// It is no handle: the stream ends without regard to it, and nothing can be delivered then.
#[derive(Clone, Debug)]
pub struct Direct {
    stream: Arc<StreamWaker>,
    line: Arc<dyn DirectWrite>,
}

impl Direct {
    pub(crate) fn new(stream: Arc<StreamWaker>, line: Arc<dyn DirectWrite>) -> Self {
        Self { stream, line }
    }

    /// Delivers at once and in full, or not at all: if the stream has anything to do itself, or
    /// its client takes nothing. What is delivered comes after all that was sent before.
    #[must_use]
    pub fn deliver(&self, delivery: &Delivery) -> bool {
        // Whoever sends something to the stream wakes it, so one that waits has nothing to send.
        let delivered = self.stream.is_waiting() && self.line.deliver(delivery);
        if delivered {
            self.stream.note_delivery(delivery.at);
        }
        delivered
    }

    /// Whether it could be [sent on an errand](Self::send_on).
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.stream.is_waiting() && self.line.is_at_rest()
    }

    /// Wakes the connection's task for an errand, see [`DirectWrite::send_on`].
    ///
    /// Unlike [`is_at_rest`](Self::is_at_rest) this does not ask whether the stream itself waits:
    /// it is the connection's task that goes, whatever its stream is about to do.
    ///
    /// # Errors
    ///
    /// The errand, if the connection is not at rest.
    pub fn send_on(&self, errand: Errand) -> Result<(), Errand> {
        self.line.send_on(errand)
    }

    /// See [`DirectWrite::home`].
    #[must_use]
    pub fn home(&self) -> usize {
        self.line.home()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_has_its_length_in_front() {
        let events = Bytes::from_static(b"data: it is long enough\n\n");
        let delivery = Delivery::new(events.clone(), Arc::default());
        assert_eq!(delivery.events(), Some(&events));
        let chunk = b"19\r\ndata: it is long enough\n\n\r\n";
        assert_eq!(delivery.chunk(), Some(&chunk[..]));
        // An empty chunk would be the end.
        assert_eq!(Delivery::new(Bytes::new(), Arc::default()).chunk(), None);
    }

    #[test]
    fn nothing_is_left_of_what_was_called_off() {
        let call_off = Arc::default();
        let delivery = Delivery::new(Bytes::from_static(b"data\n\n"), Arc::clone(&call_off));
        assert!(delivery.chunk().is_some());
        call_off.store(true, Ordering::Release);
        assert_eq!((delivery.events(), delivery.chunk()), (None, None));
    }
}
