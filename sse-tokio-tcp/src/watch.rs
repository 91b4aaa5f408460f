//! Watching the client's side of a connection while a response is written.
//!
//! Nothing that comes in is of interest, only that the connection ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Sleep, sleep};

/// How much a client may send that nobody asked for before it is no longer read. It is not cut
/// off for it; that it has gone is then noticed when something is written.
const MOST_DISCARDED: u32 = 64 * 1024;

/// How long after the first probe the second one goes out, for the reset to have come back.
const PROBE_DELAY: Duration = Duration::from_millis(500);

/// What to do about the client.
#[derive(Debug)]
pub(crate) enum Notice {
    /// It has closed its sending side, and perhaps all of the connection: write something, for a
    /// connection that is gone answers with a reset.
    Probe,
    /// The connection is gone.
    Gone(io::Error),
}

pub(crate) enum Watch {
    Reading {
        discarded: u32,
        /// Whether the task is woken when there is something to read.
        waits: bool,
    },
    /// The first probe is out.
    Probed(Pin<Box<Sleep>>),
    /// There is nothing more to be learned from reading.
    Done,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        Self::Reading {
            discarded: 0,
            waits: false,
        }
    }

    /// Whether polling it would do nothing but find again that there is nothing to read, provided
    /// that there is not, and that the task is the same.
    #[inline]
    pub(crate) const fn is_waiting(&self) -> bool {
        matches!(self, Self::Reading { waits: true, .. })
    }

    /// Ready when there is something to do about the client.
    pub(crate) fn poll<I>(&mut self, io: &mut I, cx: &mut Context<'_>) -> Poll<Notice>
    where
        I: AsyncRead + Unpin,
    {
        loop {
            match self {
                Self::Reading { discarded, waits } => {
                    let mut bytes = [std::mem::MaybeUninit::uninit(); 256];
                    let mut bytes = ReadBuf::uninit(&mut bytes);
                    // A task whose turn is over is woken for that alone.
                    let has_turn = has_budget_remaining();
                    let polled = Pin::new(&mut *io).poll_read(cx, &mut bytes);
                    *waits = has_turn && polled.is_pending();
                    match std::task::ready!(polled) {
                        Ok(()) if bytes.filled().is_empty() => {
                            *self = Self::Probed(Box::pin(sleep(PROBE_DELAY)));
                            return Poll::Ready(Notice::Probe);
                        }
                        Ok(()) => {
                            *discarded += u32::try_from(bytes.filled().len()).unwrap_or(u32::MAX);
                            if *discarded > MOST_DISCARDED {
                                *self = Self::Done;
                            }
                        }
                        Err(error) => return Poll::Ready(Notice::Gone(error)),
                    }
                }
                Self::Probed(delay) => {
                    std::task::ready!(delay.as_mut().poll(cx));
                    *self = Self::Done;
                    return Poll::Ready(Notice::Probe);
                }
                Self::Done => return Poll::Pending,
            }
        }
    }
}
