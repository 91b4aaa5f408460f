//! Comments during silence, so that intermediaries do not take a quiet connection for a dead one
//! and a vanished client is noticed (HTML § 9.2.7 suggests one every 15 seconds or so).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

/// What to send and after how much silence.
#[derive(Clone, Debug)]
pub(crate) struct KeepAlive {
    pub(crate) interval: Duration,
    pub(crate) frame: Bytes,
}

pin_project! {
    /// Watches for silence on one stream.
    ///
    /// Traffic does not touch the timer. It only leaves a time stamp, which the timer looks at
    /// when it fires: if something was sent meanwhile, it sleeps for the rest of the interval.
    pub(crate) struct Watch {
        keep_alive: KeepAlive,
        last_write: Instant,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl Watch {
    pub(crate) fn new(keep_alive: KeepAlive) -> Self {
        Self {
            keep_alive,
            last_write: Instant::now(),
            timer: None,
        }
    }

    /// Notes that something is being sent.
    pub(crate) fn wrote(self: Pin<&mut Self>) {
        *self.project().last_write = Instant::now();
    }

    /// Ready with a comment when the interval has passed in silence.
    pub(crate) fn poll_silence(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Bytes> {
        let mut this = self.project();
        loop {
            // An interval beyond what the clock can count means: never.
            let Some(due) = this.last_write.checked_add(this.keep_alive.interval) else {
                return Poll::Pending;
            };
            match this.timer.as_mut().as_pin_mut() {
                None => this.timer.set(Some(sleep_until(due))),
                Some(timer) => {
                    std::task::ready!(timer.poll(cx));
                    let now = Instant::now();
                    if now >= due {
                        *this.last_write = now;
                        if let (Some(next), Some(timer)) = (
                            now.checked_add(this.keep_alive.interval),
                            this.timer.as_mut().as_pin_mut(),
                        ) {
                            timer.reset(next);
                        }
                        return Poll::Ready(this.keep_alive.frame.clone());
                    }
                    if let Some(timer) = this.timer.as_mut().as_pin_mut() {
                        timer.reset(due);
                    }
                }
            }
        }
    }
}
