//! Time limits that are believed only after a second look, for the crates of this project.
//!
//! While a process does not run (it was stopped by a signal, its control group is frozen, the lid is
//! closed), time passes, and what it waits for arrives all the same. When it goes on, the runtime may
//! fire its timers before it has asked the system about the sockets. So a limit that has passed only
//! starts another short one, during which the runtime looks at the sockets.
//!
//! The client has the same, as it does not depend on this crate: `second_look.rs` in `sse-eventsource`.
//!
//! The timers of a session do not need it: a keep-alive that is early harms nothing, and a stream
//! that ends by its age ends in order, after what was sent.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep, timeout};

/// How long the second look lasts. What a socket has may pass through several tasks before it is
/// where it is waited for.
pub const SECOND_LOOK: Duration = Duration::from_millis(50);

/// Waits for `future`, for `limit` and a second look. Returns `None` if it is not ready by then.
pub async fn within<F: Future>(limit: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    match timeout(limit, future.as_mut()).await {
        Ok(output) => Some(output),
        Err(_) => timeout(SECOND_LOOK, future).await.ok(),
    }
}

pin_project! {
    /// Completes when a time limit and a second look have passed. What it limits must be polled
    /// before it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TimeLimit {
        #[pin]
        timer: Sleep,
        looks_again: bool,
    }
}

impl TimeLimit {
    /// A limit that begins now.
    pub fn new(limit: Duration) -> Self {
        Self {
            timer: sleep(limit),
            looks_again: false,
        }
    }
}

impl Future for TimeLimit {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        ready!(this.timer.as_mut().poll(cx));
        if !*this.looks_again {
            *this.looks_again = true;
            this.timer.as_mut().reset(Instant::now() + SECOND_LOOK);
            ready!(this.timer.poll(cx));
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::advance;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_after_the_limit_is_found_by_the_second_look() {
        // As after a stop: the limit has passed long ago, and the answer comes a moment later.
        let (send, answer) = tokio::sync::oneshot::channel();
        let mut waiting = pin!(within(LIMIT, answer));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        advance(10 * LIMIT).await;
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        send.send("answer").expect("the other end waits");
        assert_eq!(waiting.await, Some(Ok("answer")));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_ends_with_the_second_look() {
        let begun = Instant::now();
        assert_eq!(within(LIMIT, pending::<()>()).await, None);
        // Timers are rounded up to milliseconds.
        let expected = LIMIT + SECOND_LOOK..LIMIT + SECOND_LOOK + Duration::from_millis(3);
        assert!(expected.contains(&begun.elapsed()), "{:?}", begun.elapsed());

        let begun = Instant::now();
        TimeLimit::new(LIMIT).await;
        assert!(expected.contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }
}
