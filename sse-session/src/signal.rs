//! What reaches a stream from outside of its handler.

use crate::sync::{AtomicU8, Ordering};

/// What a body has to do about its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Signal {
    /// Poll the signals that end the stream: one of them has woken the pipe.
    Poll = 1,
    /// Shut down.
    Shutdown = 2,
}

/// The signal that a body has not taken yet.
#[derive(Debug)]
pub(crate) struct PendingSignal(AtomicU8);

/// No signal.
const NONE: u8 = 0;

impl PendingSignal {
    pub(crate) fn new(signal: Signal) -> Self {
        Self(AtomicU8::new(signal as u8))
    }

    /// Sets `signal`, unless a shutdown is pending.
    pub(crate) fn raise(&self, signal: Signal) {
        self.0.fetch_max(signal as u8, Ordering::AcqRel);
    }

    #[inline]
    pub(crate) fn take(&self) -> Option<Signal> {
        // The load spares a read-modify-write in the usual case.
        if self.0.load(Ordering::Acquire) == NONE {
            return None;
        }
        match self.0.swap(NONE, Ordering::AcqRel) {
            NONE => None,
            poll if poll == Signal::Poll as u8 => Some(Signal::Poll),
            _ => Some(Signal::Shutdown),
        }
    }
}
