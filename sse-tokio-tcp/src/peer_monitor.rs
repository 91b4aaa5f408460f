//! Watches whether the client is still connected while a response is written.
//!
//! What the client sends is discarded; only the end of the connection matters.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Sleep, sleep};

/// How many bytes of a client are read and discarded. Beyond that, nothing is read, and only a
/// failing write shows that the client is gone.
const MAX_DISCARDED: u32 = 64 * 1024;

/// The time between the two probes, within which a reset for the first one arrives. It needs no second
/// look at the socket: the second probe is one.
const PROBE_DELAY: Duration = Duration::from_millis(500);

/// What the monitor has found.
#[derive(Debug)]
pub(crate) enum PeerEvent {
    /// The client has closed its sending side, and perhaps the whole connection. A client that is
    /// gone answers the next write with a reset.
    ProbeNeeded,
    /// The connection is gone.
    Gone(io::Error),
}

/// Reads from the client until its end of the stream, then asks for two probes.
pub(crate) enum PeerMonitor {
    Reading {
        discarded: u32,
        /// Whether the task is registered for a wake-up when there is something to read.
        is_registered: bool,
    },
    /// The first probe is written; the second one is due when the timer fires.
    Probing(Pin<Box<Sleep>>),
    /// Reading shows nothing more.
    Done,
}

impl PeerMonitor {
    pub(crate) const fn new() -> Self {
        Self::Reading {
            discarded: 0,
            is_registered: false,
        }
    }

    /// Whether the task is woken when there is something to read, provided that it is the task
    /// that polled last.
    #[inline]
    pub(crate) const fn is_registered(&self) -> bool {
        matches!(
            self,
            Self::Reading {
                is_registered: true,
                ..
            }
        )
    }

    /// Completes when there is something to do about the client.
    pub(crate) fn poll<I>(&mut self, io: &mut I, cx: &mut Context<'_>) -> Poll<PeerEvent>
    where
        I: AsyncRead + Unpin,
    {
        loop {
            match self {
                Self::Reading {
                    discarded,
                    is_registered,
                } => {
                    let mut bytes = [MaybeUninit::uninit(); 256];
                    let mut bytes = ReadBuf::uninit(&mut bytes);
                    // Without budget, the poll is pending and the task is not registered.
                    let has_budget = has_budget_remaining();
                    let polled = Pin::new(&mut *io).poll_read(cx, &mut bytes);
                    *is_registered = has_budget && polled.is_pending();
                    match ready!(polled) {
                        Ok(()) if bytes.filled().is_empty() => {
                            *self = Self::Probing(Box::pin(sleep(PROBE_DELAY)));
                            return Poll::Ready(PeerEvent::ProbeNeeded);
                        }
                        Ok(()) => {
                            let len = u32::try_from(bytes.filled().len()).unwrap_or(u32::MAX);
                            *discarded = discarded.saturating_add(len);
                            if *discarded > MAX_DISCARDED {
                                *self = Self::Done;
                            }
                        }
                        Err(error) => return Poll::Ready(PeerEvent::Gone(error)),
                    }
                }
                Self::Probing(delay) => {
                    ready!(delay.as_mut().poll(cx));
                    *self = Self::Done;
                    return Poll::Ready(PeerEvent::ProbeNeeded);
                }
                Self::Done => return Poll::Pending,
            }
        }
    }
}
