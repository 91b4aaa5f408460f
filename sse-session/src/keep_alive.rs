//! Comments during silence, so that intermediaries do not take a quiet connection for a dead one
//! and a client that is gone is noticed (HTML § 9.2.7 suggests one about every 15 seconds).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

pin_project! {
    /// The keep-alive of one stream.
    ///
    /// Traffic leaves the timer alone and only records its time. When the timer fires, that time
    /// decides: if something was sent meanwhile, the timer sleeps for the rest of the interval.
    // What each piece needs comes first, as in the pipe.
    #[repr(C)]
    pub(crate) struct KeepAliveTimer {
        // Whether the timer, while it sleeps, will wake the stream.
        is_set: bool,
        interval: Duration,
        last_write: Instant,
        #[pin]
        timer: Option<Sleep>,
        comment: Bytes,
    }
}

impl KeepAliveTimer {
    /// A timer for an encoded `comment` after each `interval` of silence.
    pub(crate) fn new(interval: Duration, comment: Bytes) -> Self {
        Self {
            is_set: false,
            interval,
            last_write: Instant::now(),
            timer: None,
            comment,
        }
    }

    /// Records that something is sent now.
    pub(crate) fn record_write(self: Pin<&mut Self>) {
        *self.project().last_write = Instant::now();
    }

    /// Records that the stream has another waker now.
    pub(crate) fn forget_waker(self: Pin<&mut Self>) {
        *self.project().is_set = false;
    }

    /// [`poll_silence`](Self::poll_silence) after something was sent just now, which usually leaves
    /// the timer alone.
    pub(crate) fn poll_silence_from_now(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Bytes> {
        match &self.timer {
            Some(timer) if self.is_set && !timer.is_elapsed() => Poll::Pending,
            _ => self.poll_silence(cx),
        }
    }

    /// Ready with the comment when the interval has passed in silence.
    pub(crate) fn poll_silence(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Bytes> {
        let mut this = self.project();
        *this.is_set = false;
        loop {
            // An interval beyond the range of the clock means never.
            let Some(due) = this.last_write.checked_add(*this.interval) else {
                return Poll::Pending;
            };
            let Some(mut timer) = this.timer.as_mut().as_pin_mut() else {
                this.timer.set(Some(sleep_until(due)));
                continue;
            };
            if timer.as_mut().poll(cx).is_pending() {
                *this.is_set = true;
                return Poll::Pending;
            }
            let now = Instant::now();
            if now < due {
                timer.reset(due);
                continue;
            }
            *this.last_write = now;
            if let Some(next) = now.checked_add(*this.interval) {
                timer.reset(next);
            }
            return Poll::Ready(this.comment.clone());
        }
    }
}
