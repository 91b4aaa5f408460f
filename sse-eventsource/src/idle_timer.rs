//! The idle timeout: how long a stream may say nothing at all.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// Watches that something comes. What comes does not touch the timer: when that fires it looks
/// since when nothing has come, and waits for the rest.
pub(crate) struct IdleTimer {
    timeout: Duration,
    /// Since when the stream is waited for. Before that nobody asked, so a slow reader does not
    /// make it idle.
    waiting_since: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl IdleTimer {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            waiting_since: None,
            timer: Box::pin(sleep(timeout)),
        }
    }

    /// Something came.
    pub(crate) fn end_wait(&mut self) {
        self.waiting_since = None;
    }

    /// Is ready when nothing came for the whole timeout.
    pub(crate) fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let waited = since.elapsed();
            match self.timeout.checked_sub(waited) {
                None | Some(Duration::ZERO) => return Poll::Ready(self.timeout),
                Some(rest) => self.timer.set(sleep(rest)),
            }
        }
    }
}
