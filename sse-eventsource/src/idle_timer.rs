//! The idle timeout: how long an open stream may be silent.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::second_look::SECOND_LOOK;

/// Measures the silence of a stream. Data does not reset the timer: when it fires, it is set again
/// to the rest of the timeout since the last data.
pub(crate) struct IdleTimer {
    timeout: Duration,
    /// When the current wait for data began. It begins with a read, so a slow reader does not make
    /// the stream idle.
    waiting_since: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    /// The timer has elapsed, and is set to the second look.
    looks_again: bool,
}

impl IdleTimer {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            waiting_since: None,
            timer: Box::pin(sleep(timeout)),
            looks_again: false,
        }
    }

    /// Records that data has arrived.
    pub(crate) fn end_wait(&mut self) {
        self.waiting_since = None;
        self.looks_again = false;
    }

    /// Is ready with the timeout once no data has arrived for that long.
    pub(crate) fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let waited = since.elapsed();
            match self.timeout.checked_sub(waited) {
                None | Some(Duration::ZERO) if self.looks_again => {
                    return Poll::Ready(self.timeout);
                }
                None | Some(Duration::ZERO) => {
                    self.looks_again = true;
                    self.timer.set(sleep(SECOND_LOOK));
                }
                Some(rest) => self.timer.set(sleep(rest)),
            }
        }
    }
}
