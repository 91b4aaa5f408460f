//! Watching the client's side of a connection while a response is written.
//!
//! Nothing that comes in is of interest, only that the connection ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How much a client may send that nobody asked for before it is no longer read. It is not cut
/// off for it; that it has gone is then noticed when something is written.
const MOST_DISCARDED: usize = 64 * 1024;

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
        discarded: usize,
    },
    /// The first probe is out.
    Probed(Pin<Box<Sleep>>),
    /// There is nothing more to be learned from reading.
    Done,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        Self::Reading { discarded: 0 }
    }

    /// Ready when there is something to do about the client.
    pub(crate) fn poll<I>(&mut self, io: &mut I, cx: &mut Context<'_>) -> Poll<Notice>
    where
        I: AsyncRead + Unpin,
    {
        loop {
            match self {
                Self::Reading { discarded } => {
                    let mut bytes = [std::mem::MaybeUninit::uninit(); 256];
                    let mut bytes = ReadBuf::uninit(&mut bytes);
                    match std::task::ready!(Pin::new(&mut *io).poll_read(cx, &mut bytes)) {
                        Ok(()) if bytes.filled().is_empty() => {
                            *self = Self::Probed(Box::pin(sleep(PROBE_DELAY)));
                            return Poll::Ready(Notice::Probe);
                        }
                        Ok(()) => {
                            *discarded += bytes.filled().len();
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
